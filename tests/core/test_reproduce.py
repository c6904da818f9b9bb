"""Printed tables beside what was measured: which runs stand behind a row, and its number."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unlearn_core.config import ForgetConfig
from unlearn_core.data import DATASETS, DataNotFoundError, content_of
from unlearn_core.data.splits import split
from unlearn_core.engine.request import dataset_of
from unlearn_core.methods import resolve_settings
from unlearn_core.metrics.distance import activation_distance
from unlearn_core.papers.experiments import Experiment, experiments
from unlearn_core.papers.recipes import paper_recipe
from unlearn_core.papers.reference import paper_table, papers
from unlearn_core.papers.reproduce import MEASURED_COLUMNS, reproduce
from unlearn_core.training import DivergedError
from unlearn_core.views import reproduction

TABLES = [(paper, table) for paper, tables in papers().items() for table in tables]


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))

    def fetch(folder):
        raise DataNotFoundError(f"The data set {folder.name!r} is missing. Set UNLEARN_DATA.")

    unreachable = replace(DATASETS["cifar10"], fetch=fetch)
    monkeypatch.setitem(DATASETS, "cifar10", unreachable)


@pytest.mark.parametrize(("paper", "table"), TABLES)
def test_every_printed_row_belongs_to_one_experiment(paper, table, no_data):
    found = experiments(paper, table, "smoke")
    printed = paper_table(paper, table)
    assert sum(len(e.rows) for e in found) == len(printed)
    for experiment in found:
        is_text = experiment.rows["model"].iloc[0] in ("distilbert", "distilgpt2")
        assert ("is not in" in experiment.reason) == is_text
        for row in experiment.rows.itertuples():
            if not is_text:
                configs = experiment.configs(row.method, row.variant, (0, 1))
                assert [c.seed for c in configs] == [0, 1]
                assert all(c.data.name == "digits" for c in configs)


@pytest.mark.parametrize("scale", ["small", "full"])
def test_missing_data_is_a_reason_for_its_rows_alone(no_data, scale):
    found = experiments("muda", "3", scale)
    assert [e.rows["dataset"].iloc[0] for e in found] == ["cifar10"]
    assert "cifar10" in found[0].reason
    assert "UNLEARN_DATA" in found[0].reason
    assert found[0].starts == ()


@pytest.mark.parametrize(
    ("paper", "table", "scale", "message"),
    [
        ("muda", "99", "smoke", "Unknown table '99'"),
        ("nobody", "1", "smoke", "Unknown paper"),
        ("muda", "3", "huge", "smoke, small, full, got 'huge'"),
    ],
)
def test_what_does_not_exist_is_named(paper, table, scale, message):
    with pytest.raises(ValueError, match=message):
        experiments(paper, table, scale)


def test_the_loss_ablation_switches_off_the_losses_that_it_names():
    [found] = experiments("muda", "6", "smoke")
    weights = {
        variant: (settings.alpha > 0, settings.beta > 0)
        for (method, variant), changed in found.settings.items()
        for settings in [resolve_settings(method, changed)]
        if method == "muda"
    }
    assert weights == {
        "": (True, True),
        "alignment loss only": (True, False),
        "self-distillation loss only": (False, True),
    }


@pytest.mark.parametrize("setting", ["epochs", "until_loss"])
def test_a_row_for_two_epochs_goes_twice_as_far_as_one_for_one(setting):
    found = experiments("neglora", "Figure 2", "smoke")[0]
    far = {variant: s[setting] for (m, variant), s in found.settings.items() if m == "neglora"}
    assert far["2 epochs"] == 2 * far["1 epoch"] > 0


def test_a_backdoor_is_in_the_data_that_the_original_was_trained_on():
    [found] = experiments("muda", "7", "smoke")
    for config in found.configs("muda", "", (0,)):
        assert config.forget.kind == "backdoor"
        assert config.data.poison_target == config.forget.values[0]


def printed(rows):
    """Return a printed table with these (method, metric) rows."""
    return pd.DataFrame(rows, columns=["method", "metric"]).assign(
        paper="muda",
        table="3",
        dataset="digits",
        model="resnet18",
        scenario="class",
        kind="class",
        variant="",
        value=0.5,
        unit="fraction",
        erratum="",
    )


def made_by_hand(comparison, rows):
    """Return an experiment on the tiny comparison with these (method, metric) rows."""
    neggrad = comparison.runs["neggrad"].config
    return Experiment(
        rows=printed(rows),
        scale="smoke",
        starts=(comparison.config,),
        settings={("neggrad", ""): dict(neggrad.settings)},
    )


def measured(comparison, rows, execute=lambda _config: None):
    experiment = made_by_hand(comparison, rows)
    return reproduce(experiment, store=comparison.store, execute=execute)


def test_a_number_is_the_metric_of_the_run(comparison):
    rows = [
        ("original", "forget_accuracy"),
        ("retrain", "dimensional_alignment"),
        ("neggrad", "mia_rfa"),
    ]
    table = measured(comparison, rows)
    assert tuple(table.columns) == MEASURED_COLUMNS
    values = {name: comparison.runs[name].metrics()["values"] for name in comparison.runs}
    assert table["measured"].tolist() == [
        values["original"]["forget_accuracy"],
        values["retrain"]["dimensional_alignment"],
        values["neggrad"]["mia_rfa_unbalanced"],  # as RFA prints it
    ]
    assert (table["n_runs"] == 1).all()


def test_a_printed_difference_is_that_from_the_retrained_model(comparison):
    table = measured(comparison, [("neggrad", "dimensional_alignment@difference")])
    ends, target = (
        comparison.runs[name].metrics()["values"]["dimensional_alignment"]
        for name in ("neggrad", "retrain")
    )
    assert table["measured"].item() == pytest.approx(abs(ends - target))


def test_a_distance_on_one_set_is_computed_on_that_set(comparison):
    table = measured(
        comparison,
        [
            ("neggrad", "activation_distance_l1@forget_test"),
            ("neggrad", "feature_distance_original@retain"),
        ],
    )
    config = comparison.config
    mask = split(dataset_of(config.data), config.forget).forget_test
    parts = [comparison.runs[n].records() for n in ("neggrad", "retrain")]
    own, other = (part.where(mask[part.example_ids]).probabilities for part in parts)
    assert table["measured"][0] == pytest.approx(activation_distance(own, other, norm="l1"))
    layers = comparison.runs["neggrad"].metrics()["layers"]
    wanted = [r["distance"] for r in layers if (r["reference"], r["set"]) == ("original", "retain")]
    assert table["measured"][1] == pytest.approx(sum(wanted))


def test_what_cannot_be_measured_says_why(comparison):
    table = measured(
        comparison,
        [
            ("neggrad", "dimensional_alignment@spread"),
            ("original", "unlearn_seconds"),
            ("neggrad", "perplexity@forget"),
        ],
    )
    assert table["measured"].isna().all()
    assert "one run" in table["reason"][0]
    assert "no unlearning steps" in table["reason"][1]
    assert "answers with a class, not with tokens" in table["reason"][2]


def test_a_run_that_diverges_leaves_a_reason_and_the_others_go_on(comparison):
    made = []

    def execute(config):
        made.append(config.method)
        if config.method == "neggrad":
            raise DivergedError("The loss became nan at step 2 of 3.")

    rows = [("neggrad", "forget_accuracy"), ("retrain", "forget_accuracy")]
    table = measured(comparison, rows, execute)
    assert made == ["original", "retrain", "neggrad"]
    assert "at step 2 of 3" in table["reason"][0]
    assert math.isnan(table["measured"][0])
    assert table["measured"][1] == 0


class FakeStore:
    """Finished runs with one number each, by their keys."""

    def __init__(self, starts, originals, retrained):
        pairs = zip(starts, originals, retrained, strict=True)
        self.values = {}
        for start, original, again in pairs:
            self.values |= {start.original().key(): original, start.retrained().key(): again}

    def load(self, key):
        values = {"forget_accuracy": self.values[key]}
        return SimpleNamespace(metrics=lambda: {"values": values})


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("forget_accuracy", 0.4),  # of 0.9, 0.1 and 0.2
        ("forget_accuracy@spread", 0.19**0.5),  # (0.25 + 0.09 + 0.04) / 2
        ("forget_accuracy@difference", 0.3),  # the retrained models' mean is 0.1
    ],
)
def test_numbers_are_means_over_seeds(tiny, metric, expected):
    starts = [replace(tiny, seed=seed) for seed in (0, 1, 2)]
    found = FakeStore(starts, originals=(0.9, 0.1, 0.2), retrained=(0.0, 0.3, 0.0))
    experiment = Experiment(rows=printed([("original", metric)]), scale="smoke", starts=(tiny,))
    table = reproduce(experiment, store=found, execute=lambda _c: None, seeds=(0, 1, 2))
    assert table["n_runs"].item() == 3
    assert table["measured"].item() == pytest.approx(expected)


def test_numbers_are_means_over_the_classes_that_are_forgotten(tiny):
    starts = [replace(tiny, forget=class_of(label)) for label in (3, 5)]
    found = FakeStore(starts, originals=(0.8, 0.2), retrained=(0.0, 0.0))
    rows = printed([("original", "forget_accuracy")])
    experiment = Experiment(rows=rows, scale="smoke", starts=tuple(starts))
    table = reproduce(experiment, store=found, execute=lambda _c: None)
    assert table["n_runs"].item() == 2
    assert table["measured"].item() == pytest.approx(0.5)


def class_of(label):
    return ForgetConfig(kind="class", values=(label,))


@pytest.fixture
def ten_classes(tmp_path, monkeypatch):
    """A folder of CIFAR-10's shape with two training images and a test image a class."""
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    dataset_of.cache_clear()
    for part, n_images in (("train", 2), ("test", 1)):
        for label in range(10):
            folder = tmp_path / "cifar10" / part / str(label)
            folder.mkdir(parents=True)
            for i in range(n_images):
                Image.new("RGB", (32, 32), (20 * label, 100 * i, 0)).save(folder / f"{i}.png")
    yield content_of("cifar10")
    dataset_of.cache_clear()


def test_smoke_takes_the_digits_whatever_the_table_used(ten_classes):
    [found] = experiments("muda", "3", "smoke")
    assert {start.data.name for start in found.starts} == {"digits"}
    assert "digits and a slim ResNet-18 in place of cifar10 and resnet18" in found.notes


def test_small_and_full_use_the_tables_own_data(ten_classes):
    [small], [full] = (experiments("muda", "3", scale) for scale in ("small", "full"))
    for start in (*small.starts, *full.starts):
        assert (start.data.name, start.data.content) == ("cifar10", ten_classes)
    assert [start.forget.values for start in full.starts] == [(1,), (3,), (5,), (7,), (9,)]
    assert [start.forget.values for start in small.starts] == [(1,)]
    assert small.starts[0].data.train_examples == 20  # all that there are, below the 5,000 of it
    assert small.starts[0].model.width == 16
    assert small.starts[0].training.epochs == 15
    assert "20 training images, resnet18 of width 16, 15 epochs from scratch" in small.notes
    network, recipe = paper_recipe("muda", "cifar10", "resnet18", n_train=20)
    for start in full.starts:
        assert (start.model, start.training) == (network, recipe)
        assert start.data.train_examples is None
    assert small.settings["muda", ""] != full.settings["muda", ""]  # digits preset and paper's


def test_the_display_puts_printed_and_measured_side_by_side():
    rows = pd.DataFrame(
        {
            "dataset": "cifar10",
            "model": "resnet18",
            "scenario": "class",
            "method": ["muda", "rfa"],
            "metric": ["forget_accuracy", "activation_distance_l1@forget"],
            "value": [0.01, 0.5],
            "measured": [0.02, np.nan],
            "erratum": ["", "misprint"],
            "reason": ["", "no data"],
        }
    )
    [(title, table)] = reproduction.side_by_side(rows).items()
    assert title == "cifar10, resnet18, class"
    assert table.loc["muda", "Acc(D_f)"] == "1.0% / 2.0%"
    assert table.loc["rfa", "AD (L1) forget"] == "0.500* / –"
    assert table.loc["muda", "AD (L1) forget"] == ""
    assert reproduction.reasons(rows) == ["not measured: AD (L1) forget: no data"]
    assert reproduction.errata(rows) == ["* AD (L1) forget of rfa: misprint"]
