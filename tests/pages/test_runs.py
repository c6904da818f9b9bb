import errno
import os
from dataclasses import replace

import pytest

from tests.pages.reading import links, opened, texts
from unlearn_core.runs.status import write_status

pytestmark = pytest.mark.page


def table(app):
    return next(frame.value for frame in app.dataframe if "Origin" in frame.value)


def tick(app, *names):
    rows = [i for i, run in enumerate(table(app)["Run"]) if run in names]
    app.session_state["runs"] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    app.run()
    assert not app.exception, app.exception


def test_empty_store_says_where_to_start(empty_store):
    app = opened("runs")
    assert "Nothing is stored yet" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_every_run_is_listed_with_its_size_and_the_disk_that_is_used(own, comparison):
    app = opened("runs")
    assert set(table(app)["Key"]) == {run.key for run in comparison.runs.values()}
    assert (table(app)["MB"] > 0).all()
    assert app.metric[0].value == str(len(comparison.runs))
    assert app.metric[2].value.endswith("MB")


def test_search_is_in_the_address_and_finds_words_in_any_column(own):
    rows = table(opened("runs", runs_find="neggrad CLASS"))
    assert rows["Run"].tolist() == ["NegGrad"]
    assert len(table(opened("runs", runs_find="nothing-like-this"))) == 0


def test_wrong_words_in_the_address_are_left_out(own, comparison):
    assert len(table(opened("runs", runs_origin="x", comparison="y"))) == len(comparison.runs)


def test_removal_names_what_depends_on_it_and_asks_first(own, comparison):
    app = opened("runs")
    tick(app, "Retrained")
    app.button(key="ask_remove").click().run()
    told = texts(app)
    assert "So will **3 runs** made from them: Original (measured)" in told
    assert "NegGrad, seed 0" in told
    assert own.exists(comparison.runs["retrain"].key)
    app.button(key="remove_runs").click().run()
    assert not app.exception
    assert own.list() == [comparison.runs["base"].key]


def test_a_removal_that_the_disk_refuses_is_one_line(own, comparison, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(own.runs / "x"))

    monkeypatch.setattr("unlearn_core.runs.inventory.remove", refuse)
    app = opened("runs")
    tick(app, "NegGrad")
    app.button(key="ask_remove").click().run()
    app.button(key="remove_runs").click().run()
    assert not app.exception
    assert [line.value for line in app.error] == [f"The disk of {own.root} can only be read."]


def test_removal_can_be_taken_back(own, comparison):
    app = opened("runs")
    tick(app, "NegGrad")
    app.button(key="ask_remove").click().run()
    app.button(key="keep_runs").click().run()
    assert "will be removed" not in texts(app)
    assert own.exists(comparison.runs["neggrad"].key)


def test_verifying_names_the_changed_file(own, comparison):
    run = own.load(comparison.runs["neggrad"].key)
    path = run.folder / "history.parquet"  # which this page itself does not read
    path.write_bytes(path.read_bytes()[::-1])
    app = opened("runs")
    tick(app, "NegGrad")
    app.button(key="verify_runs").click().run()
    assert any(str(path) in line.value for line in app.error)


def test_two_runs_are_told_apart_by_config_and_numbers(own):
    app = opened("runs")
    tick(app, "NegGrad", "Retrained")
    rows = app.dataframe[1].value.set_index("")
    assert {"method", "settings.learning_rate", "Acc(D_f)"} <= set(rows.index)
    assert "training.epochs" not in rows.index


def test_shipped_runs_cannot_be_removed(shipped_store):
    app = opened("runs")
    tick(app, "MUDA")
    assert app.button(key="ask_remove").disabled


def test_running_and_failed_jobs_stand_below_and_all_can_be_stopped(own, comparison):
    for number, state in enumerate(("failed", "queued", "queued")):
        config = replace(comparison.config, method="neggrad", settings={"epochs": 20 + number})
        status = own.enqueue(config)
        if state == "failed":
            write_status(own.work / status.key, replace(status, state="failed", message="no luck"))
    app = opened("runs")
    assert "No luck" in texts(app)
    assert app.button(key="cancel_all").label == "Stop all"
    app.button(key="cancel_all").click().run()
    assert [status.state for status in own.statuses()].count("cancelled") == 2


def test_a_job_whose_status_cannot_be_read_has_the_seed_that_was_asked_for(own, comparison):
    config = replace(comparison.config, method="neggrad", settings={"epochs": 30}, seed=7)
    (own.work / own.enqueue(config).key / "status.json").write_text("")
    app = opened("runs")
    assert "**, seed 7" in texts(app)
    assert "cannot be read" in texts(app)
