"""The examples of the README and of docs/adding.md do what they say, as they stand there."""

import doctest
import inspect
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unlearn_core import plugins
from unlearn_core.config import DataConfig, ModelConfig
from unlearn_core.data import DATASETS
from unlearn_core.data.base import register_dataset
from unlearn_core.engine.pipeline import execute
from unlearn_core.methods import METHODS, contract
from unlearn_core.methods.base import register_method
from unlearn_core.metrics import METRICS, Evidence, evaluate
from unlearn_core.metrics.base import register_metric
from unlearn_core.models import MODELS
from unlearn_core.records import Records, Sets

ROOT = Path(__file__).resolve().parents[1]
REGISTRIES = {"method": METHODS, "metric": METRICS, "dataset": DATASETS, "model": MODELS}


def example(document, title):
    """Return the Python file that stands under a heading of a document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    [part] = re.findall(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    [code] = re.findall(r"^```python\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    return code


EXAMPLES = {
    "method": example("README.md", "Add a method"),
    "metric": example("docs/adding.md", "A metric"),
    "dataset": example("docs/adding.md", "A data set"),
    "model": example("docs/adding.md", "A model"),
}


REGISTERING = {
    "A method": register_method,
    "A metric": register_metric,
    "A data set": register_dataset,
}


@pytest.mark.parametrize("title", REGISTERING)
def test_the_table_of_arguments_has_all_of_them(title):
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    [part] = re.findall(rf"^## {title}$(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    first_cells = re.findall(r"^\| (`[^|]*) \|", part, re.MULTILINE)
    listed = {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}
    arguments = set(inspect.signature(REGISTERING[title]).parameters)
    assert listed <= arguments
    assert arguments - listed <= {"name", "settings_class", "label", "source"}


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Load examples as plugins, and take them out of the registries again."""
    before = {kind: dict(registry) for kind, registry in REGISTRIES.items()}
    monkeypatch.setenv("UNLEARN_PLUGINS", str(tmp_path / "plugins"))
    (tmp_path / "plugins").mkdir()
    names = []

    def add(*kinds):
        for kind in kinds:
            (tmp_path / "plugins" / f"my_{kind}.py").write_text(EXAMPLES[kind])
            plugins.load(kind, REGISTRIES[kind])
            names.append(f"unlearn_plugin_my_{kind}")
        assert plugins.broken() == []
        new = [set(REGISTRIES[kind]) - set(before[kind]) for kind in kinds]
        return [name for found in new for name in found]

    yield add
    for kind, registry in REGISTRIES.items():
        registry.clear()
        registry.update(before[kind])
    for name in names:
        del sys.modules[name]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_example_passes_the_linter_as_a_file_of_the_project(kind):
    place = {"method": "methods", "metric": "metrics", "dataset": "data", "model": "models"}[kind]
    name = ROOT / "unlearn_core" / place / "my_example.py"
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(name), "-"],
            input=EXAMPLES[kind],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_the_readmes_method_keeps_the_contract(added):
    [name] = added("method")
    assert contract.broken_checks(METHODS[name]) == []


def make_records(seed):
    random, labels = np.random.default_rng(seed), np.arange(40) % 4
    return Records(
        example_ids=np.arange(40),
        labels=labels,
        is_train=np.arange(40) < 24,
        logits=random.normal(size=(40, 4)).astype(np.float32),
        features=random.normal(size=(40, 5)).astype(np.float32),
    )


def test_the_metric_is_measured_and_missing_where_a_model_broke_down(added, monkeypatch):
    [name] = added("metric")
    monkeypatch.setattr("unlearn_core.metrics.base.METRICS", {name: METRICS[name]})
    records, chosen = make_records(0), np.arange(40) % 4 == 1
    train = records.is_train
    sets = Sets(
        forget=chosen & train,
        retain=~chosen & train,
        forget_test=chosen & ~train,
        retain_test=~chosen & ~train,
    )
    given = Evidence(
        records=records,
        original=records,
        retrained=None,
        sets=sets,
        cost=None,
        retrained_cost=None,
    )
    values, reasons = evaluate(given)
    assert values[name] == pytest.approx(records.probabilities[sets.forget].max(axis=1).mean())
    assert not reasons
    records.logits[np.flatnonzero(sets.forget)[0]] = np.nan
    values, reasons = evaluate(given)
    assert values == {name: None}
    assert "not finite" in reasons[name]


def test_the_metrics_worked_example_holds(added):
    added("metric")
    found = doctest.testmod(sys.modules["unlearn_plugin_my_metric"])
    assert found.attempted
    assert not found.failed


def test_a_run_is_made_of_the_data_set_the_model_and_the_method(added, store, tiny, no_maps):
    dataset, model, method, metric = added("dataset", "model", "method", "metric")
    config = replace(
        tiny,
        data=DataConfig(name=dataset),
        model=ModelConfig(name=model, width=4),
        forget=replace(tiny.forget, values=(1,)),
        method=method,
    )
    run = execute(config, store=store, device="cpu")
    assert run.config.data.name == dataset
    assert 0 < run.metrics()["values"][metric] <= 1
