"""docs/golden.md names a test for every golden value, every loss and every metric of arrays."""

import ast
import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest

from unlearn_core import metrics
from unlearn_core.methods import losses

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "golden.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| `([^`]+)::(\w+)` \|$", TEXT, flags=re.MULTILINE)
NUMBERED = {"E": 8, "D": 8, "S": 4, "C": 5, "B": 2, "N": 2, "L": 4, "Q": 3, "K": 2, "M": 4, "V": 4}
NAMED = """
A1; Z; PPL; RTE; UA; Fisher; Trigger; P networks; P adapters; P headatt; G-R logits; G-R layers;
G-R L_inter; G-R L; G-R start; G-R B1=0; G-R B2=0; G-R empty; G-R label; G-R batches;
ToW; RMIA; JSD; Margin; KLoM; FQ; SSD; DELETE; Neighbourhood
"""
HELPERS = {"base", "fits", "fitted_attack"}  # what metrics are made with, not metrics
NUMBERS = (int, float)
CHOSEN = {
    "draw",
    "label_probabilities",
    "accuracy_of",
    "unseen_alike",
    "n_classes_of",
}  # which examples and numbers of them


@cache
def definitions(path):
    """Return what a test file defines at its top level, by name."""
    found = {}
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            targets = [n for target in node.targets for n in ast.walk(target)]
            found |= {n.id: node for n in targets if isinstance(n, ast.Name)}
    return found


def nodes_behind(path, name):
    """Yield all nodes of a test, and of the helpers, fixtures and constants of its file in it."""
    known, seen, waiting = definitions(path), set(), [name]
    while waiting:
        name = waiting.pop()
        if name in known and name not in seen:
            seen.add(name)
            for node in ast.walk(known[name]):
                yield node
                if isinstance(node, ast.Name):
                    waiting.append(node.id)
                elif isinstance(node, ast.arg):
                    waiting.append(node.arg)


def asserts(function):
    """Say whether a test checks anything in its own body, not only in helpers."""
    for node in ast.walk(function):
        name = getattr(node, "attr", getattr(node, "id", ""))
        if isinstance(node, ast.Assert) or name == "raises" or name.startswith("assert"):
            return True
    return False


def is_skipped(function):
    """Say whether a test is marked so that it does not count: skipped, or allowed to fail."""
    marks = [node for mark in function.decorator_list for node in ast.walk(mark)]
    return any(getattr(node, "attr", "") in ("skip", "skipif", "xfail") for node in marks)


def stated(text):
    """Return the decimal fractions and the numbers with thousands in a line's value."""
    found = re.findall(r"(?<![\w.])\d+\.\d+(?:e-?\d+)?|\d{1,3}(?:,\d{3})+", text)
    return [float(number.replace(",", "")) for number in found]


def faults(row):
    """Say what a line claims of its test that is not so."""
    golden_id, value, path, name = row
    if not name.startswith("test_") or name not in definitions(path):
        return ["there is no such test"]
    nodes = list(nodes_behind(path, name))
    numbers = [n.value for n in nodes if isinstance(n, ast.Constant) and type(n.value) in NUMBERS]
    names = {getattr(node, "attr", getattr(node, "id", None)) for node in nodes}
    function = golden_id.rpartition(".")[2] if "." in golden_id else None
    missing = [n for n in stated(value) if not any(abs(n - abs(m)) < 1e-9 for m in numbers)]
    return [
        *([] if asserts(definitions(path)[name]) else ["it asserts nothing"]),
        *(["it is skipped"] if is_skipped(definitions(path)[name]) else []),
        *([f"it does not use {function}"] if function and function not in names else []),
        *(f"it does not hold {number}" for number in missing),
    ]


def public_functions(module):
    """Names of the functions that a module defines or, where it says so, passes on."""
    found = {name for name, _ in inspect.getmembers(module, inspect.isfunction)}
    own = {name for name in found if getattr(module, name).__module__ == module.__name__}
    passed_on = found & set(getattr(module, "__all__", ()))
    return {name for name in own | passed_on if not name.startswith("_")}


def test_every_line_of_the_tables_is_read():
    assert len(ROWS) == len(re.findall(r"^\| .*::test_", TEXT, flags=re.MULTILINE))
    assert len(ROWS) > 100


def test_every_named_test_asserts_something_with_the_numbers_or_the_function_of_its_line():
    found = {f"{row[0]} {row[2]}::{row[3]}": faults(row) for row in ROWS}
    assert {line: wrong for line, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("golden_id", "value", "name", "fault"),
    [
        ("X", "1", "test_that_is_not_there", "there is no such test"),
        ("X", "1", "definitions", "there is no such test"),
        ("X", "0.4142", "test_every_line_of_the_tables_is_read", "it does not hold 0.4142"),
        ("X", "1,234", "test_every_line_of_the_tables_is_read", "it does not hold 1234.0"),
        ("m.f_of_x", "1", "test_every_line_of_the_tables_is_read", "it does not use f_of_x"),
    ],
)
def test_a_line_that_claims_what_is_not_so_is_found(golden_id, value, name, fault):
    assert faults((golden_id, value, "tests/test_golden_map.py", name)) == [fault]


@pytest.mark.parametrize("mark", ["skip", "skipif(True)", "xfail(strict=False)", "slow"])
def test_a_test_that_does_not_count_is_found(mark):
    [function] = ast.parse(f"@pytest.mark.{mark}\ndef test_x():\n    assert 1").body
    assert is_skipped(function) == (mark != "slow")


def test_every_golden_id_has_a_line():
    ids = {f"{letter}{n}" for letter, most in NUMBERED.items() for n in range(1, most + 1)}
    ids |= {" ".join(name.split()) for name in NAMED.split(";")}
    assert ids == {row[0] for row in ROWS if "." not in row[0]}


def test_every_loss_and_metric_of_arrays_has_a_line():
    listed = {row[0] for row in ROWS if "." in row[0]}
    computes = {spec.compute for spec in metrics.METRICS.values()}
    wanted = {f"losses.{name}" for name in public_functions(losses)}
    for module in (info.name for info in pkgutil.iter_modules(metrics.__path__)):
        if module not in HELPERS:
            loaded = importlib.import_module(f"unlearn_core.metrics.{module}")
            names = public_functions(loaded) - CHOSEN
            wanted |= {f"{module}.{n}" for n in names if getattr(loaded, n) not in computes}
    assert wanted - listed == set()


def test_every_listed_function_exists():
    for name in (row[0] for row in ROWS if "." in row[0]):
        module, function = name.split(".")
        package = (
            "metrics" if (ROOT / "unlearn_core/metrics" / f"{module}.py").exists() else "methods"
        )
        assert hasattr(importlib.import_module(f"unlearn_core.{package}.{module}"), function)
