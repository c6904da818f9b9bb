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
G-R L_inter; G-R L; G-R start; G-R B1=0; G-R B2=0; G-R empty; G-R label; G-R batches
"""
HELPERS = {"base", "fitted_attack"}  # what metrics are made with, not metrics
CHOSEN = {"draw", "label_probabilities", "accuracy_of"}  # which examples and numbers of them


@cache
def names_in(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def public_functions(module):
    """Names of the functions that a module defines or, where it says so, passes on."""
    found = {name for name, _ in inspect.getmembers(module, inspect.isfunction)}
    own = {name for name in found if getattr(module, name).__module__ == module.__name__}
    passed_on = found & set(getattr(module, "__all__", ()))
    return {name for name in own | passed_on if not name.startswith("_")}


def test_every_line_of_the_tables_is_read():
    assert len(ROWS) == len(re.findall(r"^\| .*::test_", TEXT, flags=re.MULTILINE))
    assert len(ROWS) > 100


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[3][:30]}")
def test_a_named_test_exists(row):
    _, _, path, name = row
    assert name.startswith("test_")
    assert name in names_in(path)


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
