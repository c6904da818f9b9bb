"""Membership attacks (docs/golden.md M1-M3) and linear probes, against scikit-learn."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from tests import formulas
from unlearn_core.metrics.membership import (
    DRAWS,
    MOST_PER_SIDE,
    entropy,
    membership_rate,
    membership_rates,
    modified_entropy,
)
from unlearn_core.metrics.probing import linear_probe_accuracy
from unlearn_core.records import softmax

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
MEMBERS, OTHERS = np.full(40, 0.1), np.full(10, 1.0)


def rate(score, **options):
    return membership_rate(MEMBERS, OTHERS, np.array([score]), **options)


def test_entropies_have_the_golden_values():
    p, y = np.array([[0.7, 0.2, 0.1]]), np.array([0])
    assert entropy(p) == pytest.approx([0.801819], abs=1e-6)
    assert modified_entropy(p, y) == pytest.approx([0.162167], abs=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 10), k=st.integers(2, 6))
@QUICK
def test_entropies_equal_their_formulas(seed, n, k):
    random = np.random.default_rng(seed)
    p, y = softmax(3 * random.normal(size=(n, k))), random.integers(0, k, n)
    assert entropy(p) == pytest.approx(formulas.entropy(p), abs=1e-12)
    expected = [
        -(1 - row[label]) * np.log(row[label])
        - sum(row[j] * np.log(1 - row[j]) for j in range(k) if j != label)
        for row, label in zip(p, y, strict=True)
    ]
    assert modified_entropy(p, y) == pytest.approx(expected, abs=1e-9)


def test_entropies_of_certain_predictions_are_finite():
    p = np.eye(3, dtype=np.float32)
    assert entropy(p) == pytest.approx([0, 0, 0])
    assert np.isfinite(modified_entropy(p, np.array([0, 0, 0]))).all()
    assert modified_entropy(p, np.array([0, 1, 2])) == pytest.approx([0, 0, 0])


def test_the_unbalanced_svc_decides_between_0_55_and_0_60():
    assert rate(0.55, attack="svc", balanced=False) == 1
    assert rate(0.60, attack="svc", balanced=False) == 0


def test_the_unbalanced_logistic_regression_leans_to_the_larger_side():
    assert rate(0.8189 - 0.005, attack="logistic", balanced=False) == 1
    assert rate(0.8189 + 0.005, attack="logistic", balanced=False) == 0


def test_the_balanced_logistic_regression_decides_in_the_middle():
    assert rate(0.54, attack="logistic") == 1
    assert rate(0.56, attack="logistic") == 0


@pytest.mark.parametrize("attack", ["svc", "logistic"])
def test_a_useless_score_calls_all_members_unless_the_sides_are_balanced(attack):
    random = np.random.default_rng(0)
    members, others, targets = (random.normal(size=n) for n in (5000, 1000, 500))
    unbalanced = membership_rate(members, others, targets, attack=attack, balanced=False)
    balanced = membership_rate(members, others, targets, attack=attack)
    assert unbalanced == 1
    assert balanced == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(
    ("attack", "model"), [("svc", SVC(C=3, gamma="auto")), ("logistic", LogisticRegression())]
)
def test_the_unbalanced_attack_equals_scikit_learn(attack, model):
    random = np.random.default_rng(1)
    members, others, targets = (random.normal(m, size=n) for m, n in ((0, 60), (1.5, 45), (1, 80)))
    model.fit(np.concatenate([members, others])[:, None], np.repeat([1, 0], [60, 45]))
    expected = model.predict(targets[:, None]).mean()
    value = membership_rate(members, others, targets, attack=attack, balanced=False)
    assert 0 < value < 1
    assert value == pytest.approx(expected)


def test_the_balanced_attack_repeats_with_its_seed():
    random = np.random.default_rng(2)
    scores = [random.normal(m, size=n) for m, n in ((0, 90), (0.5, 30), (0.2, 41))]
    values = [membership_rate(*scores, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert values[0] == values[1]
    assert len(set(values)) > 1


def test_balanced_sides_are_capped_so_that_the_attack_stays_quick(monkeypatch):
    sizes = []
    monkeypatch.setitem(MOST_PER_SIDE, "svc", 7)
    monkeypatch.setattr(
        "unlearn_core.metrics.membership._attack",
        lambda members, others, *_: sizes.append((len(members), len(others))) or 0.0,
    )
    membership_rate(np.zeros(20), np.ones(30), np.ones(3))
    assert sizes == [(7, 7)] * DRAWS["svc"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"retain_scores": np.ones((2, 2, 2))}, "`retain_scores` must have shape"),
        ({"test_scores": np.array([])}, "`test_scores` must have shape"),
        ({"forget_scores": np.array([np.inf, 1])}, "`forget_scores` has 1 non-finite"),
        ({"attack": "forest"}, '`attack` must be "svc" or "logistic", got \'forest\''),
    ],
)
def test_membership_rate_names_the_bad_argument(changed, message):
    scores = dict.fromkeys(("retain_scores", "test_scores", "forget_scores"), np.arange(4.0))
    arguments = {**scores, **changed}
    with pytest.raises(ValueError, match=message):
        membership_rate(**arguments)


def test_the_linear_probe_equals_standardised_logistic_regression():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    features = np.hstack([random.normal(size=(90, 3)) + labels[:, None], np.full((90, 1), 5.0)])
    features[:, 1] *= 1000  # what standardising is for
    train = np.arange(90) % 3 != 0
    mean, std = features[train].mean(axis=0), features[train].std(axis=0)
    scaled = (features - mean) / np.where(std > 0, std, 1)
    model = LogisticRegression(max_iter=1000).fit(scaled[train], labels[train])
    expected = model.score(scaled[~train], labels[~train])
    parts = features[train], labels[train], features[~train], labels[~train]
    value = linear_probe_accuracy(*parts)
    assert 1 / 3 < value < 1
    assert value == pytest.approx(expected)
    assert value == linear_probe_accuracy(*parts, seed=5)


@pytest.mark.parametrize(
    ("train", "labels", "message"),
    [
        (np.ones((2, 3)), np.array([1, 1]), "at least two classes, got only 1"),
        (np.ones((2, 3)), np.array([1, 2, 3]), "`train_labels` must have shape"),
        (np.ones((0, 3)), np.array([], dtype=int), "`train_features` must have shape"),
    ],
)
def test_the_linear_probe_names_the_bad_argument(train, labels, message):
    with pytest.raises(ValueError, match=message):
        linear_probe_accuracy(train, labels, np.ones((1, 3)), np.array([1]))


def test_a_probe_that_ends_early_says_nothing():
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(60, 5)), np.arange(60) % 3
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr(
            "sklearn.linear_model.LogisticRegression",
            lambda **_: LogisticRegression(max_iter=1),
        )
        assert 0 <= linear_probe_accuracy(features, labels, features, labels) <= 1


def test_one_draw_that_is_turned_around_hardly_moves_the_rate(monkeypatch):
    rates = iter([0.9, *[0.1] * 24])
    monkeypatch.setattr("unlearn_core.metrics.membership._attack", lambda *_: next(rates))
    random = np.random.default_rng(0)
    value = membership_rate(*random.normal(size=(3, 20)), attack="logistic")
    assert value == pytest.approx(0.1 + 0.8 / 25)


@pytest.mark.parametrize(
    ("attack", "model", "n"), [("svc", SVC, 9), ("logistic", LogisticRegression, 25)]
)
def test_each_draw_is_an_attack_of_its_own(attack, model, n):
    random = np.random.default_rng(1)
    retain, test, forget = (random.normal(m, size=k) for m, k in ((0, 20), (1, 20), (0.5, 30)))
    rates = membership_rates(retain, test, forget, attack=attack)
    options = {"C": 3, "gamma": 1.0} if attack == "svc" else {}
    fitted = model(**options).fit(np.concatenate([retain, test])[:, None], np.repeat([1, 0], 20))
    assert rates == pytest.approx(np.full(n, fitted.predict(forget[:, None]).mean()))  # all drawn
    assert membership_rate(retain, test, forget, attack=attack) == pytest.approx(rates.mean())
