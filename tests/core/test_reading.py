"""What is read and hashed how often: once for a page of maps, once while a method runs."""

import hashlib
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from unlearn_core.data.splits import split
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.request import dataset_of
from unlearn_core.runs.artefact import ARRAYS, CorruptRunError
from unlearn_core.runs.store import Store
from unlearn_core.views.manifold.points import run_points


@pytest.fixture
def copied(comparison, tmp_path):
    """The tiny comparison in files that no other test has read."""
    store = Store(tmp_path / "copied")
    shutil.copytree(comparison.store.runs, store.runs)
    return store


def test_a_page_of_maps_reads_each_run_once(comparison, copied, monkeypatch):
    names = ("original", "retrain", "neggrad")
    runs = [copied.load(comparison.runs[name].key) for name in names]
    sets = split(dataset_of(comparison.config.data), comparison.config.forget)
    counted, read = Counter(), Path.read_bytes

    def counting(path):
        counted[path] += 1
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", counting)
    for _ in range(2):
        for run in runs:
            run_points(run, sets, runs[0])
    assert [counted[run.folder / ARRAYS] for run in runs] == [1, 1, 1]


def test_while_a_method_runs_what_it_starts_from_is_hashed_once(
    comparison, copied, monkeypatch, no_maps
):
    hashed = Counter()

    def counting(content):
        found = hashlib.sha256(content)
        hashed[found.hexdigest()] += 1
        return found

    monkeypatch.setattr("unlearn_core.runs.artefact.hashlib", SimpleNamespace(sha256=counting))
    settings = {"learning_rate": 1e-3, "epochs": 1}
    config = replace(comparison.config, method="neggrad", settings=settings)
    execute(config, store=copied, device="cpu")
    for name in ("base", "retrain"):
        files = comparison.runs[name].files.values()
        assert {hashed[entry["sha256"]] for entry in files} == {1}


def test_a_file_that_changes_after_it_was_read_is_noticed(comparison, copied):
    run = copied.load(comparison.runs["retrain"].key)
    assert copied.is_whole(run.key)
    run.predictions()
    path = run.folder / ARRAYS
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not copied.is_whole(run.key)
    with pytest.raises(CorruptRunError, match="has changed"):
        run.predictions()
