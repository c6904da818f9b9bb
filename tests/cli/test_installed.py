"""An installed copy, away from the sources: the command, and a cluster as the README starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from unlearn_core.runs.store import Store

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90
SMALL = ["--forget-class", "3", "--train-examples", "200", "--epochs", "20", "--width", "4"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the installed package and its command; maps are left out, they take long."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "unlearn_core", source / "unlearn_core")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", site]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True)
    (site / "sitecustomize.py").write_text("import sys\nsys.modules['umap'] = None\n")
    return site


@pytest.fixture
def spawn(site, tmp_path):
    """Start Python programs in sessions of their own, with the installed copy or without."""
    started = []

    def start(*arguments, has_package=True, **options):
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"UNLEARN_CACHE": str(tmp_path / "cache"), "PYTHONUNBUFFERED": "1"}
        if has_package:
            environment["PYTHONPATH"] = str(site)
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            text=True,
            start_new_session=True,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process)


@pytest.fixture
def unlearn(spawn, site):
    """Run the installed command and return its exit code, output and errors."""

    def run(*arguments):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = spawn(site / "bin" / "unlearn", *arguments, **pipes)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err

    return run


@pytest.fixture
def start_scheduler(spawn, tmp_path):
    def start(**options):
        file = tmp_path / "scheduler.json"
        arguments = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        spawn("-m", "dask", "scheduler", *arguments, "--scheduler-file", file, **options)
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        return json.loads(file.read_text())["address"]

    return start


def kill(process):
    """Kill a program with all of its children, as a machine that loses its power would."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def holds(process, lock):
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    return any(file.path == str(lock) for member in family for file in member.open_files())


def test_the_command_is_there_with_all_data_of_the_package(unlearn):
    code, out, err = unlearn("--help")
    assert code == 0, err
    assert out.startswith("usage: unlearn ")
    code, out, err = unlearn("reproduce", "--paper", "rfa", "--table", "3")
    assert "table III" in out, err
    code, _, err = unlearn("compare", "--forget-class", "12")
    assert (code, err.count("\n")) == (2, 1)


def test_a_worker_that_is_killed_costs_the_comparison_nothing(
    spawn, unlearn, start_scheduler, site, tmp_path
):
    address, out = start_scheduler(), tmp_path / "out.json"
    workers = [spawn(site / "bin" / "unlearn", "worker", address) for _ in range(2)]
    command = ["compare", *SMALL, "--scheduler", address, "--json", str(out)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    compare = spawn(site / "bin" / "unlearn", *command, "--methods", "neggrad", **pipes)

    store = Store(tmp_path / "cache")
    wait_until(lambda: any(s.state == "running" and s.step > 2 for s in store.statuses()))
    [base] = [status.key for status in store.statuses() if status.state == "running"]
    [maker] = [w for w in workers if holds(w, store.locks / f"{base}.lock")]
    kill(maker)
    wait_until(lambda: store.exists(base) or getattr(store.status(base), "attempt", 0) == 2)

    table, told = compare.communicate(timeout=PATIENCE)
    assert compare.returncode == 0, told
    assert "NegGrad" in table
    runs = json.loads(out.read_text())["runs"]
    assert [run["method"] for run in runs] == ["original", "retrain", "neggrad"]
    assert [fault for key in store.list() for fault in store.verify(key)] == []
    lines = told.splitlines()
    # how many steps are taken is noted after the stage begins, so its line may come without them
    assert [line for line in lines if line.startswith("original, seed 0: train")]
    assert "neggrad, seed 0: finished" in lines
    assert len(lines) < 60  # a line a stage, not a line a step

    code, table, told = unlearn(*command, "--methods", "neglora,neggrad", "--preset", "ffn_all")
    assert code == 1
    assert "neglora, seed 0, failed: _SlimResNet has the targets" in told
    assert "Traceback" not in told
    assert "NegGrad" in table


def test_a_cluster_without_the_package_says_where_to_install_it(spawn, unlearn, start_scheduler):
    address = start_scheduler(has_package=False)
    worker = [address, "--nthreads", "1", "--resources", "slot=1", "--no-dashboard"]
    spawn("-m", "dask", "worker", *worker, has_package=False)
    code, _, told = unlearn("compare", *SMALL, "--scheduler", address)
    assert code == 2
    assert told.count("\n") == 1
    assert told.startswith("error: unlearn_core is not installed on the scheduler, tcp://")
    assert "pip install" in told
