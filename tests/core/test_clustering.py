"""Clustering of the forget set: docs/golden.md, and the formula of mutual information."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, normalized_mutual_info_score

from tests.formulas import normalised_mutual_information
from unlearn_core.metrics.clustering import cluster_features, forget_cluster_scores

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


def test_scores_have_the_golden_values():
    scores = forget_cluster_scores(
        np.array([0, 0, 0, 1, 1, 1, 2, 2]), np.array([1, 1, 0, 0, 0, 1, 0, 0], dtype=bool)
    )
    assert scores.f1 == pytest.approx(0.666667, abs=1e-6)
    assert scores.nmi == pytest.approx(0.278398, abs=1e-6)
    assert scores.nmi_arithmetic == pytest.approx(0.211242, abs=1e-6)


def test_a_perfect_clustering_of_ten_classes_scores_one_only_with_the_smaller_entropy():
    clusters = np.repeat(np.arange(10), 7)
    scores = forget_cluster_scores(clusters, clusters == 4)
    assert scores.f1 == 1
    assert scores.nmi == pytest.approx(1, abs=1e-12)
    assert scores.nmi_arithmetic == pytest.approx(0.2474, abs=1e-4)


@given(seed=st.integers(0, 10**6), n=st.integers(2, 40), k=st.integers(2, 6))
@QUICK
def test_scores_equal_their_formulas(seed, n, k):
    random = np.random.default_rng(seed)
    clusters, forget = random.integers(0, k, n), random.random(n) < 0.4
    scores = forget_cluster_scores(clusters, forget)
    assert 0 <= scores.nmi <= 1
    best = max(f1_score(forget, clusters == c, zero_division=0) for c in np.unique(clusters))
    assert scores.f1 == pytest.approx(best, abs=1e-12)
    if forget.any() and not forget.all() and len(np.unique(clusters)) > 1:
        for value, average in ((scores.nmi, min), (scores.nmi_arithmetic, np.mean)):
            expected = normalised_mutual_information(forget, clusters, average)
            assert value == pytest.approx(expected, abs=1e-12)


def test_scores_ignore_the_order_of_examples_and_the_names_of_clusters():
    random = np.random.default_rng(0)
    clusters, forget = random.integers(0, 4, 50), random.random(50) < 0.3
    order = random.permutation(50)
    expected = forget_cluster_scores(clusters, forget)
    again = forget_cluster_scores(clusters[order], forget[order])
    renamed = forget_cluster_scores(clusters * -7 + 3, forget)
    assert again.f1 == renamed.f1 == expected.f1
    assert again.nmi == pytest.approx(expected.nmi, abs=1e-12)
    assert renamed.nmi == pytest.approx(expected.nmi, abs=1e-12)


@pytest.mark.parametrize(
    ("clusters", "forget", "f1"),
    [([0, 1, 2, 0], [0, 0, 0, 0], 0), ([0, 0, 0], [1, 0, 0], 0.5), ([0, 0], [1, 1], 1)],
)
def test_nmi_is_zero_where_an_entropy_is_zero(clusters, forget, f1):
    scores = forget_cluster_scores(np.array(clusters), np.array(forget, dtype=bool))
    assert scores.nmi == scores.nmi_arithmetic == 0
    assert scores.f1 == pytest.approx(f1)


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((0,), (0,)), ((2, 2), (2, 2))])
def test_scores_name_the_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match=r"same shape|`assignments` must have shape"):
        forget_cluster_scores(np.zeros(shapes[0], dtype=int), np.zeros(shapes[1], dtype=bool))


def test_k_means_finds_well_separated_clusters_and_repeats_them():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    features = random.normal(size=(60, 4)) + 50 * np.eye(4)[labels]
    first, second = (cluster_features(features, 3, seed=1) for _ in range(2))
    assert (first == second).all()
    assert normalized_mutual_info_score(labels, first) == pytest.approx(1)


def test_examples_that_all_lie_in_one_point_are_one_cluster_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (cluster_features(np.zeros((30, 4)), 3) == 0).all()
