"""Maps: seeded, aligned, exact neighbours, and trustworthiness against scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.neighbors import NearestNeighbors

from unlearn_core.projection import (
    ProjectionConfig,
    align,
    exact_neighbours,
    map_rows,
    place,
    project,
    trustworthiness,
)

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
FEW_EPOCHS = ProjectionConfig(epochs=10, n_neighbors=5)


def clusters(seed=0, n=60, d=6):
    random = np.random.default_rng(seed)
    centres = 20 * np.eye(3, d)[np.arange(n) % 3]
    return (random.normal(size=(n, d)) + centres).astype(np.float32)


@given(
    seed=st.integers(0, 10**6),
    angle=st.floats(0, 2 * np.pi),
    mirrored=st.booleans(),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
)
@QUICK
def test_align_recovers_a_turned_mirrored_and_shifted_layout(seed, angle, mirrored, shift):
    reference = np.random.default_rng(seed).normal(size=(20, 2)).astype(np.float32)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn = turn @ np.diag([1, -1])
    moved = (reference @ turn + np.array(shift)).astype(np.float32)
    assert align(moved, reference) == pytest.approx(reference, abs=1e-4)


def test_align_keeps_distances_and_does_not_scale():
    random = np.random.default_rng(0)
    layout = random.normal(size=(30, 2)).astype(np.float32)
    reference = (5 * random.normal(size=(30, 2)) + 3).astype(np.float32)
    aligned = align(layout, reference)

    def apart(points):
        return np.linalg.norm(points[:, None] - points[None], axis=-1)

    assert apart(aligned) == pytest.approx(apart(layout), abs=1e-4)
    assert aligned.mean(axis=0) == pytest.approx(reference.mean(axis=0), abs=1e-4)
    before = np.square(layout + reference.mean(axis=0) - layout.mean(axis=0) - reference).sum()
    assert np.square(aligned - reference).sum() < before


@given(seed=st.integers(0, 10**6), n=st.integers(3, 30), k=st.integers(1, 8))
@QUICK
def test_exact_neighbours_equal_scikit_learn(seed, n, k):
    points = np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32)
    indices, distances = exact_neighbours(points, points, k)
    search = NearestNeighbors(n_neighbors=min(k, n), algorithm="brute").fit(points)
    expected, where = search.kneighbors(points)
    assert (indices == where).all()
    assert distances == pytest.approx(expected, abs=1e-3)
    assert (distances[:, 0] == 0).all()
    assert (indices[:, 0] == np.arange(n)).all()


def test_neighbours_of_many_queries_are_found_in_parts():
    random = np.random.default_rng(0)
    queries, points = random.normal(size=(4100, 2)), random.normal(size=(5, 2))
    indices, distances = exact_neighbours(queries, points, 9)
    expected = np.linalg.norm(queries[:, None] - points[None], axis=-1)
    assert indices.shape == distances.shape == (4100, 5)
    assert (indices == expected.argsort(axis=1)).all()


def test_the_same_seed_gives_the_same_map_and_another_seed_another_one():
    features = clusters()
    first, again = (project(features, FEW_EPOCHS) for _ in range(2))
    assert first.shape == (60, 2)
    assert first.dtype == np.float32
    assert (first == again).all()
    other = project(features, ProjectionConfig(epochs=10, n_neighbors=5, seed=1))
    assert not np.allclose(first, other)


def test_a_map_keeps_clusters_apart_and_can_start_from_a_layout():
    features = clusters()
    start = project(features, ProjectionConfig(epochs=50, n_neighbors=5))
    near = NearestNeighbors(n_neighbors=4).fit(start).kneighbors()[1]
    assert (near % 3 == (np.arange(60) % 3)[:, None]).all()
    moved = project(features, FEW_EPOCHS, init=start, epochs=1)
    assert np.linalg.norm(align(moved, start) - start, axis=1).max() < 5


def test_drawing_a_map_leaves_torchs_thread_count_as_it_was():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        project(clusters(n=20), FEW_EPOCHS)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("n", [4, 5])
def test_a_map_of_very_few_examples_is_finite(n):
    layout = project(clusters(n=n), FEW_EPOCHS, init=np.eye(n, 2, dtype=np.float32))
    assert np.isfinite(layout).all()


def test_too_few_examples_and_non_finite_features_are_refused():
    with pytest.raises(ValueError, match="at least 4 examples, got 3"):
        project(clusters(n=3), FEW_EPOCHS)
    broken = clusters()
    broken[7, 1] = np.nan
    with pytest.raises(ValueError, match="finite features"):
        project(broken, FEW_EPOCHS)


@pytest.mark.parametrize("n_neighbors", [3, 15])
def test_trustworthiness_equals_scikit_learn(n_neighbors):
    random = np.random.default_rng(0)
    features, layout = random.normal(size=(50, 8)), random.normal(size=(50, 2))
    value = trustworthiness(features, layout, n_neighbors)
    expected = sklearn_trustworthiness(features, layout, n_neighbors=n_neighbors)
    assert value == pytest.approx(expected)
    assert 0 < value < 1
    assert trustworthiness(features[:, :2], features[:, :2], n_neighbors) == 1


def test_trustworthiness_is_undefined_for_too_few_examples():
    assert trustworthiness(np.ones((6, 2)), np.ones((6, 2)), 3) is None


def test_an_example_that_a_map_lacks_is_placed_among_its_nearest():
    known = np.array([[0.0], [1.0], [2.0], [100.0]])
    layout = np.array([[0, 0], [3, 0], [0, 3], [50, 50]], dtype=np.float32)
    assert place(np.array([[1.1]]), known, layout, 3)[0] == pytest.approx([1, 1])
    assert place(np.array([[99.0]]), known, layout, 1)[0] == pytest.approx([50, 50])
    assert place(np.empty((0, 1)), known, layout).shape == (0, 2)


def test_every_request_shares_the_base_sample_and_adds_what_it_misses():
    config = ProjectionConfig(max_examples=40)
    is_forget = np.arange(200) % 10 == 3
    base, none = map_rows(np.zeros(200, dtype=bool), config)
    same, extra = map_rows(is_forget, config)
    assert (base == same).all()
    assert len(base) == 40
    assert len(none) == 0
    assert (np.diff(base) > 0).all()
    assert len(extra) == 10  # at most a quarter as many
    assert is_forget[extra].all()
    assert not set(extra) & set(base)
    everything, nothing = map_rows(is_forget, ProjectionConfig(max_examples=200))
    assert (everything == np.arange(200)).all()
    assert len(nothing) == 0


def test_the_settings_of_a_map_have_a_key_of_their_own():
    keys = {
        ProjectionConfig().key(),
        ProjectionConfig(epochs=1).key(),
        ProjectionConfig(seed=1).key(),
    }
    assert len(keys) == 3
    assert all(len(key) == 8 for key in keys)
    assert ProjectionConfig().key() == ProjectionConfig().key()


def test_the_trustworthiness_of_a_large_map_is_near_that_of_all_its_examples():
    random = np.random.default_rng(0)
    features = random.normal(size=(2000, 6)).astype(np.float32)
    layout = features[:, :2] + random.normal(size=(2000, 2)).astype(np.float32)
    value = trustworthiness(features, layout)
    assert value == pytest.approx(
        sklearn_trustworthiness(features, layout, n_neighbors=15), abs=0.01
    )
    assert value == trustworthiness(features, layout)


def test_examples_at_one_place_of_a_map_count_once_each():
    random = np.random.default_rng(0)
    features = random.normal(size=(40, 3))
    layout = np.repeat(random.normal(size=(4, 2)), 10, axis=0)
    value = trustworthiness(features, layout, 3)
    assert 0 <= value < 1


@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_neighbours_in_a_crowd_far_away_are_those_of_the_differences(shift):
    random = np.random.default_rng(0)
    near = (
        1e-3 * random.normal(size=(200, 16)) + 50.0
    )  # the expanded formula cannot tell them apart
    points = np.concatenate([near, random.normal(size=(100, 16))]).astype(np.float32) + np.float32(
        shift
    )
    indices, distances = exact_neighbours(points, points, 5)
    exact = np.linalg.norm(points[:, None].astype(np.float64) - points[None], axis=-1)
    assert distances == pytest.approx(np.sort(exact, axis=1)[:, :5], rel=1e-4, abs=1e-6)
    assert np.take_along_axis(exact, indices.astype(int), 1) == pytest.approx(
        np.sort(exact, axis=1)[:, :5], rel=1e-4, abs=1e-6
    )


@pytest.mark.parametrize("scale", [1e-30, 1e25, 1e37])
def test_a_broken_networks_features_of_any_size_have_the_map_of_their_shape(scale):
    shape = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)
    power = np.float32(2.0 ** round(np.log2(scale)))  # so that scaling rounds nothing
    config = ProjectionConfig(epochs=5)
    usual, there = (project(features, config) for features in (shape, shape * power))
    np.testing.assert_array_equal(there, usual)
    assert trustworthiness(shape * power, there) == trustworthiness(shape, usual)
