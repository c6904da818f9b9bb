"""The papers' tables: complete, in known units, and equal to numbers read again by eye."""

import csv
import math
from collections import Counter
from pathlib import Path

import pytest

from unlearn_core.methods import METHODS
from unlearn_core.metrics import METRICS
from unlearn_core.papers import reference
from unlearn_core.papers.reference import COLUMNS, PAPERS, paper_table, papers

KEY = COLUMNS[:7]
COUNTS = {
    "rfa": {
        "I": 196,
        "II": 24,
        "III": 49,
        "IV": 49,
        "V": 140,
        "VI": 35,
        "VII": 84,
        "VIII": 35,
        "IX": 56,
        "X": 28,
        "XI": 48,
    },
    "muda": {
        "1": 16,
        "2": 18,
        "3": 90,
        "4": 90,
        "5": 90,
        "6": 15,
        "7": 30,
        "A": 80,
        "B": 80,
        "C": 80,
    },
    "neglora": {"Figure 2": 120, "Figure 4": 80},
}
DATASETS = {
    "rfa": {"cifar10", "fashion_mnist", "imdb", "eli5_category", "not_stated"},
    "muda": {"cifar10", "cifar100", "cifar20", "tiny_imagenet"},
    "neglora": {"cifar10", "cifar100", "imagenet100"},
}
MODELS = {
    "rfa": {"resnet18", "vit", "distilbert", "distilgpt2"},
    "muda": {"resnet18"},
    "neglora": {"vit_s", "resnet50"},
}
SUFFIXES = {"retain", "forget", "test", "retain_test", "forget_test", "difference", "spread"}
UNITS = {"fraction", "number", "seconds", "ratio", "count"}


def read(paper):
    path = Path(reference.__file__).with_name(f"{paper}.csv")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


ROWS = [row for paper in PAPERS for row in read(paper)]


def find(paper, table, **wanted):
    rows = paper_table(paper, table)
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, rows
    return rows.iloc[0]


@pytest.mark.parametrize("paper", PAPERS)
def test_files_have_the_columns_and_name_their_paper(paper):
    rows = read(paper)
    assert tuple(rows[0]) == COLUMNS
    assert {row["paper"] for row in rows} == {paper}


@pytest.mark.parametrize("paper", PAPERS)
def test_tables_have_the_printed_number_of_values(paper):
    assert Counter(row["table"] for row in read(paper)) == COUNTS[paper]
    assert papers()[paper] == list(COUNTS[paper])
    assert {t: len(paper_table(paper, t)) for t in papers()[paper]} == COUNTS[paper]


def test_no_number_is_given_twice():
    keys = Counter(tuple(row[column] for column in KEY) for row in ROWS)
    assert max(keys.values()) == 1


@pytest.mark.parametrize("paper", PAPERS)
def test_datasets_models_and_scenarios_are_known(paper):
    rows = read(paper)
    assert {row["dataset"] for row in rows} == DATASETS[paper]
    assert {row["model"] for row in rows} == MODELS[paper]
    kinds = {row["scenario"].split(",")[0] for row in rows}
    assert kinds <= {"class", "sample", "subclass", "backdoor", "keyword"}


def test_methods_are_those_of_the_registry_or_the_original():
    assert {row["method"] for row in ROWS} <= {*METHODS, "original"}


def test_metrics_are_known_and_in_the_units_of_the_registry():
    for row in ROWS:
        base, _, suffix = row["metric"].partition("@")
        assert base in METRICS or base == "perplexity", row
        assert suffix in SUFFIXES or not suffix, row
        assert row["unit"] in UNITS, row
        assert row["unit"] == (METRICS[base].unit if base in METRICS else "number"), row


def test_values_are_finite_or_empty_with_a_reason():
    for row in ROWS:
        if row["value"]:
            assert math.isfinite(float(row["value"])), row
            assert float(row["value"]) >= 0, row
        else:
            assert row["erratum"], row


def test_fractions_lie_between_0_and_1():
    values = [float(row["value"]) for row in ROWS if row["unit"] == "fraction" and row["value"]]
    assert min(values) == 0
    assert max(values) == 1


def test_other_values_respect_the_metrics_bounds_unless_marked():
    for row in ROWS:
        base = row["metric"].partition("@")[0]
        if base in METRICS and row["value"] and not row["erratum"]:
            low, high = METRICS[base].bounds
            value = float(row["value"])
            assert low is None or value >= low, row
            assert high is None or value <= high, row


def test_errata_are_short_sentences():
    for row in ROWS:
        erratum = row["erratum"]
        assert erratum == erratum.strip()
        assert not erratum or (erratum.endswith(".") and len(erratum) < 200), row


@pytest.mark.parametrize("table", ["3", "4", "5"])
def test_printed_differences_agree_with_the_values(table):
    rows = paper_table("muda", table)
    values = {(m, n): v for m, n, v in zip(rows.method, rows.metric, rows.value, strict=True)}
    recovered = {"4": 0.240, "5": 0.492}  # the retrained probe, missing from the text
    checked = 0
    for (method, metric), printed in values.items():
        base, _, suffix = metric.partition("@")
        if suffix == "difference":
            target = values["retrain", base]
            target = recovered[table] if math.isnan(target) else target
            rounding = 0.0011 if base.startswith("linear") else 0.0101
            assert abs(values[method, base] - target) == pytest.approx(printed, abs=rounding)
            checked += 1
    assert checked == 40


def test_tables_4_and_c_agree():
    short = paper_table("muda", "4").dropna(subset="value").set_index(["method", "metric"])["value"]
    full = paper_table("muda", "C").set_index(["method", "metric"])["value"]
    both = short.index.intersection(full.index)
    assert len(both) == 9 * 5 - 2  # C has no NegGrad+FT, and 4 lacks two probes
    assert (short[both] == full[both]).all()


SPOTS = [
    ("rfa", "I", "cifar10", "resnet18", "sample", "retrain", "forget_accuracy", 0.9688),
    ("rfa", "I", "fashion_mnist", "vit", "class", "finetune", "forget_test_accuracy", 0.626),
    ("rfa", "I", "cifar10", "vit", "class", "rfa", "retain_test_accuracy", 0.9872),
    ("rfa", "II", "cifar10", "resnet18", "sample, 2 epochs", "badt", "forget_accuracy", 0.5469),
    ("rfa", "III", "imdb", "distilbert", "keyword", "rfa", "forget_test_accuracy", 0.5093),
    ("rfa", "IV", "eli5_category", "distilgpt2", "sample", "retrain", "perplexity@forget", 42.74),
    ("rfa", "IX", "cifar10", "vit", "class", "retrain", "mia_rfa", 0.53),
    ("rfa", "X", "eli5_category", "distilgpt2", "class", "badt", "mia_rfa", 0.08),
    ("rfa", "XI", "not_stated", "resnet18", "sample", "retrain", "unlearn_seconds", 1222.28),
    ("rfa", "XI", "eli5_category", "distilgpt2", "class", "neggrad", "unlearn_seconds", 10.87),
    ("muda", "1", "cifar20", "resnet18", "subclass", "retrain", "dimensional_alignment", 0.84),
    ("muda", "2", "tiny_imagenet", "resnet18", "class", "original", "forget_accuracy", 0.512),
    ("muda", "7", "cifar10", "resnet18", "backdoor", "muda", "backdoor_asr", 0.0829),
    ("muda", "7", "cifar10", "resnet18", "backdoor", "retrain", "clean_accuracy", 0.9235),
    ("muda", "B", "cifar100", "resnet18", "class", "eu_k", "retain_accuracy", 0.28),
    ("neglora", "Figure 2", "cifar100", "vit_s", "class, 2 epochs", "neggrad",
     "retain_accuracy", 0.582),
    ("neglora", "Figure 2", "imagenet100", "vit_s", "class, 1 epoch", "neglora",
     "mia_efficacy", 0.968),
    ("neglora", "Figure 4", "cifar10", "resnet50", "class, 1 epoch", "neglora",
     "retain_test_accuracy", 0.9292),
]  # fmt: skip


@pytest.mark.parametrize("spot", SPOTS, ids=lambda spot: "-".join(map(str, spot[:2])))
def test_numbers_read_again_in_the_papers(spot):
    paper, table, dataset, model, scenario, method, metric, value = spot
    where = {"dataset": dataset, "model": model, "scenario": scenario}
    row = find(paper, table, **where, method=method, metric=metric)
    assert row["value"] == value
    assert bool(row["erratum"]) == (table in ("IX", "X"))


MARKED = [
    ("rfa", "V", "cifar10", "vit", "class", "finetune", "activation_distance_l1@forget",
     1.80, "√2"),
    ("rfa", "VI", "eli5_category", "distilgpt2", "class", "neggrad",
     "activation_distance_l1@forget", 142.27, "sum over positions"),
    ("rfa", "VII", "fashion_mnist", "resnet18", "sample", "retrain",
     "feature_distance_original@forget", 22.70, "2.270"),
    ("rfa", "VII", "fashion_mnist", "resnet18", "class", "badt",
     "feature_distance_original@forget_test", 2.70, "0.70 or 0.77"),
    ("rfa", "VIII", "eli5_category", "distilgpt2", "sample", "finetune",
     "feature_distance_retrained@retain", 2.85, "mixed up"),
    ("rfa", "XI", "not_stated", "resnet18", "class", "rfa", "unlearn_seconds", 90.96, "92 %"),
    ("rfa", "XI", "imdb", "distilbert", "sample", "rfa", "unlearn_seconds", 370.61, "83 %"),
    ("muda", "3", "cifar10", "resnet18", "class", "finetune", "linear_probe_forget",
     0.818, "Table A prints 88.3"),
    ("muda", "A", "cifar10", "resnet18", "class", "muda", "dimensional_alignment",
     0.82, "Table 3 prints 0.79"),
    ("muda", "A", "cifar10", "resnet18", "class", "retrain", "mia_muda",
     0.37, "Lower is not better"),
    ("muda", "B", "cifar100", "resnet18", "class", "trick_head_finetune", "cluster_f1",
     0.99, "Original's 0.73"),
    ("muda", "C", "tiny_imagenet", "resnet18", "class", "trick_head_finetune", "cluster_nmi",
     0.55, "FT row"),
    ("neglora", "Figure 4", "cifar10", "resnet50", "class, 1 epoch", "neglora",
     "unlearning_accuracy", 0.0558, "0.9442"),
    ("neglora", "Figure 4", "cifar10", "resnet50", "class, 2 epochs", "neglora",
     "unlearning_accuracy", 0.0156, "0.9844"),
    ("neglora", "Figure 4", "cifar10", "resnet50", "class, 2 epochs", "retrain",
     "unlearning_accuracy", 0.0, "1.0000"),
    ("neglora", "Figure 2", "imagenet100", "vit_s", "class, 2 epochs", "neggrad",
     "unlearning_accuracy", 0.0, "1.0000"),
    ("neglora", "Figure 2", "cifar10", "vit_s", "class, 1 epoch", "neggrad",
     "retain_accuracy", 0.545, "copied"),
    ("neglora", "Figure 4", "cifar10", "resnet50", "class, 2 epochs", "retrain",
     "retain_test_accuracy", 0.3475, "Not a retrained"),
    ("neglora", "Figure 4", "cifar10", "resnet50", "class", "neglora",
     "trainable_parameters", 20500, "head alone"),
    ("neglora", "Figure 4", "cifar100", "resnet50", "class", "neglora",
     "trainable_parameters", 608000, "10 classes"),
    ("neglora", "Figure 2", "cifar100", "vit_s", "class, per epoch", "neglora",
     "rel_cost", 0.017, "inverse"),
    ("neglora", "Figure 4", "cifar10", "resnet50", "class, 2 epochs", "neggrad",
     "mia_efficacy", 0.001, "Near 0"),
]  # fmt: skip


@pytest.mark.parametrize("spot", MARKED, ids=lambda spot: "-".join(map(str, spot[:2])))
def test_known_errors_keep_the_printed_number_and_are_marked(spot):
    paper, table, dataset, model, scenario, method, metric, value, words = spot
    where = {"dataset": dataset, "model": model, "scenario": scenario}
    row = find(paper, table, **where, method=method, metric=metric)
    assert row["value"] == value
    assert words in row["erratum"]


def test_what_is_missing_or_unreadable_is_empty():
    empty = Counter((row["paper"], row["table"]) for row in ROWS if not row["value"])
    assert empty == {
        ("rfa", "III"): 2,  # printed '-'
        ("rfa", "IV"): 4,  # printed '*'
        ("muda", "4"): 2,
        ("muda", "5"): 2,
        ("muda", "C"): 1,
    }


def test_a_changed_copy_leaves_the_tables_alone():
    rows = paper_table("muda", "7")
    rows.loc[:, "value"] = 0.0
    assert find("muda", "7", method="muda", metric="backdoor_asr")["value"] == 0.0829


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="'scrub'; known: rfa, muda, neglora"):
        paper_table("scrub", "1")
    with pytest.raises(ValueError, match="'XII' of 'rfa'; known: I, II, III"):
        paper_table("rfa", "XII")
