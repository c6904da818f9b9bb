"""Which code made a run: hashes of sources, commits, and what is made again."""

import shutil
import subprocess
from dataclasses import replace

import pytest

from unlearn_core.engine import environment, pipeline
from unlearn_core.engine.pipeline import execute
from unlearn_core.methods import METHODS
from unlearn_core.runs import provenance


def git(folder, *arguments):
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Copy the package into a repository of its own, and let `provenance` look at the copy."""
    package = tmp_path / "unlearn_core"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(provenance.PACKAGE, package, ignore=ignore)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "All")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    monkeypatch.setattr(provenance, "METHODS", package / "methods")
    return package


def changed_by(act):
    before = provenance.codes()
    act()
    after = provenance.codes()
    return {
        name: {part for part in ("core", "method") if before[name][part] != after[name][part]}
        for name in before
    }


def append(path, text):
    path.write_text(path.read_text() + text)


def test_every_method_and_the_stages_without_one_have_a_hash():
    found = provenance.codes()
    assert set(found) == {"", *METHODS}
    assert len({code["method"] for code in found.values()}) == len(found)
    assert len({code["core"] for code in found.values()}) == 1


def test_a_changed_method_changes_its_own_runs_alone(sources):
    changed = changed_by(lambda: append(sources / "methods" / "scrub.py", "\nX = 1\n"))
    assert {name for name, parts in changed.items() if parts} == {"scrub"}


def test_a_changed_loss_changes_the_methods_that_import_it(sources):
    changed = changed_by(lambda: append(sources / "methods" / "ascent.py", "\nX = 1\n"))
    by_method = {name for name, parts in changed.items() if "method" in parts}
    assert by_method == {"neggrad", "neggrad_ft", "partial_neggrad", "neglora", "sparse_neglora"}


@pytest.mark.parametrize("name", ["training.py", "data/splits.py", "metrics/distance.py"])
def test_a_changed_core_changes_every_run(sources, name):
    assert all(
        "core" in parts for parts in changed_by(lambda: append(sources / name, "X = 1\n")).values()
    )


@pytest.mark.parametrize("name", ["views/tables.py", "cli/main.py", "runs/store.py", "jobs.py"])
def test_what_only_shows_or_stores_changes_no_run(sources, name):
    assert not any(changed_by(lambda: append(sources / name, "\nX = 1\n")).values())


def test_comments_docstrings_and_layout_do_not_count(sources):
    path = sources / "methods" / "scrub.py"

    def reword():
        text = path.read_text()
        path.write_text("# a comment\n" + text.replace('"""', '"""Reworded. ', 1) + "\n\n")

    assert not any(changed_by(reword).values())


def test_a_commit_says_where_the_sources_differ_from_it(sources):
    clean = provenance.commit()
    assert len(clean) == provenance.COMMIT_DIGITS
    assert not provenance.is_under_development("scrub")
    append(sources / "methods" / "scrub.py", "\nX = 1\n")
    assert provenance.commit() == f"{clean}+dirty"
    assert provenance.is_under_development("scrub")
    assert not provenance.is_under_development("rfa")
    assert not provenance.is_under_development("original")
    shutil.copy(sources / "methods" / "scrub.py", sources / "methods" / "mine.py")
    text = (sources / "methods" / "mine.py").read_text()
    (sources / "methods" / "mine.py").write_text(text.replace('"scrub"', '"mine"'))
    git(sources.parent, "checkout", "unlearn_core/methods/scrub.py")
    assert provenance.commit() == f"{clean}+dirty"  # a new file counts
    assert provenance.is_under_development("mine")


def test_an_installed_copy_has_no_commit_not_even_of_the_repository_that_it_lies_in(
    tmp_path, monkeypatch
):
    git(tmp_path, "init")
    (tmp_path / "own.txt").write_text("of somebody else")
    git(tmp_path, "add", "own.txt")
    git(tmp_path, "commit", "-m", "Mine")
    (tmp_path / "site-packages" / "unlearn_core").mkdir(parents=True)
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "site-packages" / "unlearn_core")
    assert provenance.commit() is None


def test_a_run_made_by_other_code_is_told_and_made_again_where_asked(
    store, tiny, no_maps, monkeypatch
):
    config = replace(tiny, method="neggrad", settings={"epochs": 1})
    first = execute(config, store=store, device="cpu")
    assert first.made_by == environment.LOADED["neggrad"]
    assert not provenance.made_by_other_code("neggrad", first.made_by, environment.LOADED)

    monkeypatch.setattr(provenance, "is_under_development", lambda _method: False)
    other = {name: {**code, "method": "other"} for name, code in environment.LOADED.items()}
    base = store.load(tiny.base().key()).manifest["created"]
    for module in (pipeline, environment):
        monkeypatch.setattr(module, "LOADED", {**environment.LOADED, "neggrad": other["neggrad"]})
    assert provenance.made_by_other_code("neggrad", first.made_by, other)
    kept = execute(config, store=store, device="cpu")
    assert kept.manifest["created"] == first.manifest["created"]  # nobody asked

    again = execute(config, store=store, device="cpu", again=True)
    assert again.manifest["created"] > first.manifest["created"]
    assert again.made_by == other["neggrad"]
    assert store.load(tiny.base().key()).manifest["created"] == base  # its code is the same
    same = execute(config, store=store, device="cpu", again=True)
    assert same.manifest["created"] == again.manifest["created"]


def test_a_run_of_a_method_under_development_is_made_again_by_itself(
    store, tiny, no_maps, monkeypatch
):
    config = replace(tiny, method="neggrad", settings={"epochs": 1})
    first = execute(config, store=store, device="cpu")
    monkeypatch.setattr(provenance, "is_under_development", lambda method: method == "neggrad")
    assert (
        execute(config, store=store, device="cpu").manifest["created"]
        == (first.manifest["created"])
    )  # by the same code
    changed = {**environment.LOADED, "neggrad": {"core": "a", "method": "b"}}
    for module in (pipeline, environment):
        monkeypatch.setattr(module, "LOADED", changed)
    again = execute(config, store=store, device="cpu")
    assert again.manifest["created"] > first.manifest["created"]


def test_a_run_whose_default_settings_have_changed_since_is_made_again(
    store, tiny, no_maps, monkeypatch
):
    config = replace(tiny, method="neggrad", settings={"epochs": 1})
    first = execute(config, store=store, device="cpu")
    real = pipeline.naming

    def with_another_default(config):
        facts = real(config)
        settings = {**facts["settings"], "batch_size": 7} if facts["settings"] else {}
        return {**facts, "settings": settings}

    monkeypatch.setattr(pipeline, "naming", with_another_default)
    again = execute(config, store=store, device="cpu")
    assert again.manifest["created"] > first.manifest["created"]
