"""What a store holds, what depends on what, and removing runs with what was made from them."""

import shutil

import pytest

from unlearn_core.checks import InputError
from unlearn_core.runs import inventory
from unlearn_core.runs.store import Store


@pytest.fixture
def copied(comparison, tmp_path):
    shutil.copytree(comparison.store.root, tmp_path / "cache")
    return Store(tmp_path / "cache")


def keys(comparison, *names):
    return [comparison.runs[name].key for name in names]


def test_every_run_is_listed_with_its_size(copied, comparison):
    runs = inventory.stored_runs(copied)
    assert {run.key for run in runs} == {run.key for run in comparison.runs.values()}
    files = [path for path in runs[0].folder.rglob("*") if path.is_file()]
    on_disk = sum(path.stat().st_size for path in files if path.name != "manifest.json")
    assert inventory.size_of(runs[0]) == on_disk


def test_a_file_with_two_names_takes_its_bytes_once(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    (tmp_path / "c").write_bytes(b"123")
    assert inventory.disk_bytes(tmp_path) == 8


def test_all_of_a_comparison_depends_on_its_base(comparison):
    configs = [run.config for run in comparison.runs.values()]
    found = inventory.dependents(keys(comparison, "base"), configs)
    assert {config.key() for config in found} == {
        run.key for name, run in comparison.runs.items() if name != "base"
    }
    assert inventory.dependents(keys(comparison, "neggrad"), configs) == []


def test_removing_the_retrained_model_takes_the_methods_along(copied, comparison):
    removed = inventory.remove(copied, keys(comparison, "retrain"))
    assert removed[-1] == comparison.runs["retrain"].key
    assert copied.exists(comparison.runs["base"].key)
    for name in ("retrain", "neggrad", "trick_head_finetune"):
        assert not copied.exists(comparison.runs[name].key)


def test_what_a_queued_run_needs_is_not_removed(copied, comparison):
    from dataclasses import replace

    waiting = replace(comparison.runs["neggrad"].config, seed=0, settings={"epochs": 9})
    copied.enqueue(waiting)
    with pytest.raises(InputError, match="Stop them first"):
        inventory.remove(copied, keys(comparison, "retrain"))
    assert copied.exists(comparison.runs["neggrad"].key)
    assert inventory.remove(copied, keys(comparison, "neggrad"))


def test_what_came_with_the_project_stays(tmp_path, comparison):
    root = tmp_path / "shipped"
    shutil.copytree(comparison.store.runs, root / "demo" / "runs")
    store = Store(root, demo=True)
    with pytest.raises(InputError, match="came with the project"):
        inventory.remove(store, keys(comparison, "neggrad"))
