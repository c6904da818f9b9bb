import shutil
from dataclasses import replace

import pytest

from tests.pages.reading import figures, links, opened, texts
from unlearn_core.config import ForgetConfig
from unlearn_core.engine.pipeline import execute
from unlearn_core.runs.store import Store
from unlearn_core.views.palette import class_colour
from unlearn_core.views.wording import comparison_title

pytestmark = pytest.mark.page


def filled(tmp_path, monkeypatch, source):
    """Return a copy of the store, which pages now read."""
    store = Store(tmp_path / "cache")
    shutil.copytree(source.store.runs, store.runs)
    monkeypatch.setenv("UNLEARN_CACHE", str(store.root))
    return store


@pytest.fixture
def finished(tmp_path, monkeypatch, learned):
    return filled(tmp_path, monkeypatch, learned)


@pytest.fixture
def without_run(tmp_path, monkeypatch, comparison):
    return filled(tmp_path, monkeypatch, comparison)


@pytest.fixture
def submitted(monkeypatch):
    """Catch what the page hands to the queue."""
    configs = []
    monkeypatch.setattr("pages.components.queue.submit", configs.extend)
    return configs


def test_empty_store_says_where_to_start(empty_store):
    assert "no finished runs yet" in opened("incremental").info[0].value


def test_old_and_new_map_stand_side_by_side_with_diamonds_of_the_class(finished):
    figure = figures(opened("incremental"))[0]
    titles = [note["text"] for note in figure["layout"]["annotations"]]
    assert titles == ["Old model", "New model"]
    new = [trace["marker"] for trace in figure["data"] if trace["name"] == "3 (new)"]
    assert [(mark["symbol"], mark["color"]) for mark in new] == [("diamond", class_colour(3))] * 2
    assert figure["layout"]["xaxis2"]["matches"] == "x"


def test_alignment_is_drawn_while_the_class_is_learned(finished):
    app = opened("incremental")
    history = figures(app)[1]
    assert [trace["name"] for trace in history["data"]] == ["Incremental"]
    assert history["layout"]["xaxis"]["title"]["text"] == "steps of learning"
    steps = figures(app)[2]
    assert steps["layout"]["xaxis2"]["title"]["text"] == "Step of learning"
    assert "lies nearest to these classes" in texts(app)
    assert "trustworthiness" in texts(app)


def test_the_table_can_show_methods_beside_both_models(finished):
    app = opened("incremental")
    assert app.table[0].value["Model"].tolist() == ["Old model", "New model"]
    app.multiselect(key="incremental_also").set_value(["Original"]).run()
    assert app.table[0].value["Model"].tolist() == ["Old model", "New model", "Original"]


def test_other_pages_do_not_take_it_for_a_method(finished):
    text = texts(opened("overview"))
    assert "NegGrad" in text
    assert "<b>Incremental" not in text
    app = opened("alignment")
    assert "Incremental" not in app.multiselect(key="curve_methods").options


def test_a_missing_run_is_queued_with_what_it_needs(without_run, submitted):
    app = opened("incremental")
    assert "No model has learned class 3" in app.info[0].value
    assert "Nothing is running" in texts(app)
    app.button(key="incremental_run").click().run()
    assert [config.method for config in submitted] == ["original", "retrain", "incremental"]
    assert {config.forget.values for config in submitted} == {(3,)}


def test_a_request_without_a_class_says_what_to_do(without_run, comparison, no_maps):
    other = replace(comparison.config, forget=ForgetConfig(kind="random", values=(10,)))
    execute(other.original(), store=without_run, device="cpu")
    app = opened("incremental", comparison=comparison_title(other))
    assert "This comparison forgets 10 random examples" in app.info[0].value
    assert "unlearn" in links(app)
    assert not app.button
