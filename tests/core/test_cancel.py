"""Cancel, in every method and at every kind of moment, leaves nothing behind and costs nothing."""

import shutil
from dataclasses import fields, replace

import pytest

from tests.lanes import fast_lane
from unlearn_core.engine.making import CancelledError
from unlearn_core.engine.pipeline import execute, validate
from unlearn_core.methods import METHODS
from unlearn_core.runs.plan import parents

QUICK = {
    "epochs": 2,
    "iterations": 4,
    "alternations": 1,
    "batch_size": 128,
    "recover_epochs": 1,
}
LEFT_BEHIND = {"status.json", "config.json", "log.txt"}


@pytest.fixture
def quick(no_maps, monkeypatch):
    """Spare what comes after the weights and takes long: metrics, and the probes' regressions."""
    nothing = {"values": {}, "reasons": {}, "layers": []}
    monkeypatch.setattr("unlearn_core.engine.measure.measure", lambda *_, **__: dict(nothing))
    monkeypatch.setattr("unlearn_core.metrics.probing.linear_probe_accuracy", lambda *_, **__: 0.5)


@pytest.fixture
def config_of(tiny):
    def make(name):
        known = {f.name for f in fields(METHODS[name].settings_class)}
        settings = {key: value for key, value in QUICK.items() if key in known}
        return validate(replace(tiny, method=name, settings=settings))

    return make


@pytest.fixture
def parents_of(store, comparison):
    """Put the finished runs that a run needs into the store; return their keys."""

    def copy(config):
        keys = [parent.key() for parent in parents(config)]
        for key in keys:
            shutil.copytree(comparison.store.runs / key, store.runs / key)
        return keys

    return copy


def cancel(config, store, moment):
    """Execute, and ask for a stop from the first report on for which `moment` holds."""
    reports = []
    with pytest.raises(CancelledError):
        execute(
            config,
            store=store,
            device="cpu",
            on_progress=reports.append,
            should_stop=lambda: any(moment(report) for report in reports[-1:]),
        )
    return reports[-1]


def at_step(step):
    return lambda status: status.stage == "unlearn" and status.step >= step


def in_stage(stage):
    return lambda status: status.stage == stage


def assert_clean(store, config, parents):
    assert sorted(store.list()) == sorted(parents)
    assert not store.exists(config.key())
    assert [line for key in parents for line in store.verify(key)] == []
    (status,) = store.statuses()
    assert (status.key, status.state) == (config.key(), "cancelled")
    assert {path.name for path in store.work.iterdir()} == {config.key()}
    assert {path.name for path in (store.work / config.key()).iterdir()} <= LEFT_BEHIND
    assert not store.is_locked(config.key())


def weights(run):
    """Sizes and hashes of the network and of what the method left besides it."""
    return {name: entry for name, entry in run.files.items() if name.endswith(".safetensors")}


# of the pipeline, whatever the method: two phases, adapters, a single step
@pytest.mark.parametrize("name", fast_lane(METHODS, ("muda", "rfa", "trick_forget_bias")))
def test_a_method_that_was_cancelled_leaves_nothing_and_ends_the_same_later(
    name, store, config_of, parents_of, quick
):
    config = config_of(name)
    parents = parents_of(config)
    uncancelled = execute(config, store=store, device="cpu")
    expected, steps = weights(uncancelled), uncancelled.manifest["steps"]
    assert "model.safetensors" in expected
    store.delete(config.key())
    for step in sorted({0, steps // 2, steps}):
        last = cancel(config, store, at_step(step))
        assert (last.stage, last.step) == ("unlearn", step)
        assert_clean(store, config, parents)
    assert cancel(config, store, in_stage("map")).stage == "map"  # measure does not start
    assert_clean(store, config, parents)
    again = execute(config, store=store, device="cpu")
    assert weights(again) == expected
    assert store.statuses() == []
    assert list(store.work.iterdir()) == []
    assert store.verify(config.key()) == []


def test_a_cancel_while_the_model_is_recorded_starts_no_map(store, config_of, parents_of, quick):
    config = config_of("neggrad")
    parents = parents_of(config)
    assert cancel(config, store, in_stage("record")).stage == "record"
    assert_clean(store, config, parents)


def test_a_cancel_while_a_parent_is_made_leaves_no_run_at_all(store, config_of, quick):
    config = config_of("neggrad")
    last = cancel(config, store, lambda status: status.stage == "train" and status.step >= 2)
    assert (last.key, last.stage, last.step) == (config.base().key(), "train", 2)
    assert_clean(store, config.base(), [])
    assert execute(config, store=store, device="cpu").key == config.key()
    assert store.statuses() == []
