"""What the documents say of the project is so: names, settings, links and paths."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from unlearn_core.methods import METHODS
from unlearn_core.metrics import METRICS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    ROOT / "cache" / "README.md",
]
METHODS_TEXT = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
TOP = ("unlearn_core/", "pages/", "tests/", "docs/", "benchmarks/", "cache/demo")
SHORT = (ROOT, ROOT / "unlearn_core", ROOT / "benchmarks")  # where a module may be named from
EXAMPLES = ("my_method", "my-plugins")  # files that a reader is told to write


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def without_code(text):
    """Return a document's text without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text):
    return re.findall(r"^#+ (.+)$", without_code(text), flags=re.MULTILINE)


def anchor(heading):
    """Return what GitHub calls a heading in an address."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(text, place):
    """Return the relative links of a document in the folder `place` that lead nowhere."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if "://" in target:
            continue
        path, _, section = target.partition("#")
        file = place / path if path else None
        if file is not None and not file.exists():
            broken.append(target)
            continue
        if section:
            content = text if file is None else file.read_text(encoding="utf-8")
            if section not in map(anchor, headings(content)):
                broken.append(target)
    return broken


def missing_paths(text):
    """Return the paths in backticks that look like the project's and are not there."""
    named = {part.partition("::")[0] for part in re.findall(r"`([\w./-]+(?:::\w+)?)`", text)}
    ours = {path for path in named if path.startswith(TOP) or path.endswith(".py")}
    return sorted(
        path
        for path in ours
        if not any(word in path for word in EXAMPLES)
        and not any((place / path).exists() for place in SHORT)
    )


def sections(text):
    """Return the text of each section that is called like a method or metric, by name."""
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {head: body for head, body in pairs if re.fullmatch(r"[a-z0-9_]+", head)}


def registered():
    """Return the names that this package itself registers, not plugins or tests."""
    functions = {name: method.run for name, method in METHODS.items()}
    functions |= {name: spec.compute for name, spec in METRICS.items()}
    return {name for name, f in functions.items() if f.__module__.startswith("unlearn_core.")}


def stated_settings(section):
    """Return the settings and defaults in a section's table."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| `([^`]*)` \|", section, flags=re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_relative_link_leads_somewhere(path):
    assert broken_links(path.read_text(encoding="utf-8"), path.parent) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_path_of_the_project_exists(path):
    assert missing_paths(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("[a](methods.md)", False),
        ("[a](methods.md#rfa)", False),
        ("[a](#here-it-is)", False),
        ("[a](https://example.org/none.md)", False),
        ("[a](nowhere.md)", True),
        ("[a](methods.md#no_such_method)", True),
        ("[a](#nowhere)", True),
    ],
)
def test_a_link_that_leads_nowhere_is_found(link, is_broken):
    found = broken_links(f"# Here: it is\n\n{link}\n", ROOT / "docs")
    assert bool(found) == is_broken


def test_a_path_that_does_not_exist_is_found():
    text = "`unlearn_core/none.py`, `unlearn_core/config.py`, `tests/none.py::test_a`, `a/b.py`"
    text += ", `runs/store.py`, `runs/none.py`, `a/b.txt`"
    assert missing_paths(text) == [
        "a/b.py",
        "runs/none.py",
        "tests/none.py",
        "unlearn_core/none.py",
    ]


def test_every_method_and_metric_has_a_section_and_no_section_is_of_another():
    assert set(sections(METHODS_TEXT)) == registered()


def test_every_method_is_linked_once_from_the_contents():
    contents = METHODS_TEXT.partition("\n## ")[0]
    linked = re.findall(r"\]\(#(\w+)\)", contents)
    assert set(METHODS) & registered() <= set(linked)
    assert len(linked) == len(set(linked))


@pytest.mark.parametrize("name", sorted(set(METHODS) & registered()))
def test_a_methods_section_states_its_settings_and_presets(name):
    method, section = METHODS[name], sections(METHODS_TEXT)[name]
    defaults = method.settings_class()
    expected = {f.name: str(getattr(defaults, f.name)) for f in fields(defaults)}
    assert stated_settings(section) == expected
    [presets] = re.findall(r"(?:^Presets:|No settings\.|^No presets) ?(.*)\.$", section, re.M)
    assert set(re.findall(r"`([^`]+)`", presets)) == set(method.presets)


def test_the_decisions_have_a_table_of_contents():
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(#([\w-]+)\)", text.partition("\n## ")[0])
    assert linked == [anchor(heading) for heading in re.findall(r"^## (.+)$", text, re.M)]
