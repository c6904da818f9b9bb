"""The queue on a real local cluster: one computation per key, cancel, a killed worker, retry."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from unlearn_core.checks import InputError
from unlearn_core.config import ForgetConfig, TrainingConfig
from unlearn_core.engine.packing import slim
from unlearn_core.jobs import JobQueue
from unlearn_core.runs.plan import RELEARNING, all_needed, comparison_config
from unlearn_core.runs.store import Store

ROOT = Path(__file__).resolve().parents[1]
SECOND_SERVER = """
import json, sys, time
from unlearn_core.config import RunConfig
from unlearn_core.jobs import JobQueue
from unlearn_core.runs.store import Store

if __name__ == "__main__":
    queue = JobQueue(Store(sys.argv[1]))
    keys = queue.submit([RunConfig.from_dict(json.loads(sys.argv[2]))])
    print("submitted", flush=True)
    while queue.is_pending(keys):
        time.sleep(0.1)
    print("ended", flush=True)
    queue.close()
"""
PATIENCE = 240  # seconds; the machine may be busy, and the first map compiles


@pytest.fixture(scope="module")
def queue(tmp_path_factory):
    queue = JobQueue(Store(tmp_path_factory.mktemp("jobs")))
    yield queue
    queue.close()


def small(digit, epochs=1):
    config = comparison_config("digits", ForgetConfig(kind="class", values=(digit,)), width=4)
    data = replace(config.data, train_examples=200)
    return replace(config, data=data, training=TrainingConfig(epochs=epochs))


def test_a_shipped_run_without_weights_is_queued_only_where_they_are_needed(
    comparison, tmp_path, monkeypatch
):
    for name, run in comparison.runs.items():
        slim(run, tmp_path / "demo" / "runs", weights=name in ("base", "retrain"), maps=())
    handed = []
    monkeypatch.setattr(
        JobQueue,
        "_submit_one",
        lambda _self, config, *, again, weights: handed.append((config.method, weights)),
    )
    queue = JobQueue(Store(tmp_path, demo=True))
    shipped = comparison.runs["neggrad"].config
    queue.submit([shipped])
    assert handed == []
    queue.submit([replace(shipped, relearn=RELEARNING)])
    assert handed == [("neggrad", True), ("neggrad", False)]  # the model first, then its lesson
    handed.clear()
    for job in queue.jobs():
        queue.cancel(job.key)
    queue.submit([shipped, comparison.runs["original"].config], weights=True)
    assert ("neggrad", True) in handed


def test_a_launch_that_would_overfill_the_queue_is_refused_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_core.jobs.MOST_WAITING", 2)
    queue = JobQueue(Store(tmp_path))
    with pytest.raises(InputError, match=r"At most 2 runs may be queued or running; .* 3"):
        queue.submit([small(3).retrained(), small(3)])  # and the base, which both need
    assert queue.jobs() == []


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def state(queue, key):
    return next((job.state for job in queue.jobs() if job.key == key), None)


def workers(queue):
    processes = psutil.Process().children(recursive=True)
    return [p for p in processes if "spawn_main" in " ".join(p.cmdline())]


def test_two_tabs_that_ask_for_the_same_run_cause_one_computation(queue):
    config = small(1).retrained()
    assert queue.submit([config]) == queue.submit([config]) == [config.key()]
    waiting = [job.key for job in queue.jobs()]
    assert waiting == [needed.key() for needed in all_needed([config])]
    queue.wait([config.key()])
    made = queue.store.load(config.key()).manifest["created"]
    queue.submit([config])
    assert queue.jobs() == []
    assert queue.store.load(config.key()).manifest["created"] == made


def test_cancel_ends_a_running_job_and_retry_finishes_it(queue):
    slow = small(2, epochs=400).base()
    [key] = queue.submit([slow])
    wait_until(lambda: any(job.step > 2 for job in queue.jobs()))
    queue.cancel(key)
    wait_until(lambda: state(queue, key) == "cancelled")
    assert not queue.store.exists(key)
    left = {p.name for p in (queue.store.work / key).iterdir()}
    assert left <= {"cancel", "config.json", "log.txt", "status.json"}
    queue.dismiss(key)
    assert queue.jobs() == []

    quick = small(2).base()
    queue.submit([quick])
    queue.wait([quick.key()])
    assert queue.store.exists(quick.key())


def test_a_job_cancelled_while_it_waits_never_runs(queue):
    slow, other = small(3, epochs=400).base(), replace(small(4).base(), seed=1)
    queue.submit([slow, other])
    queue.cancel(other.key())
    assert state(queue, other.key()) == "cancelled"
    queue.cancel(slow.key())
    wait_until(lambda: state(queue, slow.key()) == "cancelled")
    assert not queue.store.exists(other.key())


@pytest.mark.slow
def test_a_killed_worker_leaves_an_interrupted_run_that_retry_finishes(queue):
    config = replace(small(5, epochs=60).base(), seed=2)
    [key] = queue.submit([config])
    wait_until(lambda: any(job.key == key and job.step > 2 for job in queue.jobs()))
    for worker in workers(queue):
        os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: state(queue, key) == "interrupted")
    assert not queue.store.exists(key)

    queue.retry(key)
    assert state(queue, key) in ("queued", "running")
    wait_until(lambda: queue.store.exists(key) or state(queue, key) == "interrupted")
    if not queue.store.exists(key):  # Dask noticed the death only after the retry
        queue.retry(key)
        wait_until(lambda: queue.store.exists(key))
    assert [fault for k in queue.store.list() for fault in queue.store.verify(k)] == []


def test_bad_settings_fail_with_their_reason(queue):
    config = replace(small(6), method="neggrad", settings={"epochs": 0})
    [key] = queue.submit([config])
    wait_until(lambda: state(queue, key) == "failed")
    [message] = [job.message for job in queue.jobs() if job.key == key]
    assert message == "NegGradSettings.epochs must be above 0, got 0."


@pytest.mark.slow
def test_a_cancel_in_one_server_holds_for_the_worker_of_another_that_wants_the_same_run(
    queue, tmp_path
):
    slow = small(7, epochs=400).base()
    [key] = queue.submit([slow])
    wait_until(lambda: any(job.key == key and job.step > 2 for job in queue.jobs()))
    script = tmp_path / "server.py"  # a file: its worker process imports it again
    script.write_text(SECOND_SERVER)
    command = [sys.executable, str(script), str(queue.store.root), json.dumps(slow.to_dict())]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as second:
        assert second.stdout.readline() == "submitted\n"
        queue.cancel(key)
        assert second.stdout.readline() == "ended\n"
    assert state(queue, key) == "cancelled"
    assert not queue.store.exists(key)
    assert queue.store.log(key) == ""  # nobody began it again
    queue.dismiss(key)
