"""Joining maps, records and sets; the numbers are small enough to check by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from unlearn_core.records import Records, Sets, TokenRecords
from unlearn_core.runs.artefact import ARRAYS, NO_CLASS, predictions_of
from unlearn_core.views.manifold import displacement, points, selection

MAP = "projection-1.parquet"
CLASSES = ("cat", "dog")
# examples 0, 1: forget (cat); 2, 3: retain; 4: forget_test; 5, 6: retain_test
LABELS = np.array([0, 0, 1, 1, 0, 1, 1])


def masks():
    ids = np.arange(7)
    return Sets(
        forget=ids < 2, retain=(ids > 1) & (ids < 4), forget_test=ids == 4, retain_test=ids > 4
    )


def run(key, predictions, *, shift=0.0, ids=range(7), facts=None, files=(MAP, ARRAYS)):
    """Return a run whose records lie in descending and whose map in ascending order of ids."""
    rows = np.array(sorted(ids, reverse=True))
    logits = np.zeros((len(rows), 2), dtype=np.float32)
    logits[np.arange(len(rows)), np.asarray(predictions)[rows]] = np.log(3)  # probability 3/4
    records = Records(
        example_ids=rows,
        labels=LABELS[rows],
        is_train=rows < 4,
        logits=logits,
        features=np.zeros((len(rows), 2), dtype=np.float32),
    )
    placed = np.array(sorted(ids))
    layout = pd.DataFrame(
        {"example_id": placed, "x": placed + 3 * shift, "y": 4 * shift, "own_x": 0.0, "own_y": 1.0}
    )
    known = {"file": MAP, "n_examples": len(placed), "seed": 0, "n_neighbors": 15}
    return SimpleNamespace(
        key=key,
        map_facts=known if facts is None else facts,
        has=lambda name: name in files,
        predictions=lambda: predictions_of(records),
        table=lambda name: layout,
    )


ORIGINAL = run("o", [0, 0, 1, 1, 0, 1, 0])  # wrong on 6
UNLEARNED = run("u", [1, 0, 1, 0, 1, 1, 0], shift=1.0)
NAMES = {"o": "Original", "u": "MUDA"}


def table():
    return points.join([points.run_points(r, masks(), ORIGINAL) for r in (ORIGINAL, UNLEARNED)])


def of(key):
    return table().query("run == @key").set_index("example_id")


def test_predictions_meet_their_positions_whatever_the_order_of_the_records():
    rows = of("u")
    assert rows["x"].tolist() == [3, 4, 5, 6, 7, 8, 9]
    assert rows["prediction"].tolist() == [1, 0, 1, 0, 1, 1, 0]
    assert rows["probability"].to_numpy() == pytest.approx(0.75)
    assert rows["label_probability"].tolist() == pytest.approx(
        [0.25, *[0.75] * 2, 0.25, 0.25, 0.75, 0.25]
    )
    assert rows["set"].tolist() == [
        *["forget"] * 2, *["retain"] * 2, "forget_test", *["retain_test"] * 2
    ]  # fmt: skip


def test_states_tell_forgotten_recognised_and_collateral():
    assert of("u")["state"].tolist() == [
        "forgotten", "recognised", "other", "collateral", "forgotten", "other", "other"
    ]  # fmt: skip
    assert of("o")["state"].tolist() == [
        "recognised", "recognised", "other", "other", "recognised", "other", "other"
    ]  # fmt: skip


def test_without_the_original_nothing_counts_as_collateral():
    rows = points.run_points(UNLEARNED, masks(), None)
    assert "collateral" not in rows["state"].tolist()


@pytest.mark.parametrize(
    ("mode", "ids"),
    [
        ("all", [0, 1, 2, 3, 4, 5, 6]),
        ("forget", [0, 1, 4]),
        ("forgotten", [0, 4]),
        ("recognised", [1]),
        ("collateral", [3]),
    ],
)
def test_a_highlight_brings_out_its_examples(mode, ids):
    rows = of("u")
    assert rows.index[points.is_highlighted(rows, mode)].tolist() == ids


def test_counts_name_how_many_of_which():
    assert (
        points.highlight_counts(table(), "forgotten", "both")["u"] == "correctly forgotten: 2 of 3"
    )
    assert (
        points.highlight_counts(table(), "forgotten", "train")["u"] == "correctly forgotten: 1 of 2"
    )
    assert points.highlight_counts(table(), "collateral", "both")["u"] == "collateral: 1 of 4"
    assert points.highlight_counts(table(), "all", "test")["o"] == "3 examples"


def test_only_shared_examples_are_joined():
    part = points.run_points(run("p", LABELS, ids=[0, 2, 6]), masks(), ORIGINAL)
    whole = points.run_points(ORIGINAL, masks(), ORIGINAL)
    joined = points.join([whole, part])
    assert joined.groupby("run")["example_id"].apply(list).to_dict() == {
        "o": [0, 2, 6],
        "p": [0, 2, 6],
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"facts": {"file": None, "reason": "umap-learn is not installed"}}, "not installed"),
        ({"files": (ARRAYS,)}, "map is not among the files"),
        ({"files": (MAP,)}, "recorded outputs are not among the files"),
    ],
)
def test_a_run_without_a_map_says_why(changes, reason):
    assert reason in points.missing_map(run("r", LABELS, **changes))
    assert points.missing_map(ORIGINAL) is None


def test_the_selection_shows_every_model_s_prediction():
    rows = selection.selection_table(table(), [3, 0], NAMES, CLASSES)
    assert rows["id"].tolist() == [0, 3]
    assert rows["label"].tolist() == ["cat", "dog"]
    assert rows["Original"].tolist() == ["cat", "dog"]
    assert rows["MUDA"].tolist() == ["dog", "cat"]
    assert rows["MUDA p"].tolist() == pytest.approx([0.75, 0.75])


def test_the_export_has_sets_and_positions():
    rows = selection.export_table(table(), [3, 4], NAMES, CLASSES)
    assert rows["set"].tolist() == ["retain", "forget_test"]
    assert rows["MUDA: x"].tolist() == [6, 7]
    assert rows["Original: predicted"].tolist() == ["dog", "cat"]


def test_only_training_examples_can_be_forgotten():
    assert selection.training_ids(table(), [6, 3, 0, 4]) == [0, 3]


def test_selection_words_count_each_set():
    words = selection.selection_words(table(), [0, 1, 2])
    assert words == "3 selected: 2 to forget (D_f), 1 to keep (D_r)"


def changed_table():
    points_of_both = table()
    shares = np.linspace(0, 1, 7)
    is_changed = points_of_both["run"] == "u"
    points_of_both["new_neighbours"] = np.where(is_changed, [*shares, *shares], 0.0)
    return points_of_both.assign(moved=[*np.zeros(7), 1.0, 7.0, 2.0, 0.0, 3.0, 5.0, np.nan])


def test_new_neighbours_are_counted_from_the_share_that_is_asked_for():
    words = points.highlight_counts(changed_table(), "changed", "both", 0.5)
    assert words["u"] == "at least 50% new neighbours: 4 of 7"
    assert points.highlight_counts(changed_table(), "changed", "train", 0.5)["u"].endswith("1 of 4")
    unknown = changed_table().assign(new_neighbours=np.nan)
    assert points.highlight_counts(unknown, "changed", "both")["u"] == "neighbours are not known"


def test_displacement_is_the_distance_from_the_original_s_map():
    moved = displacement.displacements(changed_table(), "o")
    assert set(moved["run"]) == {"u"}
    assert moved["distance"].to_numpy() == pytest.approx(5.0)  # a 3-4-5 triangle
    summary = displacement.displacement_summary(moved, {"u": "MUDA"}, "distance")
    assert summary.to_dict("records") == [
        {"Run": "MUDA", "D_f": 5.0, "D_r": 5.0, "D_ft": 5.0, "D_rt": 5.0}
    ]


def test_without_the_reference_among_the_maps_their_distance_is_not_known():
    moved = displacement.displacements(changed_table(), "elsewhere")
    assert moved["distance"].isna().all()
    assert displacement.most_moved(moved, "u", CLASSES, "distance").empty


def test_most_moved_come_farthest_first_by_the_measure_that_is_asked_for():
    moved = displacement.displacements(changed_table(), "o")
    rows = displacement.most_moved(moved, "u", CLASSES, "moved", 3)
    assert rows["id"].tolist() == [1, 5, 4]  # of the last it is not known
    assert rows["predicted"].tolist() == ["cat", "dog", "dog"]
    by_neighbours = displacement.most_moved(moved, "u", CLASSES, "new_neighbours", 2)
    assert by_neighbours["id"].tolist() == [6, 5]


def test_of_language_models_nothing_is_called_forgotten_recognised_or_collateral():
    tokens = TokenRecords(
        n_tokens=np.ones(7, dtype=np.int64),
        losses=np.linspace(0, 3, 7, dtype=np.float32),
        entropies=np.zeros(7, np.float32),
    )
    answered = replace(UNLEARNED.predictions(), predictions=np.full(7, NO_CLASS), tokens=tokens)
    writer = SimpleNamespace(**{**vars(UNLEARNED), "predictions": lambda: answered})
    found = points.run_points(writer, masks(), writer)
    assert set(found["state"]) == {"other"}
    expected = np.exp(-tokens.losses)[::-1]  # records lie in descending order of ids
    assert found["probability"].to_numpy() == pytest.approx(expected)
    assert "forgotten" not in points.highlights(found)
    assert points.highlights(table()) == points.HIGHLIGHTS
    chosen = selection.selection_table(found, [0], {"u": "MUDA"}, CLASSES)
    assert chosen["MUDA"].tolist() == ["next tokens"]
