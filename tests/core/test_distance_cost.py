"""Activation and feature distances, accuracy, speed-up and relative cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from unlearn_core.metrics.accuracy import accuracy
from unlearn_core.metrics.cost import speedup
from unlearn_core.metrics.distance import (
    activation_distance,
    feature_distance,
    layer_distances,
    relative_to,
)
from unlearn_core.records import softmax

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
OPPOSITE = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])


@pytest.mark.parametrize(("norm", "expected"), [("l2", 0.707107), ("l1", 1.0)])
def test_activation_distance_of_an_opposite_and_an_equal_pair_is_golden(norm, expected):
    assert activation_distance(*OPPOSITE, norm=norm) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("norm", "expected"), [("l2", 0.787401), ("l1", 1.2)])
def test_activation_distance_of_three_classes_is_golden(norm, expected):
    a, b = np.array([[0.7, 0.2, 0.1]]), np.array([[0.1, 0.3, 0.6]])
    assert activation_distance(a, b, norm=norm) == pytest.approx(expected, abs=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 10), k=st.integers(2, 6))
@QUICK
def test_activation_distance_equals_its_formula_and_stays_in_bounds(seed, n, k):
    random = np.random.default_rng(seed)
    a, b = (softmax(5 * random.normal(size=(n, k))) for _ in range(2))
    l2 = np.mean([np.sqrt(sum((x - y) ** 2)) for x, y in zip(a, b, strict=True)])
    l1 = np.mean([sum(abs(x - y)) for x, y in zip(a, b, strict=True)])
    assert activation_distance(a, b) == pytest.approx(l2, abs=1e-12)
    assert activation_distance(a, b, norm="l1") == pytest.approx(l1, abs=1e-12)
    assert 0 <= l2 <= np.sqrt(2)
    assert 0 <= l1 <= 2
    assert activation_distance(a, a) == 0


@pytest.mark.parametrize(
    ("a", "b", "norm", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 4)), "l2", "same shape"),
        (np.ones(3), np.ones(3), "l2", "`probabilities_a` must have shape"),
        (np.ones((0, 3)), np.ones((0, 3)), "l2", "`probabilities_a` must have shape"),
        (np.ones((2, 3)), np.ones((2, 3)), "l3", '`norm` must be "l2" or "l1", got \'l3\''),
    ],
)
def test_activation_distance_names_the_bad_argument(a, b, norm, message):
    with pytest.raises(ValueError, match=message):
        activation_distance(a, b, norm=norm)


@given(seed=st.integers(0, 10**6), n_layers=st.integers(1, 4))
@QUICK
def test_feature_distance_adds_up_the_layers_mean_absolute_differences(seed, n_layers):
    random = np.random.default_rng(seed)
    shapes = [(3, *random.integers(1, 4, size=random.integers(1, 4))) for _ in range(n_layers)]
    a = [random.normal(size=shape) for shape in shapes]
    b = [random.normal(size=shape) for shape in shapes]
    each = [abs(x - y).mean() for x, y in zip(a, b, strict=True)]
    relative = [d / abs(y).mean() for d, y in zip(each, b, strict=True)]
    assert layer_distances(a, b) == pytest.approx(each)
    assert feature_distance(a, b) == pytest.approx(sum(each))
    assert feature_distance(a, b, relative=True) == pytest.approx(sum(relative), rel=1e-6)
    assert relative_to(b[0], each[0]) == pytest.approx(relative[0], rel=1e-6)


def test_feature_distance_does_not_grow_with_the_size_of_a_layer():
    small = feature_distance([np.zeros((2, 3))], [np.ones((2, 3))])
    large = feature_distance([np.zeros((2, 30, 4, 4))], [np.ones((2, 30, 4, 4))])
    assert small == large == 1


def test_relative_feature_distance_to_a_silent_layer_is_finite():
    assert np.isfinite(feature_distance([np.ones((2, 3))], [np.zeros((2, 3))], relative=True))


@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([np.ones((1, 2))], []), ([np.ones((1, 2))], [np.ones((1, 3))])]
)
def test_feature_distance_refuses_layers_that_differ(a, b):
    with pytest.raises(ValueError, match="layer"):
        feature_distance(a, b)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 20))
@QUICK
def test_accuracy_equals_scikit_learn(seed, n):
    random = np.random.default_rng(seed)
    predictions, labels = random.integers(0, 3, (2, n))
    assert accuracy(predictions, labels) == pytest.approx(accuracy_score(labels, predictions))


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((0,), (0,)), ((2, 2), (2, 2))])
def test_accuracy_names_the_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match=r"same shape|`predictions` must have shape"):
        accuracy(np.zeros(shapes[0], dtype=int), np.zeros(shapes[1], dtype=int))


def test_speedup_is_golden_and_the_reciprocal_of_the_relative_cost():
    assert speedup(1.7, 100.0) == pytest.approx(58.823529, abs=1e-6)
    assert 1 / speedup(1.7, 100.0) == pytest.approx(0.017, abs=1e-12)


@pytest.mark.parametrize("seconds", [(0, 1), (1, 0), (-1, 1)])
def test_speedup_refuses_durations_that_are_not_above_zero(seconds):
    with pytest.raises(ValueError, match="above 0"):
        speedup(*seconds)
