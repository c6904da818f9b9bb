"""What changed in feature space, on seven examples in a plane and on clusters."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from unlearn_core.records import Records
from unlearn_core.views.manifold import neighbourhoods
from unlearn_core.views.manifold.linear import linear_places, with_places
from unlearn_core.views.manifold.neighbourhoods import changes, groups, with_changes

RANDOM = np.random.default_rng(0)
MAP = "projection-1.parquet"


def near_of(features, ids=None):
    ids = np.arange(len(features)) if ids is None else np.asarray(ids)
    return neighbourhoods.neighbourhoods(run_of(features, ids))


def run_of(features, ids):
    """Return a run whose records lie in descending order and whose map misses none of them."""
    back = slice(None, None, -1)
    n = len(ids)
    records = Records(
        example_ids=ids[back], labels=np.zeros(n, int), is_train=np.ones(n, bool),
        logits=np.zeros((n, 2), "f4"), features=np.asarray(features, "f4")[back],
    )  # fmt: skip
    return SimpleNamespace(
        records=lambda: records, map_facts={"file": MAP},
        table=lambda name: pd.DataFrame({"example_id": ids}),
    )  # fmt: skip


def around(angle, n, spread=0.02):
    """Return unit vectors around an angle in degrees."""
    angles = np.deg2rad(angle) + spread * RANDOM.normal(size=n)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_neighbours_are_ids_of_the_data_set_and_not_rows():
    near = near_of([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], ids=[10, 20, 30, 40])
    assert near.of(10, 1) == [20]
    assert near.of(40, 2) == [30, 20]
    assert near.of(11, 3) == []
    assert near.of(99, 3) == []


@pytest.mark.parametrize("features", [np.full((3, 2), np.nan), np.empty((3, 0))])
def test_without_usable_features_nothing_is_known(features):
    assert near_of(features) is None


def test_an_example_that_went_elsewhere_has_new_neighbours_and_moved():
    features = np.concatenate([around(0, 5), around(90, 5)])
    after = features.copy()
    after[0] = [0, 1]
    table = changes(near_of(after), near_of(features), 3).set_index("example_id")
    assert table.loc[0, "new_neighbours"] == 1
    assert table.loc[0, "moved"] == pytest.approx(np.sqrt(2), abs=0.1)
    assert table.loc[1:4, "moved"].tolist() == [0] * 4


def test_examples_that_only_one_map_shows_are_left_out():
    table = changes(near_of(np.eye(3), [1, 2, 3]), near_of(np.eye(3), [2, 3, 4]), 2)
    assert table["example_id"].tolist() == [2, 3]


def test_what_is_not_known_stays_missing_in_the_point_table():
    points = pd.DataFrame({"run": ["a", "a", "b"], "example_id": [0, 1, 0]})
    known = pd.DataFrame({"example_id": [0], "new_neighbours": [0.5], "moved": [2.0]})
    table = with_changes(points, {"a": known})
    assert table["new_neighbours"].tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert with_changes(points, {})["moved"].isna().all()


def points_of(n, **columns):
    return pd.DataFrame({"example_id": np.arange(n), "set": "forget", "prediction": 1, **columns})


def data(labels):
    return SimpleNamespace(labels=np.asarray(labels), class_names=("cat", "dog"))


def test_examples_that_went_from_one_class_to_another_are_one_group():
    stayed = np.concatenate([around(0, 20), around(90, 20)])
    labels = [0] * 20 + [1] * 20 + [0] * 8
    before = near_of(np.concatenate([stayed, around(0, 8)]))
    after = near_of(np.concatenate([stayed, around(90, 8, spread=0.1)]))
    [group, *others] = groups(after, before, points_of(48), data(labels), k=15, least=0.5)
    assert group.ids == tuple(range(40, 48))
    assert group.words == (
        "8 examples from among class cat to among class dog: 8 to forget (D_f); answered dog (8)"
    )
    assert not others


def test_a_few_that_went_elsewhere_are_no_group():
    stayed = np.concatenate([around(0, 20), around(90, 20)])
    before = near_of(np.concatenate([stayed, around(0, 4)]))
    after = near_of(np.concatenate([stayed, around(90, 4)]))
    labels = [0] * 20 + [1] * 20 + [0] * 4
    assert groups(after, before, points_of(44), data(labels), k=15, least=0.5) == []


def test_where_nothing_changed_no_group_is_suggested():
    near = near_of(around(0, 20))
    assert groups(near, near, points_of(20), data([0] * 20), k=5, least=0.5) == []


def test_linear_places_are_those_of_a_singular_value_decomposition():
    features = RANDOM.normal(size=(50, 6)) * [5, 3, 2, 1, 0.5, 0.1]
    places, share = linear_places(near_of(features))
    values = np.linalg.eigvalsh(np.cov(features.astype("f4").T))[::-1]
    assert share == pytest.approx(values[:3].sum() / values.sum(), rel=1e-5)
    assert (places[["pc1", "pc2", "pc3"]] ** 2).sum(axis=1).mean() == pytest.approx(1)
    spread = places[["pc1", "pc2", "pc3"]].var().to_numpy()
    np.testing.assert_allclose(spread / spread.sum(), values[:3] / values[:3].sum(), rtol=1e-4)


def test_a_turned_and_scaled_copy_lies_on_the_model_that_it_is_turned_onto():
    features = RANDOM.normal(size=(40, 3)) * [3, 2, 1]
    turn, _ = np.linalg.qr(RANDOM.normal(size=(3, 3)))
    onto, _ = linear_places(near_of(features))
    turned, _ = linear_places(near_of(7 * features @ turn), onto)
    np.testing.assert_allclose(turned.to_numpy(), onto.to_numpy(), atol=1e-4)


def test_directions_beyond_the_features_are_flat_and_runs_without_features_have_no_place():
    places, share = linear_places(near_of([[1.0, 0], [0, 1], [2, 2]]))
    assert places["pc3"].tolist() == [0, 0, 0]
    assert share == pytest.approx(1)
    points = pd.DataFrame({"run": ["a", "b"], "example_id": [0, 0]})
    assert with_places(points, {"a": places})["pc1"].isna().tolist() == [False, True]
    assert with_places(points, {})["pc1"].isna().all()
