"""Neighbours in feature space and what changed of them, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import jaccard_score
from sklearn.neighbors import NearestNeighbors

from unlearn_core.metrics import neighbourhoods
from unlearn_core.metrics.neighbourhoods import (
    nearest_rows,
    neighbourhood_change,
    relative_displacement,
)

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("at_once", [7, 1024])
def test_nearest_rows_are_those_of_scikit_learn(monkeypatch, at_once):
    monkeypatch.setattr(neighbourhoods, "ROWS_AT_ONCE", at_once)
    features = RANDOM.normal(size=(60, 5))
    search = NearestNeighbors(n_neighbors=9, metric="cosine").fit(features)
    expected = search.kneighbors(features, return_distance=False)[:, 1:]  # the first is itself
    np.testing.assert_array_equal(nearest_rows(features, 8), expected)


def test_no_example_is_its_own_neighbour_even_among_equal_ones():
    rows = nearest_rows(np.ones((4, 2)), 3)
    assert [sorted(row) for row in rows.tolist()] == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


def test_there_are_at_most_all_other_examples():
    assert nearest_rows(np.eye(3), 50).shape == (3, 2)
    assert nearest_rows(np.ones((1, 2)), 5).shape == (1, 0)


def test_a_vector_of_zeros_has_neighbours_too():
    assert nearest_rows(np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]), 2)[0].tolist() == [1, 2]


def test_one_of_three_neighbours_exchanged_is_a_change_of_a_half():
    assert neighbourhood_change(np.array([[1, 2, 3]]), np.array([[2, 3, 4]]))[0] == 0.5


def test_the_change_is_one_minus_scikit_learns_jaccard_score():
    before, after = (np.stack([RANDOM.permutation(20)[:6] for _ in range(30)]) for _ in range(2))
    masks = [np.zeros((30, 20), dtype=int) for _ in range(2)]
    for mask, rows in zip(masks, (before, after), strict=True):
        np.put_along_axis(mask, rows, 1, axis=1)
    expected = [1 - jaccard_score(a, b) for a, b in zip(*masks, strict=True)]
    np.testing.assert_allclose(neighbourhood_change(before, after), expected)


def test_the_order_of_neighbours_does_not_matter():
    assert neighbourhood_change(np.array([[3, 1, 2]]), np.array([[2, 3, 1]]))[0] == 0


def test_displacement_is_relative_to_the_size_before_and_unknown_for_zeros():
    moved = relative_displacement(
        np.array([[3.0, 4.0], [2.0, 0.0], [1.0, 1.0]]),
        np.array([[3.0, 0.0], [2.0, 0.0], [0.0, 0.0]]),
    )
    assert moved[:2].tolist() == pytest.approx([4 / 3, 0])
    assert np.isnan(moved[2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nearest_rows(np.array([[np.nan, 1.0]]), 1), "features"),
        (lambda: nearest_rows(np.eye(2), 0), "`n` must be at least 1, got 0"),
        (lambda: neighbourhood_change(np.ones((2, 3), int), np.ones((2, 4), int)), "got"),
        (lambda: neighbourhood_change(np.ones((2, 0), int), np.ones((2, 0), int)), "at least one"),
        (lambda: relative_displacement(np.eye(2), np.eye(3)), "must have one shape"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
