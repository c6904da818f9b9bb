"""The comparison that is made on a GPU ends in time, and says what it left out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu
from unlearn_core.methods import METHODS

PROJECT = Path(__file__).resolve().parents[1]
NOT_THERE = ("umap", "streamlit", "plotly", "distributed")


def test_methods_of_the_papers_come_first_and_tricks_last():
    names = gpu.in_order(METHODS)
    assert sorted(names) == sorted(set(METHODS) - {"retrain"})
    assert names[:2] == ["rfa", "muda"]
    others = [name for name in names if name not in gpu.FIRST]
    is_trick = [METHODS[name].is_trick for name in others]
    assert is_trick == sorted(is_trick)
    assert others.index("fisher") > others.index("neggrad")


def test_a_run_begins_while_half_of_the_runs_so_far_would_have_ended(monkeypatch):
    now = 100.0
    monkeypatch.setattr(gpu.time, "monotonic", lambda: now)
    budget = gpu.Budget(60.0, started=100.0)
    assert budget.left == 60.0 - gpu.RESERVED
    assert budget.reason_not_to_begin() == ""
    budget.taken += [10.0, 20.0, 500.0]
    assert budget.reason_not_to_begin() == ""
    now += 30.0
    assert "took 20 s or more, and 15 s were left" in budget.reason_not_to_begin()
    now += 300.0
    assert "0 s were left" in budget.reason_not_to_begin()


@pytest.mark.slow
def test_the_whole_path_works_on_a_machine_without_pages_and_maps(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nfor name in {NOT_THERE!r}:\n    sys.modules[name] = None\n", "utf-8"
    )
    paths = os.pathsep.join([str(tmp_path), str(PROJECT)])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "benchmarks/gpu.py", "--scale", "smoke", "--minutes", "60"]
    subprocess.run(
        [*command, "--out", str(tmp_path), "--at-once", "2"],
        cwd=PROJECT,
        env=environment,
        check=True,
        timeout=1800,
    )
    made = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert made["skipped"] == {}
    assert {run["method"] for run in made["runs"]} == {*METHODS, "original"}
    assert all(run["environment"]["packages"]["torch"] for run in made["runs"])
    assert all("umap-learn is not installed" in run["maps"][0]["reason"] for run in made["runs"])
    assert made["date"]
    table = (tmp_path / "gpu.md").read_text("utf-8")
    assert all(METHODS[name].label in table for name in METHODS)
