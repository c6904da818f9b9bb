"""One example: its probabilities, neighbours and way, on arrays that are easy to see."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors

from unlearn_core.metrics.nearest import nearest_examples
from unlearn_core.records import Records, Sets
from unlearn_core.views import samples
from unlearn_core.views.examples import picture_caption, rows_of

SETS = Sets(
    forget=np.array([1, 0, 1, 0, 0, 1], bool),
    retain=np.array([0, 1, 0, 0, 0, 0], bool),
    forget_test=np.zeros(6, bool),
    retain_test=np.array([0, 0, 0, 1, 0, 0], bool),
)


def records(features, is_train):
    n = len(features)
    return Records(
        example_ids=np.arange(10, 10 + n), labels=np.zeros(n, np.int64),
        is_train=np.array(is_train, bool), logits=np.zeros((n, 2), np.float32),
        features=np.array(features, np.float32),
    )  # fmt: skip


def test_nearest_examples_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    features, query = random.normal(size=(50, 6)), random.normal(size=6)
    rows, cosines = nearest_examples(features, query, 5)
    known = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(features)
    distances, wanted = known.kneighbors(query[None])
    assert rows.tolist() == wanted[0].tolist()
    assert cosines == pytest.approx(1 - distances[0])


def test_a_vector_of_zeros_is_near_to_nothing():
    rows, cosines = nearest_examples(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([1.0, 0.0]), 2)
    assert rows.tolist() == [1, 0]
    assert cosines[1] == 0.0


def test_query_of_another_width_is_refused():
    with pytest.raises(ValueError, match="as many features"):
        nearest_examples(np.ones((2, 3)), np.ones(2), 1)


def test_neighbours_are_training_examples_other_than_itself():
    found = samples.neighbours(records([[1, 0], [1, 0.1], [1, 0], [0, 1]], [1, 1, 0, 1]), 10)
    assert found["example_id"].tolist() == [11, 13]


def test_neighbours_of_features_that_are_not_finite_are_none():
    assert samples.neighbours(records([[1, np.nan], [1, 0]], [1, 1]), 10).empty


def test_stepping_stays_in_the_set_and_goes_round():
    assert [samples.next_in_set(SETS, i, 1) for i in (0, 2, 5)] == [2, 5, 0]
    assert samples.next_in_set(SETS, 0, -1) == 5
    assert samples.next_in_set(SETS, 1, 1) == 1


def test_an_example_in_no_set_is_not_recorded():
    assert [samples.is_recorded(SETS, i) for i in (0, 3, 4, 99)] == [True, True, False, False]


def test_usual_example_is_one_to_forget():
    assert samples.usual_example(SETS, SETS) == 0


def test_of_examples_that_were_left_out_none_is_the_usual_one():
    kept = SETS.among(np.arange(1, len(SETS.forget)))
    assert samples.usual_example(SETS, kept) == int(np.flatnonzero(kept.forget)[0]) > 0


def run(label, probabilities):
    recorded = SimpleNamespace(example_ids=np.array([7, 3]), probabilities=probabilities)
    return SimpleNamespace(label=label, predictions=lambda: recorded)


def test_probabilities_are_of_the_example_in_every_model():
    runs = [run("A", np.array([[0.9, 0.1], [0.2, 0.8]])), run("B", np.array([[0.5, 0.5], [1, 0]]))]
    table = samples.probability_rows(runs, 3, ["cat", "dog"])
    assert table.loc["A"].tolist() == [0.2, 0.8]
    assert table.loc["B"].tolist() == [1.0, 0.0]


def test_of_many_classes_the_likeliest_stay_in_their_order():
    n = samples.MOST_CLASSES + 5
    row = np.zeros(n)
    row[[2, n - 1]] = 0.6, 0.4
    table = samples.probability_rows(
        [run("A", np.array([row, row]))], 7, [f"c{i}" for i in range(n)]
    )
    assert len(table.columns) == samples.MOST_CLASSES
    assert {"c2", f"c{n - 1}"} <= set(table.columns)


def test_classes_of_neighbours_are_counted():
    assert samples.neighbours_text(["9", "7", "9"]) == "2 x 9, 1 x 7"


def test_way_leads_from_the_first_step_to_the_last():
    steps = pd.DataFrame(
        {"step": [0, 0, 5, 5], "example_id": [1, 2, 1, 2], "x": [0.0, 1, 2, 3], "y": [0.0, 1, 2, 3]}
    )
    figure = samples.path_figure({"A": steps}, {1: 0, 2: 4}, 1, "forget")
    others, way = figure.data
    assert list(others.x) == [3]
    assert list(way.x) == [0, 2]
    assert list(way.text) == ["start", "end"]
    assert way.marker.symbol == "diamond"


def test_an_example_that_was_not_kept_is_named_and_no_other_shown_for_it():
    kept = np.array([7, 2, 9])
    assert rows_of(np.array([9, 7]), kept).tolist() == [2, 0]
    for missing in (3, 10):  # between others, and above all
        with pytest.raises(KeyError, match=f"example {missing} was not recorded"):
            rows_of(np.array([2, missing]), kept)


def test_classes_that_are_called_by_numbers_keep_their_columns():
    table = pd.DataFrame([[0.1, 0.7, 0.2]], index=["Original"], columns=["12", "2", "1"])
    axis = samples.probability_figure(table, "2").layout.xaxis
    assert list(axis.tickvals) == [0, 1, 2]
    assert list(axis.ticktext) == ["12", "<b>2</b>", "1"]
    assert axis.type is None


@pytest.mark.parametrize("kind", ["poisoned", "mislabelled"])
def test_a_label_that_is_no_class_is_not_called_one(kind):
    none, first = np.zeros(3, bool), np.array([True, False, False])
    dataset = SimpleNamespace(
        class_names=("seven", "eight"), labels=np.array([0, 0, 1]),
        **{"poisoned": None, "mislabelled": None, kind: first},
    )  # fmt: skip
    sets = Sets(forget=first, retain=~first, forget_test=none, retain_test=none)
    assert picture_caption(0, dataset, sets) == "id 0, labelled seven ◆"
    assert picture_caption(1, dataset, sets) == "id 1, class seven"
