"""Methods from outside: found, hashed, made again when they change, and harmless when broken."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from unlearn_core import plugins
from unlearn_core.cli.main import main
from unlearn_core.engine import environment, pipeline
from unlearn_core.engine.pipeline import execute
from unlearn_core.methods import METHODS, get_method
from unlearn_core.runs import catalogue, provenance
from unlearn_core.runs.store import Store

ROOT = Path(__file__).resolve().parents[2]
METHOD = '''"""Shrink: make every weight smaller by one factor.

Objective: none.  All parameters change; it reads no data and costs nothing.  Source: a test of
plugins, which needs a method that is quick.
"""

from dataclasses import dataclass

from unlearn_core.methods.base import register_method
from unlearn_core.settings import Settings, setting
from unlearn_core.training import Progress


@dataclass(frozen=True, kw_only=True)
class ShrinkSettings(Settings):
    shrink: float = setting(0.9, "Factor on every weight.", between=(0, 1))


@register_method("shrink", ShrinkSettings, label="Shrink", source="test", uses_retain=False)
def shrink(inputs, settings):
    for parameter in inputs.model.parameters():
        parameter.data.mul_(settings.shrink)
    yield Progress(step=1, total=1)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of plugins, whose methods are taken out of the registry again."""
    place = tmp_path / "plugins"
    place.mkdir()
    before, modules = dict(METHODS), set(sys.modules)
    monkeypatch.setenv("UNLEARN_PLUGINS", str(place))
    monkeypatch.setattr(plugins, "_broken", {})
    yield place
    METHODS.clear()
    METHODS.update(before)
    for name in set(sys.modules) - modules:
        if name.startswith("unlearn_plugin_"):
            del sys.modules[name]


def load(folder, text=METHOD, name="mine.py"):
    (folder / name).write_text(text)
    plugins.load("method", METHODS)
    return folder / name


def renew(monkeypatch):
    """Read the code as a process does that starts now."""
    now = provenance.codes()
    for module in (pipeline, environment):
        monkeypatch.setattr(module, "LOADED", now)
    return now


def test_a_run_of_a_plugin_names_its_file_and_is_made_again_when_it_changes(
    folder, store, tiny, no_maps, monkeypatch
):
    path = load(folder)
    now = renew(monkeypatch)
    assert provenance.is_under_development("shrink")
    config = replace(tiny, method="shrink")
    first = execute(config, store=store, device="cpu")
    assert first.made_by == now["shrink"]
    assert first.made_by["method"] != now[""]["method"]
    again = execute(config, store=store, device="cpu")
    assert again.manifest["created"] == first.manifest["created"]
    path.write_text(METHOD.replace("parameter.data.mul_", "parameter.data.copy_(parameter).mul_"))
    assert renew(monkeypatch)["shrink"] != now["shrink"]
    assert (
        execute(config, store=store, device="cpu").manifest["created"] > again.manifest["created"]
    )


def test_the_other_methods_codes_are_the_same_with_a_plugin(folder):
    without = provenance.codes()
    load(folder)
    now = provenance.codes()
    assert set(now) - set(without) == {"shrink"}
    assert {name: now[name] for name in without} == without


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (METHOD + "\nimport no_such_package\n", "No module named 'no_such_package'"),
        (METHOD + "\ndef half(:\n", "SyntaxError"),
        (METHOD.replace('"shrink", S', '"rfa", S'), "Two methods are registered as 'rfa'"),
    ],
)
def test_a_broken_plugin_is_one_line_that_names_the_file_and_the_rest_works(folder, text, words):
    path = folder / "broken.py"
    load(folder, text, path.name)
    load(folder)
    [line] = plugins.broken()
    assert str(path) in line
    assert words in line
    assert "\n" not in line
    assert METHODS["shrink"].run.__module__ == "unlearn_plugin_mine"
    assert provenance.codes()["rfa"] == environment.LOADED["rfa"]


def test_a_method_that_is_added_while_a_process_runs_is_found(folder):
    assert "shrink" not in METHODS
    (folder / "mine.py").write_text(METHOD)
    assert get_method("shrink").label == "Shrink"


def test_methods_added_through_the_page_are_read_unless_none_shall_be(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    added = plugins.added_folder() / "added.py"
    added.parent.mkdir(parents=True)
    added.write_text(METHOD)
    (folder / "mine.py").write_text(METHOD)
    assert plugins.files("method") == [folder / "mine.py", added]
    assert plugins.sources(added) == [added]
    monkeypatch.delenv("UNLEARN_PLUGINS")
    assert plugins.files("method") == [added]
    monkeypatch.setenv("UNLEARN_PLUGINS", "")
    assert plugins.files("method") == []


def test_a_folder_that_is_not_there_is_named(folder, monkeypatch):
    monkeypatch.setenv("UNLEARN_PLUGINS", str(folder / "nowhere"))
    plugins.load("method", METHODS)
    assert plugins.broken() == [
        f"The plugins' folder {folder / 'nowhere'} is not there (set by UNLEARN_PLUGINS)."
    ]


def test_the_catalogue_lists_plugins_and_is_made_again_when_one_changes(folder, tmp_path):
    store = Store(tmp_path / "cache")
    (folder / "mine.py").write_text(METHOD)
    (folder / "broken.py").write_text("import no_such_package\n")
    found = catalogue.catalogue(store)
    assert "shrink" in {row["name"] for row in found["methods"]}
    assert [str(folder / "broken.py") in line for line in found["left_out"]] == [True]
    assert not store.documents(catalogue.NAME)  # the package may be there the next time
    sources = catalogue.fingerprint()
    assert sources != catalogue.fingerprint(with_plugins=False)
    (folder / "mine.py").write_text(METHOD.replace('label="Shrink"', 'label="Smaller"'))
    assert catalogue.fingerprint() != sources


def test_an_installed_package_is_found_by_its_entry_point_without_being_imported(
    folder, tmp_path, monkeypatch
):
    site = tmp_path / "site"
    (site / "shrinking").mkdir(parents=True)
    (site / "shrinking" / "__init__.py").write_text("")
    (site / "shrinking" / "way.py").write_text(METHOD.replace('"shrink"', '"shrink_installed"'))
    info = site / "shrinking-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shrinking\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[unlearn.methods]\nshrink = shrinking.way\n")
    monkeypatch.syspath_prepend(site)
    plugins._installed.cache_clear()
    try:
        assert plugins.files("method") == [site / "shrinking" / "way.py"]
        assert "shrinking" not in sys.modules
        plugins.load("method", METHODS)
        assert "shrink_installed" in METHODS
        before = provenance.codes()["shrink_installed"]
        (site / "shrinking" / "__init__.py").write_text("X = 1\n")
        assert provenance.codes()["shrink_installed"] != before  # its whole package counts
    finally:
        plugins._installed.cache_clear()


def test_pages_read_metrics_without_a_methods_torch(folder):
    (folder / "mine.py").write_text(METHOD + "\nimport torch\n")
    code = "import sys, unlearn_core.metrics; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_command_checks_one_file_and_prints_what_fails(folder, tmp_path, capsys):
    path = tmp_path / "elsewhere.py"
    path.write_text(METHOD)
    assert main(["check-method", str(path)]) == 0
    assert "15 checks each, 0 failed" in capsys.readouterr().out
    wrong = METHOD.replace("total=1", "total=2").replace('"shrink", S', '"wrong", S')
    (tmp_path / "wrong.py").write_text(wrong)
    assert main(["check-method", str(tmp_path / "wrong.py")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any("yielded 1 times and announced a total of [2]" in line for line in lines)
    assert all(line.startswith("wrong: ") for line in lines)
    (tmp_path / "empty.py").write_text("")
    assert main(["check-method", str(tmp_path / "empty.py")]) == 1
    assert "registers no method" in capsys.readouterr().out
    (tmp_path / "half.py").write_text("def half(:\n")
    assert main(["check-method", str(tmp_path / "half.py")]) == 1
    assert "half.py was left out: SyntaxError" in capsys.readouterr().out
    assert main(["check-method", str(tmp_path / "nowhere.py")]) == 2


def test_a_program_lists_a_plugins_method_and_names_a_broken_one_on_stderr(folder):
    (folder / "mine.py").write_text(METHOD)
    (folder / "broken.py").write_text("import no_such_package\n")
    done = subprocess.run(
        [sys.executable, "-m", "unlearn_core", "list", "methods", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "shrink" in {row["name"] for row in json.loads(done.stdout)}
    [line] = done.stderr.strip().splitlines()
    assert str(folder / "broken.py") in line
