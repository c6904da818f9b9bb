"""Counts of answers by hand: four images of two classes to forget and to keep, two models."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from unlearn_core.records import Sets
from unlearn_core.views import predictions

IDS = np.array([4, 0, 2, 5, 1, 3])
LABELS = np.array([0, 0, 1, 1, 2, 2])  # of the recorded examples, in the order of IDS
SETS = Sets(  # over the data set: D_f = 0, 4 and 1; D_r = 2, 5; D_rt = 3
    forget=np.array([1, 1, 0, 0, 1, 0], bool),
    retain=np.array([0, 0, 1, 0, 0, 1], bool),
    forget_test=np.zeros(6, bool),
    retain_test=np.array([0, 0, 0, 1, 0, 0], bool),
)


def run(label, answers):
    predicted = SimpleNamespace(
        example_ids=IDS, labels=LABELS, predictions=np.array(answers),
        probabilities=np.eye(3)[answers],
    )  # fmt: skip
    config = SimpleNamespace(method="muda")
    return SimpleNamespace(label=label, config=config, predictions=lambda: predicted)


@pytest.fixture
def runs():
    return [run("A", [0, 1, 1, 1, 2, 0]), run("B", [2, 2, 1, 0, 1, 2])]


def test_answers_on_the_forget_set_are_counted_by_model(runs):
    cells = predictions.answer_cells(runs, SETS, "forget", 3)
    counts = cells.pivot_table(index="row", columns="column", values="n").to_numpy()
    assert counts.tolist() == [[1, 1, 1], [0, 1, 2]]
    assert cells.loc[cells["row"] == "B", "share"].tolist() == pytest.approx([0, 1 / 3, 2 / 3])


def test_matrix_counts_answers_by_true_class_and_shares_are_of_the_row(runs):
    cells = predictions.matrix_cells(runs[1], SETS, "all", 3)
    counts = cells.pivot_table(index="row", columns="column", values="n").to_numpy()
    assert counts.tolist() == [[0, 0, 2], [1, 1, 0], [0, 1, 1]]
    assert cells.loc[cells["row"] == 0, "share"].tolist() == [0, 0, 1]


def test_matrix_of_a_set_has_rows_for_its_own_classes_alone(runs):
    assert predictions.matrix_cells(runs[0], SETS, "retain", 3)["row"].unique().tolist() == [1]


def test_accuracy_is_of_each_class_of_the_half(runs):
    rows = predictions.class_rows(runs, SETS, "train", 3)
    of_a = rows[rows["label"] == "A"]
    assert of_a["accuracy"].tolist() == [0.5, 1.0, 1.0]
    assert of_a["n"].tolist() == [2, 2, 1]
    test = predictions.class_rows(runs, SETS, "test", 3)
    assert test[["label", "number", "accuracy"]].to_numpy().tolist() == [["A", 2, 0], ["B", 2, 1]]


def test_classes_that_differ_most_between_models_stay(runs):
    rows = predictions.class_rows(runs, SETS, "train", 3)
    assert set(predictions.most_changed(rows, 1)["number"]) == {2}
    alike = rows.assign(
        accuracy=[
            1.0 if n != 2 else a for n, a in zip(rows["number"], rows["accuracy"], strict=True)
        ]
    )
    assert set(predictions.most_changed(alike, 2)["number"]) == {2}
    assert set(predictions.most_changed(alike, 3)["number"]) == {0, 1, 2}
    one = rows[rows["label"] == "A"]  # a model alone differs from none
    assert len(predictions.most_changed(one, 2)["number"].unique()) == 2


def test_shares_of_answers_are_named(runs):
    shares = predictions.answered_shares(runs[0], SETS, ("a", "b", "c"))
    assert set(shares) == {"a", "b", "c"}
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("group", "label", "answer", "ids"),
    [
        ("all", 0, 1, [0]),
        ("all", None, 1, [0, 2, 5]),
        ("forget", 2, None, [1]),
        ("retain", 0, 0, []),
    ],
)
def test_a_cell_opens_its_examples(runs, group, label, answer, ids):
    assert predictions.cell_ids(runs[0], SETS, group, label, answer) == ids


def test_groups_without_an_example_are_left_out():
    assert predictions.groups_of(SETS) == ["forget", "retain", "retain_test", "all"]


def test_a_class_is_forgotten_where_none_of_its_images_stays():
    labels = np.array([0, 2, 1, 2, 0, 1])
    assert predictions.forgotten_classes(labels, SETS) == [0, 2]


def test_cells_carry_what_they_stand_for(runs):
    cells = predictions.answer_cells(runs, SETS, "forget", 3)
    figure = predictions.grid_figure(cells, ["A", "B"], ["x", "y", "z"], upright="")
    points = figure.data[1]
    assert [list(pair) for pair in points.customdata][:4] == [
        ["A", 0],
        ["A", 1],
        ["A", 2],
        ["B", 0],
    ]
    assert list(points.text) == ["1", "1", "1", "", "1", "2"]
    assert points.hovertext[5] == "B → z: 2 (66.7%)"


@pytest.mark.parametrize(
    ("opened", "corners"),
    [
        (("B", 2), (1.5, 2.5, 0.5, 1.5)),
        (("B", None), (-0.5, 2.5, 0.5, 1.5)),
        ((None, 0), (-0.5, 0.5, -0.5, 1.5)),
        ((None, None), None),
        (("C", 1), None),  # a model that is not drawn
        (("A", 7), None),
    ],
)
def test_the_opened_cell_row_or_column_is_framed(runs, opened, corners):
    cells = predictions.answer_cells(runs, SETS, "forget", 3)
    figure = predictions.grid_figure(cells, ["A", "B"], list("xyz"), upright="", opened=opened)
    found = [(each.x0, each.x1, each.y0, each.y1) for each in figure.layout.shapes]
    assert found == ([corners] if corners else [])


def test_outputs_that_are_no_class_are_counted_nowhere(runs):
    recorded = runs[0].predictions()
    none = SimpleNamespace(**{**vars(recorded), "predictions": np.full_like(recorded.labels, -1)})
    run = SimpleNamespace(label="A", predictions=lambda: none)
    assert predictions.answered_shares(run, SETS, list("xyz")) == dict.fromkeys("xyz", 0.0)


def test_of_many_classes_those_are_drawn_that_some_model_answers_most():
    counts = {"A": np.zeros(77, int), "B": np.zeros(77, int)}
    counts["A"][43], counts["B"][[5, 60]] = 10, [4, 6]
    counts["A"][43] -= 1
    counts["A"][7] = 1
    cells = predictions._cells(counts)
    often = predictions.most_answered(cells, most=3)
    assert sorted(often["column"].unique()) == [5, 43, 60]
    figure = predictions.grid_figure(often, ["A", "B"], [f"c{n}" for n in range(77)], upright="")
    assert list(figure.layout.xaxis.ticktext) == ["c5", "c43", "c60"]
    points = figure.data[1]
    assert points.x[1] == 1
    assert list(points.customdata[1]) == ["A", 43]
    assert points.hovertext[1] == "A → c43: 9 (90.0%)"


def test_few_classes_or_as_many_rows_are_drawn_whole():
    few = predictions._cells({"A": np.array([1, 0, 2])})
    assert predictions.most_answered(few) is few
    diagonal = predictions._cells({number: np.eye(30, dtype=int)[number] for number in range(30)})
    assert predictions.most_answered(diagonal) is diagonal


def test_the_most_frequent_wrong_answer_is_told_by_model():
    runs = [
        run("A", [1, 2, 1, 1, 2, 1]),
        run("B", [0, 0, 1, 0, 2, 2]),
        run("C", [2, 2, 1, 0, 1, 2]),
    ]
    forget = np.array([1, 0, 0, 0, 1, 1], bool)  # 4, 0 and 5, of which two are labelled 0
    sets = replace(SETS, forget=forget, retain=~forget, retain_test=np.zeros(6, bool))
    cells = predictions.answer_cells(runs, sets, "forget", 3)
    told = predictions.wrong_answers_text(cells, 0, ["x", "y", "z"])
    assert told == "Most frequent wrong answer: A says **y** to 67%, C says **z** to 67%."
    assert predictions.wrong_answers_text(cells[cells["row"] == "B"], 0, ["x", "y", "z"]) == ""


def test_a_group_has_one_label_or_several():
    labels = np.array([1, 1, 0, 1, 0, 1])  # by id; D_f is 0, 1 and 4, D_r 2 and 5
    assert predictions.only_label(labels, SETS, "forget") is None
    assert predictions.only_label(np.array([1, 1, 0, 1, 1, 1]), SETS, "forget") == 1
