"""The pipeline: computed once, stopped cleanly, finished after a kill, the same every time."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.engine.making import CancelledError
from unlearn_core.engine.pipeline import execute, validate
from unlearn_core.methods import resolve_settings
from unlearn_core.methods.settings import plain
from unlearn_core.metrics import METRICS
from unlearn_core.runs.store import Store
from unlearn_core.training import DivergedError

ROOT = Path(__file__).resolve().parents[2]
MAKE = """
import os, signal, sys
from types import SimpleNamespace
from unlearn_core.config import RunConfig
from unlearn_core.engine import maps
from unlearn_core.engine.pipeline import execute
from unlearn_core.runs.store import Store
import json, torch

torch.set_num_threads(1)
maps.importlib = SimpleNamespace(util=SimpleNamespace(find_spec=lambda _name: None))
kill_at, calls = int(sys.argv[3]), 0

def on_progress(status):
    global calls
    calls += 1
    if status.step == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

config = RunConfig.from_dict(json.loads(sys.argv[2]))
execute(config, store=Store(sys.argv[1]), on_progress=on_progress, device="cpu")
print(calls)
"""


def spawn(store, config, *, kill_at=-1):
    """Execute the config in a process of its own; it prints how often it reported progress."""
    arguments = [str(store.root), json.dumps(config.to_dict()), str(kill_at)]
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def base(tiny):
    """The quickest run: the trained model alone, without metrics."""
    return tiny.base()


@pytest.fixture
def made(store, tiny, comparison, monkeypatch):
    """A store that already holds the tiny base and retrained model, and makes no maps."""
    import shutil

    shutil.copytree(comparison.store.runs, store.runs)
    for name in ("original", "neggrad", "trick_head_finetune"):
        store.delete(comparison.runs[name].key)
    return store


def test_a_finished_run_is_returned_without_computing(comparison, monkeypatch):
    config = comparison.runs["neggrad"].config

    def never(*_args, **_kwargs):
        raise AssertionError("it was computed again")

    monkeypatch.setattr(Store, "begin", never)
    before = comparison.store.fingerprint()
    again = execute(config, store=comparison.store, device="cpu", on_progress=never)
    assert again.key == comparison.runs["neggrad"].key
    assert comparison.store.fingerprint() == before


def test_a_comparison_shares_its_stages(comparison):
    keys = {name: run.key for name, run in comparison.runs.items()}
    assert sorted(comparison.store.list()) == sorted(keys.values())
    assert len(set(keys.values())) == len(keys)
    for run in comparison.runs.values():
        assert comparison.store.verify(run.key) == []
    base, original = comparison.runs["base"], comparison.runs["original"]
    assert base.files["model.safetensors"] == original.files["model.safetensors"]


def test_the_same_config_and_seed_give_the_same_run_bit_for_bit(comparison, tmp_path):
    import torch

    torch.manual_seed(99)  # the global generators must not matter
    np.random.seed(99)  # noqa: NPY002
    other = Store(tmp_path)
    config = comparison.runs["neggrad"].config
    again = execute(config, store=other, device="cpu", projection=comparison.projection)
    first = comparison.runs["neggrad"]
    assert set(again.files) == set(first.files)
    exact = [n for n in first.files if n.endswith(".safetensors") or n.startswith("projection")]
    assert len(exact) > 4
    for name in exact:
        assert again.files[name]["sha256"] == first.files[name]["sha256"], name
    timed = ("unlearn_seconds", "speedup", "rel_cost", "peak_memory_bytes")
    for name, value in first.metrics()["values"].items():
        assert name in timed or again.metrics()["values"][name] == value, name


def test_what_is_stored_of_a_model_is_what_its_map_and_its_metrics_are_made_of(
    made, tiny, monkeypatch
):
    seen = {}

    def draw(_writer, records, *_args, **_kwargs):
        seen["map"] = records
        return [{"file": None, "reason": "only looked at"}]

    def measured(_writer, _store, made_model, *_args):
        seen["metrics"] = made_model.records
        return {"values": {}, "reasons": {}, "layers": []}

    monkeypatch.setattr("unlearn_core.engine.maps.draw", draw)
    monkeypatch.setattr("unlearn_core.engine.measure.measure", measured)
    run = execute(replace(tiny, method="neggrad", settings={"epochs": 1}), store=made, device="cpu")
    assert seen["map"] is seen["metrics"]  # handed on, not read back
    stored = run.records().to_arrays()
    for name, array in seen["map"].to_arrays().items():
        assert array.dtype == stored[name].dtype
        assert (array == stored[name]).all()


def test_a_run_counts_what_its_steps_looked_at(comparison):
    records = comparison.runs["original"].records()
    labels = records.labels[records.is_train]
    n_forget, n_retain = (labels == 3).sum(), (labels != 3).sum()
    values = {name: comparison.runs[name].metrics()["values"] for name in ("neggrad", "retrain")}
    assert values["neggrad"]["samples_seen"] == 3 * n_forget  # three epochs, see conftest
    assert values["retrain"]["samples_seen"] == comparison.config.training.epochs * n_retain
    assert values["retrain"]["unlearn_steps"] == comparison.config.training.epochs * -(
        -n_retain // comparison.config.training.batch_size
    )


def test_another_seed_gives_another_model(store, base, no_maps):
    runs = [execute(replace(base, seed=s), store=store, device="cpu") for s in (0, 1)]
    weights = [run.weights()["fc.weight"] for run in runs]
    assert (weights[0] - weights[1]).abs().max() > 0.01


def test_metrics_hold_every_metric_and_missing_ones_say_why(comparison):
    for name in ("original", "retrain", "neggrad"):
        content = comparison.runs[name].metrics()
        assert set(content["values"]) == set(METRICS)
        missing = {metric for metric, value in content["values"].items() if value is None}
        assert missing == set(content["reasons"])
        assert all(content["reasons"].values())
    missing = comparison.runs["original"].metrics()["reasons"]
    assert {"unlearn_seconds", "speedup", "rel_cost", "trainable_parameters"} <= set(missing)
    assert {"unlearn_steps", "samples_seen", "peak_memory_bytes"} <= set(missing)
    assert comparison.runs["retrain"].metrics()["values"]["speedup"] == 1
    assert comparison.runs["retrain"].metrics()["values"]["activation_distance_l2"] == 0
    assert comparison.runs["original"].metrics()["values"]["feature_distance_original"] == 0


def test_the_history_holds_a_row_a_step_and_probes_before_and_after(comparison):
    run = comparison.runs["neggrad"]
    history = run.history()
    losses = history.dropna(subset=["loss/objective"])
    probes = history.dropna(subset=["probe/dimensional_alignment"])
    assert losses["step"].tolist() == list(range(1, run.manifest["steps"] + 1))
    assert probes["step"].iloc[0] == 0
    assert probes["step"].iloc[-1] == run.manifest["steps"]
    assert sorted(run.frames()) == sorted(set(probes["step"]))
    assert (history["seconds"].diff().dropna() >= 0).all()


def test_maps_lie_on_the_same_examples_and_the_originals_lies_on_the_base(comparison):
    tables = {
        n: r.table(f"projection-{comparison.projection.key()}.parquet")
        for n, r in comparison.runs.items()
    }
    ids = tables["base"]["example_id"].tolist()
    assert len(ids) == 200 + 359
    for table in tables.values():
        assert table["example_id"].tolist() == ids
        assert np.isfinite(table[["x", "y", "own_x", "own_y"]].to_numpy()).all()
    assert tables["original"].equals(tables["base"])
    facts = comparison.runs["neggrad"].manifest["maps"][0]
    assert 0.5 < facts["trustworthiness"] <= 1
    assert 0.5 < facts["own_trustworthiness"] <= 1
    name = f"projection-{comparison.projection.key()}-steps.parquet"
    steps = comparison.runs["neggrad"].table(name)
    assert sorted(steps["step"].unique()) == sorted(comparison.runs["neggrad"].frames())


def test_without_umap_a_run_has_no_map_and_says_why(store, base, no_maps):
    run = execute(base, store=store, device="cpu")
    (facts,) = run.manifest["maps"]
    assert facts["file"] is None
    assert "umap-learn is not installed" in facts["reason"]
    assert run.projections() == []


def test_progress_is_true_and_complete(store, base, no_maps):
    seen = []
    run = execute(base, store=store, device="cpu", on_progress=seen.append)
    steps = [s.step for s in seen if s.stage == "train" and s.total]
    assert sorted(set(steps)) == list(range(1, run.manifest["steps"] + 1))
    assert steps == sorted(steps)
    assert {s.stage for s in seen} == {"train", "record", "map"}
    assert {s.state for s in seen} == {"running"}
    assert all(s.key == base.key() for s in seen)


@pytest.mark.slow
def test_a_stop_at_any_moment_leaves_the_store_clean(store, base, no_maps):
    stopped = 0
    while True:
        asked = iter(range(stopped + 1))
        try:
            execute(
                base, store=store, device="cpu", should_stop=lambda a=asked: next(a, None) is None
            )
        except CancelledError:
            (status,) = store.statuses()
            assert status.state == "cancelled"
            assert store.list() == []
            left = {p.name for p in (store.work / base.key()).iterdir()}
            assert left <= {"status.json", "config.json", "log.txt"}
            stopped += 1
        else:
            break
    assert stopped > store.load(base.key()).manifest["steps"]
    assert store.statuses() == []
    assert store.verify(base.key()) == []


@pytest.mark.parametrize("stage", ["train", "record"])
def test_a_cancel_on_disk_ends_the_run_within_a_step(store, base, no_maps, stage):
    after = []

    def cancel(status):
        if after:
            after.append(status)
        elif status.stage == stage and (status.step >= 2 or stage != "train"):
            store.request_cancel(base.key())
            after.append(status)

    with pytest.raises(CancelledError):
        execute(base, store=store, device="cpu", on_progress=cancel)
    assert len(after) == 1
    assert store.list() == []
    assert store.statuses()[0].state == "cancelled"


def test_a_queued_run_that_was_cancelled_does_not_start(store, base, no_maps):
    store.enqueue(base)
    store.request_cancel(base.key())
    with pytest.raises(CancelledError):
        execute(base, store=store, device="cpu")
    assert store.statuses()[0].state == "cancelled"
    assert store.statuses()[0].step == 0
    assert store.list() == []
    assert execute(base, store=store, device="cpu").key == base.key()  # and can be asked for again


def test_a_queued_original_that_was_cancelled_does_not_start(made, tiny, no_maps):
    made.enqueue(tiny)
    made.request_cancel(tiny.key())
    with pytest.raises(CancelledError):
        execute(tiny, store=made, device="cpu")
    assert not made.exists(tiny.key())


def test_a_failed_run_keeps_the_reason_and_can_be_retried(made, tiny, no_maps, monkeypatch):
    config = replace(tiny, method="neggrad", settings={"epochs": 1})

    def broken(*_args):
        raise RuntimeError("no memory left")

    with monkeypatch.context() as patch:
        patch.setattr("unlearn_core.engine.measure.measure", broken)
        with pytest.raises(RuntimeError, match="no memory left"):
            execute(config, store=made, device="cpu")
    key = validate(config).key()
    (status,) = made.statuses()
    assert (status.key, status.state) == (key, "failed")
    told = "RuntimeError: no memory left (a fault of this program; the log has the traceback)"
    assert status.message == told
    assert "Traceback (most recent call last)" in made.log(key)
    assert "RuntimeError: no memory left" in made.log(key)
    assert not made.exists(key)
    assert execute(config, store=made, device="cpu").key == key
    assert made.statuses() == []


def test_a_diverging_run_fails_with_the_step(made, tiny, no_maps):
    settings = {"learning_rate": 1e30, "epochs": 5, "optimizer": "sgd"}
    with pytest.raises(DivergedError):
        execute(replace(tiny, method="neggrad", settings=settings), store=made, device="cpu")
    (status,) = made.statuses()
    assert status.state == "failed"
    assert "at step" in status.message


def test_a_model_that_breaks_in_its_last_step_has_reasons_instead_of_numbers(made, tiny, no_maps):
    settings = {"learning_rate": 1e30, "epochs": 1, "optimizer": "sgd"}
    run = execute(replace(tiny, method="neggrad", settings=settings), store=made, device="cpu")
    assert not np.isfinite(run.records().features).all()
    content = run.metrics()
    assert set(content["values"]) - set(content["reasons"]) <= {
        "unlearn_seconds",
        "speedup",
        "rel_cost",
        "trainable_parameters",
        "unlearn_steps",
        "samples_seen",
        "peak_memory_bytes",
    }
    assert "finite" in content["reasons"]["forget_accuracy"]
    assert "finite" in content["reasons"]["feature_distance_original"]


def test_a_corrupt_run_is_made_again(store, base, no_maps):
    run = execute(base, store=store, device="cpu")
    path = run.folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert store.verify(base.key())
    again = execute(base, store=store, device="cpu")
    assert store.verify(base.key()) == []
    assert again.files["model.safetensors"] == run.files["model.safetensors"]


def test_a_killed_run_is_interrupted_and_can_be_finished(store, base, no_maps):
    process = spawn(store, base, kill_at=3)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, errors
    assert store.list() == []
    assert not store.exists(base.key())
    (status,) = store.statuses()
    assert (status.key, status.state) == (base.key(), "interrupted")
    assert execute(base, store=store, device="cpu").key == base.key()
    assert store.statuses() == []
    assert store.verify(base.key()) == []


@pytest.mark.slow
def test_two_processes_that_ask_for_the_same_run_compute_it_once(store, base):
    processes = [spawn(store, base) for _ in range(2)]
    outputs = [process.communicate(timeout=180) for process in processes]
    assert [p.returncode for p in processes] == [0, 0], outputs
    calls = sorted(int(out) for out, _ in outputs)
    assert calls[0] == 0
    assert calls[1] > 5
    assert store.list() == [base.key()]
    assert store.verify(base.key()) == []


def test_validate_keeps_the_settings_that_differ_from_the_defaults(tiny):
    config = validate(replace(tiny, method="rfa", settings={"gamma": 1, "layers": []}))
    assert config.settings == {"gamma": 1.0}
    assert config == validate(config)
    assert config.key() == validate(replace(tiny, method="rfa", settings={"gamma": 1.0})).key()


def test_a_finished_run_tells_all_settings_that_it_ran_with(comparison):
    run = comparison.runs["neggrad"]
    assert run.settings == plain(resolve_settings("neggrad", {"learning_rate": 1e-3, "epochs": 3}))
    assert validate(RunConfig.from_dict(run.origin()["config"])).key() == run.key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "magic"}, "Unknown unlearning method 'magic'"),
        ({"method": "rfa", "settings": {"colour": 1}}, "rfa has no setting 'colour'"),
        ({"settings": {"epochs": 1}}, "The original has no settings"),
        ({"method": "rfa", "forget": ForgetConfig()}, "rfa needs something to forget"),
        ({"forget": ForgetConfig(kind="class", values=(10,))}, "between 0 and 9, got 10"),
        ({"forget": ForgetConfig(kind="subclass", values=(1,))}, "has no subclasses"),
    ],
)
def test_an_impossible_config_is_refused_before_anything_is_written(store, tiny, changes, message):
    with pytest.raises(ValueError, match=message):
        execute(replace(tiny, **changes), store=store)
    assert not store.root.exists()


def test_an_unknown_device_is_refused_and_nothing_is_listed(store, base):
    with pytest.raises(ValueError, match="device must be auto, cpu or cuda, got 'tpu'"):
        execute(base, store=store, device="tpu")
    assert store.list() == []
    assert not store.is_locked(base.key())
