"""`measure --relearn`: finished runs get what `compare --audits` would have given them."""

from dataclasses import replace

import pytest

from unlearn_core.cli.main import main
from unlearn_core.engine.teach_again import BEFORE, can_be_taught, teach_all
from unlearn_core.runs.artefact import MODEL
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.plan import RELEARNING


def test_one_run_is_taught_with_its_retrained_model_and_not_twice(own, comparison, capsys):
    run = comparison.runs["neggrad"]
    before = {key: (own.runs / key / "manifest.json").read_bytes() for key in own.list()}
    [found] = comparisons(own)
    assert found.metrics(run)["values"]["relearn_gap"] is None

    assert main(["measure", "--relearn", run.key]) == 0
    taught = replace(run.config, relearn=RELEARNING).key()
    assert f"{run.key}: taught again, as {taught}" in capsys.readouterr().out
    reference = replace(run.config.retrained(), relearn=RELEARNING).key()
    assert {*own.list()} - {*before} == {taught, reference}
    for key, manifest in before.items():
        assert (own.runs / key / "manifest.json").read_bytes() == manifest

    [found] = comparisons(own)
    runs = {each.config.method: found.metrics(each)["values"] for each in found.runs}
    assert 0 <= runs["neggrad"]["relearn_k"] <= 1
    assert runs["neggrad"]["relearn_gap"] is not None
    assert runs["trick_head_finetune"]["relearn_k"] is None
    assert list(teach_all(own, [run.key], "cpu")) == [f"{run.key}: {BEFORE}"]


def test_without_a_name_every_own_model_is_meant_and_no_base_or_relearning(own, comparison):
    everything = {key for key in own.list() if can_be_taught(own, key)}
    assert everything == {comparison.runs[name].key for name in comparison.runs if name != "base"}


def test_what_cannot_be_taught_is_named_and_fails(own, comparison, capsys):
    assert main(["measure", "--relearn", comparison.runs["base"].key]) == 1
    assert "not measured: it is a run whose model has no" in capsys.readouterr().out
    assert main(["measure", "--relearn", "0" * 16]) == 1
    assert "There is no finished run" in capsys.readouterr().out


def test_a_shipped_model_without_weights_says_so(own, comparison, monkeypatch):
    monkeypatch.setattr("unlearn_core.runs.artefact.RunArtefact.has", lambda _, name: name != MODEL)
    [line] = teach_all(own, [comparison.runs["neggrad"].key], "cpu")
    assert "not measured: its weights were left out" in line


@pytest.mark.parametrize("options", [["measure", "--relearn"], ["measure"]])
def test_an_empty_store_has_nothing_to_measure(options, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path))
    assert main(options) == 0
    assert "0 runs measured" in capsys.readouterr().out
