"""Audits beyond the papers, against golden values, plain loops, and what shipped runs show."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, jensenshannon
from sklearn.metrics import accuracy_score

from tests import formulas
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.metrics import METRICS, Evidence
from unlearn_core.metrics.base import NotApplicableError
from unlearn_core.metrics.prototypes import prototype_accuracy
from unlearn_core.metrics.reference_attack import (
    likelihood_ratio,
    population_score,
    unseen_alike,
)
from unlearn_core.metrics.rf_jsd import jensen_shannon
from unlearn_core.metrics.tug_of_war import tug_of_war
from unlearn_core.records import Records, Sets
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.store import Store

QUICK = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
N, CLASSES = 240, 4
TRICKS = ("trick_head_finetune", "trick_forget_bias")


def drawn_records(random, *, knows=2.0):
    labels, is_train = np.arange(N) % CLASSES, np.arange(N) < N // 2
    sure = np.where(is_train, knows, 0.5)[:, None] * np.eye(CLASSES)[labels]
    return Records(
        example_ids=np.arange(N),
        labels=labels,
        is_train=is_train,
        logits=(sure + random.normal(size=(N, CLASSES))).astype("f4"),
        features=(np.eye(CLASSES, 5)[labels] + random.normal(size=(N, 5))).astype("f4"),
    )


def drawn_evidence(seed, *, chosen=None, knows=2.0):
    """A class is forgotten, or the training examples of `chosen`."""
    random = np.random.default_rng(seed)
    own, original, retrained = (drawn_records(random, knows=knows) for _ in range(3))
    train = own.is_train
    of_class = own.labels == 1
    forget = (of_class if chosen is None else chosen) & train
    unseen = of_class & ~train if chosen is None else np.zeros(N, dtype=bool)
    return Evidence(
        records=own,
        original=original,
        retrained=retrained,
        sets=Sets(
            forget=forget,
            retain=train & ~forget,
            forget_test=unseen,
            retain_test=~train & ~unseen,
        ),
        cost=None,
        retrained_cost=None,
    )


def value(name, evidence):
    return METRICS[name].compute(evidence)


@pytest.fixture(scope="module")
def shipped():
    """Evidence of each shipped run on a class of digits, by method; the usual settings."""
    store = Store(Path(__file__).resolve().parents[2] / "cache", demo=True)
    [lesson] = [
        c for c in comparisons(store)
        if c.config.data.name == "digits" and c.config.forget.kind == "class"
    ]  # fmt: skip
    seed = lesson.seeds[0]
    runs = [run for run in lesson.runs if run.config.seed == seed and not run.unusual]
    records = {run.config.method: run.records() for run in runs}
    ids = records["original"].example_ids
    sets = split(load_dataset(lesson.config.data), lesson.config.forget)
    names = ("forget", "retain", "forget_test", "retain_test")
    recorded = Sets(**{name: getattr(sets, name)[ids] for name in names})
    return {
        method: Evidence(
            records=own,
            original=records["original"],
            retrained=records["retrain"],
            sets=recorded,
            cost=None,
            retrained_cost=None,
        )
        for method, own in records.items()
    }


# Tug of war -----------------------------------------------------------------------------------


def test_tug_of_war_has_the_golden_value():
    assert tug_of_war([0.10, 0.98, 0.90], [0, 1, 0.92]) == pytest.approx(0.86436, abs=1e-9)


@given(seed=seeds)
@QUICK
def test_tug_of_war_multiplies_what_accuracies_have_in_common(seed):
    evidence = drawn_evidence(seed)
    sets, y = evidence.sets, evidence.records.labels
    ours, theirs = (
        [
            accuracy_score(y[mask], side.logits.argmax(axis=1)[mask])
            for mask in (sets.forget, sets.retain, sets.forget_test | sets.retain_test)
        ]
        for side in (evidence.records, evidence.retrained)
    )
    expected = math.prod(1 - abs(a - b) for a, b in zip(ours, theirs, strict=True))
    assert tug_of_war(ours, theirs) == pytest.approx(expected, abs=1e-12)
    assert value("tow", evidence) == pytest.approx(expected, abs=1e-12)


def test_tug_of_war_by_attack_takes_each_models_own_efficacy():
    evidence = drawn_evidence(0, knows=4.0)
    ignorant = drawn_records(np.random.default_rng(9), knows=0.0)
    evidence = Evidence(**{**vars(evidence), "retrained": ignorant})
    other = Evidence(**{**vars(evidence), "records": evidence.retrained, "cache": {}})
    efficacies = [value("mia_efficacy", side) for side in (evidence, other)]
    plain = value("tow", evidence)
    forget = [value("forget_accuracy", side) for side in (evidence, other)]
    expected = plain / (1 - abs(forget[0] - forget[1])) * (1 - abs(efficacies[0] - efficacies[1]))
    assert efficacies[0] != efficacies[1]
    assert value("tow_mia", evidence) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shares", [([], []), ([0.5], [0.5, 0.5]), ([1.2], [1.0]), ([-0.1], [0.0])])
def test_tug_of_war_refuses_what_are_no_shares(shares):
    with pytest.raises(ValueError, match=r"retrained|shares|finite"):
        tug_of_war(*shares)


def test_tug_of_war_prefers_a_method_that_forgets_to_the_original(shipped):
    assert value("tow", shipped["retrain"]) == value("tow_mia", shipped["retrain"]) == 1
    for name in ("tow", "tow_mia"):
        assert value(name, shipped["original"]) < 0.5 < value(name, shipped["rfa"])


# RMIA -----------------------------------------------------------------------------------------


def test_rmia_has_the_golden_values():
    [ratio] = likelihood_ratio([0.8], [0.2])
    population = likelihood_ratio([0.9, 0.5, 0.3, 0.95], [0.8, 0.5, 0.6, 0.5])
    assert ratio == pytest.approx(2)
    assert population == pytest.approx([1.058824, 0.8, 0.428571, 1.52], abs=1e-6)
    assert population_score([ratio], population) == 1
    assert population_score([1.0, 1.52], population) == pytest.approx([0.5, 0.75])


@given(seed=seeds, by_class=st.booleans())
@QUICK
def test_rmia_equals_a_loop_over_pairs_of_examples(seed, by_class):
    evidence = drawn_evidence(seed, chosen=None if by_class else np.arange(N) < 40)
    sets, own, rows = evidence.sets, evidence.records, np.arange(N)
    p, out = (formulas.softmax(s.logits)[rows, s.labels] for s in (own, evidence.retrained))
    ratios = p / (0.75 * out + 0.25)
    alike = unseen_alike(own, sets.forget, sets.forget_test, sets.test)
    unseen = alike[: len(alike) // 2]
    population = np.setdiff1d(np.flatnonzero(sets.test), unseen)
    scores = [np.mean([ratios[x] / ratios[z] > 1 for z in population]) for x in rows]
    assert likelihood_ratio(p, out) == pytest.approx(ratios, abs=1e-12)
    assert population_score(ratios, ratios[population]) == pytest.approx(scores, abs=1e-12)
    members = [scores[x] for x in np.flatnonzero(sets.forget)]
    others = [scores[x] for x in unseen]
    wins = [(m > o) + 0.5 * (m == o) for m in members for o in others]
    assert value("rmia_auc", evidence) == pytest.approx(np.mean(wins), abs=1e-12)
    cut = max(others)  # fewer than a hundred: none may be taken for a member
    assert value("rmia_tpr", evidence) == pytest.approx(np.mean([m > cut for m in members]))


def test_rmia_finds_what_the_model_knows_and_the_retrained_one_does_not():
    found, random = drawn_evidence(1), np.random.default_rng(1)
    ignorant = drawn_records(random, knows=0.5)
    sure = Evidence(**{**vars(found), "retrained": ignorant, "cache": {}})
    nothing = Evidence(**{**vars(sure), "records": ignorant, "cache": {}})
    assert value("rmia_auc", sure) > 0.7
    assert value("rmia_auc", nothing) == pytest.approx(0.5, abs=0.15)


def test_unseen_examples_do_not_depend_on_the_order_of_rows():
    evidence, order = drawn_evidence(0), np.random.default_rng(0).permutation(N)
    own, sets = evidence.records, evidence.sets
    first = own.example_ids[unseen_alike(own, sets.forget, sets.forget_test, sets.test)]
    shuffled = own.where(order)
    masks = (mask[order] for mask in (sets.forget, sets.forget_test, sets.test))
    assert np.array_equal(first, shuffled.example_ids[unseen_alike(shuffled, *masks)])


def test_rmia_says_where_there_are_too_few_examples():
    with pytest.raises(NotApplicableError, match="fewer than 5 examples to forget"):
        value("rmia_auc", drawn_evidence(0, chosen=np.arange(N) < 4))


# Prototypes -----------------------------------------------------------------------------------


@given(seed=seeds)
@QUICK
def test_prototypes_classify_by_scipys_cosine_distance(seed):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(5, 6))
    labels = np.repeat(np.arange(5), 30)
    points = centres[labels] + random.normal(size=(150, 6))
    retain = labels < 3
    forget, unseen = ~retain & (np.arange(150) % 3 > 0), ~retain & (np.arange(150) % 3 == 0)
    found = prototype_accuracy(
        *((points[mask], labels[mask]) for mask in (retain, forget, unseen)), shown=19, draws=1
    )
    expected = []  # with 19 of 20 shown, one of each class is left: any that may be
    for left in np.flatnonzero(forget & (labels == 3)):
        for other in np.flatnonzero(forget & (labels == 4)):
            shown = forget & ~np.isin(np.arange(150), [left, other])
            means = np.stack(
                [points[(retain | shown) & (labels == name)].mean(axis=0) for name in range(5)]
            )
            asked = np.append(np.flatnonzero(unseen), [left, other])
            nearest = cdist(points[asked], means, metric="cosine").argmin(axis=1)
            expected.append(np.mean(nearest == labels[asked]))
    assert np.abs(np.array(expected) - found).min() < 1e-12


def test_prototypes_of_well_parted_classes_recognise_all():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    points = 10 * np.eye(3)[labels] + random.normal(size=(60, 3))
    parts = [(points[mask], labels[mask]) for mask in (labels < 2, labels == 2, labels == 2)]
    assert prototype_accuracy(*parts) == 1
    collapsed = [(np.ones_like(p), y) for p, y in parts]
    assert prototype_accuracy(*collapsed) == 0  # a tie is no recognition


def test_a_class_that_is_hidden_in_the_classifier_alone_comes_back_by_its_prototype(shipped):
    target, start = (value("prototype_forget", shipped[m]) for m in ("retrain", "original"))
    assert target < 0.5 < 0.95 < start
    for method in TRICKS:
        assert value("forget_accuracy", shipped[method]) == 0
        assert value("prototype_forget", shipped[method]) > start - 0.05


def test_prototypes_are_of_classes():
    with pytest.raises(NotApplicableError, match="only a class or a subclass"):
        value("prototype_forget", drawn_evidence(0, chosen=np.arange(N) < 40))


def test_a_class_of_five_examples_has_none_left_to_ask():
    with pytest.raises(ValueError, match="more than 5 examples"):
        prototype_accuracy(*[(np.ones((5, 2)), np.full(5, name)) for name in (0, 1, 1)])


# RF-JSD ---------------------------------------------------------------------------------------


def test_the_jensen_shannon_divergence_has_the_golden_value():
    assert jensen_shannon([[0.7, 0.2, 0.1]], [[0.1, 0.3, 0.6]]) == pytest.approx(0.230645, abs=1e-6)


@given(seed=seeds, by_class=st.booleans())
@QUICK
def test_rf_jsd_is_scipys_divergence_of_the_class_means(seed, by_class):
    evidence = drawn_evidence(seed, chosen=None if by_class else np.arange(N) < 40)
    sets, labels = evidence.sets, evidence.records.labels
    mine, theirs = (formulas.softmax(s.logits) for s in (evidence.records, evidence.original))
    of_test = sets.forget_test if by_class else sets.retain_test
    means = [
        [side[mask & (labels == c)].mean(axis=0) for c in np.unique(labels[sets.forget])]
        for side, mask in ((mine, sets.forget), (theirs, of_test))
    ]
    divergences = [jensenshannon(p, q) ** 2 for p, q in zip(*means, strict=True)]
    assert len(divergences) == (1 if by_class else CLASSES)
    assert jensen_shannon(*means) == pytest.approx(divergences, abs=1e-12)
    assert value("rf_jsd", evidence) == pytest.approx(np.mean(divergences), abs=1e-12)


def test_rf_jsd_needs_no_retrained_model_and_tells_the_original_from_it(shipped):
    alone = {
        method: Evidence(**{**vars(evidence), "retrained": None, "cache": {}})
        for method, evidence in shipped.items()
    }
    assert value("rf_jsd", alone["original"]) < 0.05
    assert value("rf_jsd", alone["retrain"]) > 0.5
    assert value("rf_jsd", alone["retrain"]) <= math.log(2)


def test_what_needs_no_retrained_model_stands_apart_as_weaker():
    groups = {name: METRICS[name].group for name in ("rf_jsd", "zrf")}
    assert len(set(groups.values())) == 1
    assert "weaker" in groups["zrf"]
