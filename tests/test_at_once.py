"""Several small runs at once: which are small, how many, and the same numbers however many."""

import json
from dataclasses import replace

import pytest
import torch
from sklearn.cluster import KMeans  # noqa: F401 - loads the threads that are asked for below
from threadpoolctl import threadpool_info

from unlearn_core.cli.main import main
from unlearn_core.config import DataConfig, ModelConfig
from unlearn_core.engine.threads import threads_of
from unlearn_core.jobs import JobQueue
from unlearn_core.runs import at_once
from unlearn_core.runs.at_once import SLOT, SMALL_SLOT, is_small, most_at_once, suits
from unlearn_core.runs.plan import all_needed, run_configs

COSTS = ("seconds", "speedup", "cost", "memory")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),  # digits, 4 channels
        ({"model": ModelConfig(width=16)}, True),
        ({"model": ModelConfig(width=18)}, False),
        ({"model": ModelConfig(width=4, input_size=32)}, False),
        ({"model": ModelConfig(name="vit_s")}, False),
        ({"data": DataConfig(name="cifar10")}, False),
        ({"data": DataConfig(name="folder")}, False),  # its pictures have any size
    ],
)
def test_a_run_is_small_by_the_width_of_its_network_and_the_size_of_its_pictures(
    tiny, changes, expected
):
    assert is_small(replace(tiny, **changes)) is expected


def many(config, seeds=(0,)):
    methods = ("finetune", "muda", "neggrad", "scrub", "rfa")
    return all_needed(run_configs(config, {name: {} for name in methods}, seeds))


def test_enough_small_runs_that_wait_for_none_are_made_at_once(tiny, monkeypatch):
    monkeypatch.setattr(at_once, "processors", lambda: 3)
    monkeypatch.setattr(at_once, "memory_bytes", lambda: 100e9)
    large = replace(tiny, model=ModelConfig(width=64))
    assert suits(many(tiny), "cpu") == 3
    assert suits(many(large), "cpu") == 1
    assert suits(many(tiny)[:4], "cpu") == 1  # references and one method, one after the other
    assert suits([replace(tiny, seed=seed).base() for seed in range(2)], "cpu") == 2
    references = [replace(tiny, seed=seed).retrained() for seed in range(2)]
    assert suits(references, "cpu") == 2  # where their originals are there
    assert suits(references[:1], "cpu") == 1
    assert suits([], "cpu") == 1
    assert suits(many(tiny), "cuda") == 1


def test_no_more_are_made_at_once_than_memory_allows(monkeypatch):
    monkeypatch.setattr(at_once, "processors", lambda: 64)
    monkeypatch.setattr(at_once, "memory_bytes", lambda: 4e9)
    assert most_at_once("cpu") == 2
    monkeypatch.setattr(at_once, "memory_bytes", lambda: 1e9)
    assert most_at_once("cpu") == 1


def threads():
    return {pool["num_threads"] for pool in threadpool_info()} | {torch.get_num_threads()}


def test_a_small_run_computes_with_one_thread_and_any_other_with_those_of_the_process(tiny):
    torch.set_num_threads(3)
    try:
        with threads_of(tiny):
            assert threads() == {1}
        assert torch.get_num_threads() == 3
        with threads_of(replace(tiny, model=ModelConfig(width=64))):
            assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(1)


def test_only_a_local_cluster_takes_small_runs_in_every_worker(store, tiny, monkeypatch):
    asked = []

    class Future:
        def add_done_callback(self, _callback):
            pass

    class Client:
        def submit(self, *_args, resources, **_options):
            asked.append(resources)
            return Future()

    monkeypatch.setattr(JobQueue, "_connect", lambda _queue: Client())
    monkeypatch.delenv("UNLEARN_SCHEDULER", raising=False)
    large = replace(tiny, model=ModelConfig(width=64))
    for queue, config in (
        (JobQueue(store, at_once=2), tiny.base()),
        (JobQueue(store, at_once=2), large.base()),
        (JobQueue(store, "tcp://elsewhere:8786"), replace(tiny, seed=1).base()),
    ):
        queue.submit([config])
    assert asked == [SMALL_SLOT, SLOT, SLOT]


@pytest.mark.parametrize("jobs", ["0", "-1", "two"])
def test_a_number_of_jobs_that_cannot_be_is_refused(jobs, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["compare", "--forget-class", "3", "--jobs", jobs])
    assert stop.value.code == 2
    assert "--jobs" in capsys.readouterr().err


@pytest.mark.slow
def test_two_at_once_give_the_numbers_of_one_after_the_other(
    comparison, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    configs = tmp_path / "configs.json"
    made = {name: run for name, run in comparison.runs.items() if name != "base"}
    configs.write_text(
        json.dumps({"runs": [{"config": r.config.to_dict()} for r in made.values()]})
    )
    out = tmp_path / "out.json"
    assert main(["run", str(configs), "--jobs", "2", "--json", str(out), "--quiet"]) == 0
    again = {entry["method"]: entry["metrics"] for entry in json.loads(out.read_text())["runs"]}
    assert set(again) == set(made)
    for name, run in made.items():
        values = run.metrics()["values"]
        lasting = {key for key in values if not any(word in key for word in COSTS)}
        assert {key: again[name][key] for key in lasting} == {key: values[key] for key in lasting}
