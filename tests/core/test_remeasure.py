"""A metric that is registered later reaches finished runs, which stay whole at every moment."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from unlearn_core.cli.main import main
from unlearn_core.engine.pipeline import execute
from unlearn_core.metrics import METRICS
from unlearn_core.runs import store as store_module


@pytest.fixture
def added(monkeypatch):
    """Register a metric as if it had been written since."""
    spec = replace(
        METRICS["forget_accuracy"],
        name="confidence",
        compute=lambda evidence: float(
            evidence.records_of("forget").probabilities.max(axis=1).mean()
        ),
    )
    monkeypatch.setitem(METRICS, "confidence", spec)
    return "confidence"


def measured(own):
    return {key: own.load(key).metrics() for key in own.list()}


def test_unchanged_code_gives_the_same_values_and_a_new_metric_joins_them(own, comparison, added):
    before, maps = measured(own), own.load(comparison.runs["neggrad"].key).projections()
    assert main(["measure"]) == 0
    for key, old in before.items():
        new = own.load(key).metrics()
        if key == comparison.runs["base"].key:
            assert new == old
            continue
        value = new["values"].pop(added)
        run = own.load(key)
        forget = run.records().labels == 3
        sure = run.records().probabilities[forget & run.records().is_train].max(axis=1)
        assert value == pytest.approx(sure.mean())
        assert new == old
        assert run.manifest["measured"]["time"] > run.manifest["created"]
        assert own.verify(key) == []
        assert sorted(p.name for p in run.folder.glob("metrics*")) == ["metrics.json"]
        assert not list(run.folder.glob("*.tmp"))
    assert own.load(comparison.runs["neggrad"].key).projections() == maps


def test_a_run_with_a_backdoor_keeps_what_was_recorded_with_the_trigger(store, tiny, no_maps):
    from unlearn_core.config import ForgetConfig
    from unlearn_core.engine.remeasure import measure_again

    config = replace(
        tiny,
        data=replace(tiny.data, poison_target=0),
        forget=ForgetConfig(kind="backdoor", values=(0,)),
        training=replace(tiny.training, epochs=1),
        method="retrain",
    )
    run = execute(config, store=store, device="cpu")
    before = run.metrics()
    assert before["values"]["backdoor_asr"] is not None
    assert measure_again(store, run.key, torch.device("cpu")) == "as before"
    assert store.load(run.key).metrics() == before


def test_at_every_moment_the_run_is_whole_and_listed_also_where_the_process_ends(
    own, comparison, monkeypatch
):
    key = comparison.runs["neggrad"].key
    old, real, moments = own.load(key).metrics(), store_module._replace, []
    opened_before = own.load(key)
    new = {**old, "values": {**old["values"], "confidence": 0.5}}

    def watched(path, content):
        for step in (lambda: None, lambda: real(path, content)):
            step()
            assert own.list().count(key) == 1
            assert own.verify(key) == []
            assert own.load(key).metrics() in (old, new)
            assert opened_before.metrics() in (old, new)
            moments.append(path.name)
        shutil.rmtree(own.root / "died", ignore_errors=True)
        shutil.copytree(own.runs / key, own.root / "died")

    monkeypatch.setattr(store_module, "_replace", watched)
    own.replace_metrics(key, new)
    assert len(moments) == 8
    assert own.load(key).metrics() == opened_before.metrics() == new
    assert json.loads((own.runs / key / "metrics.json").read_bytes()) == new
    # ended before the last file was removed: whole, and measured once more from there
    monkeypatch.setattr(store_module, "_replace", real)
    shutil.rmtree(own.runs / key)
    shutil.move(own.root / "died", own.runs / key)
    own.replace_metrics(key, old)
    assert own.verify(key) == []
    assert sorted(p.name for p in (own.runs / key).glob("metrics*")) == ["metrics.json"]


def test_what_cannot_be_measured_is_said_and_the_rest_is(own, comparison, capsys):
    neggrad, base = comparison.runs["neggrad"].key, comparison.runs["base"].key
    assert main(["measure", base, "0123456789abcdef", neggrad]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{base}: not measured: it is a trained model")
    assert "There is no finished run 0123456789abcdef" in lines[1]
    assert lines[2] == f"{neggrad}: as before"


def test_a_shipped_run_stays_as_it_is(comparison, tmp_path, monkeypatch, capsys):
    shutil.copytree(comparison.store.root, tmp_path / "cache" / "demo")
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    key = comparison.runs["neggrad"].key
    assert main(["measure", key]) == 1
    assert "came with the project and stays as it is" in capsys.readouterr().out
    assert main(["measure"]) == 0  # of all own runs there is none


def test_a_metric_that_is_not_registered_here_keeps_its_value(own, comparison, monkeypatch):
    key = comparison.runs["neggrad"].key
    old = own.load(key).metrics()["values"]
    monkeypatch.delitem(METRICS, "cluster_f1")
    assert main(["measure", key]) == 0
    assert own.load(key).metrics()["values"] == old


def test_distances_between_layers_are_kept_as_they_were_measured(own, comparison):
    from unlearn_core.engine.measure import distances

    run = own.load(comparison.runs["neggrad"].key)
    content = run.metrics()
    found = distances(content["layers"])
    assert found["original/forget"] == content["values"]["feature_distance_original"]
    broken = [{**row, "distance": None} for row in content["layers"]]
    assert np.isnan(list(distances(broken).values())).all()
