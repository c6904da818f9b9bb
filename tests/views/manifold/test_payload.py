import base64
import json

import numpy as np
import pandas as pd
import pytest

from unlearn_core.views.manifold.payload import MISSING, Shown, axis_range, map_payload, typed

CLASSES = [str(label) for label in range(10)]


def points(n_examples, runs):
    random = np.random.default_rng(0)
    ids = np.arange(n_examples) * 3
    sets = random.choice(["forget", "retain", "forget_test", "retain_test"], n_examples)
    labels = random.integers(0, 10, n_examples)
    parts = []
    for key in runs:
        places = random.normal(size=(4, n_examples)).astype(np.float32)
        columns = dict(zip(("x", "y", "own_x", "own_y"), places, strict=True))
        part = pd.DataFrame(
            {"run": key, "example_id": ids, "set": sets, "label": labels, **columns}
        )
        part["prediction"] = random.integers(0, 10, n_examples)
        part["probability"] = random.random(n_examples).astype(np.float32)
        part["new_neighbours"] = random.random(n_examples)
        part["moved"] = random.random(n_examples)
        part[["pc1", "pc2", "pc3"]] = random.normal(size=(n_examples, 3))
        part["state"] = random.choice(["other", "forgotten"], n_examples)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def panels(runs):
    return [{"key": key, "label": key.upper(), "verdict": "matched"} for key in runs]


def decoded(array):
    return np.frombuffer(base64.b64decode(array["bdata"]), dtype=f"<{array['dtype']}")


def test_a_figure_of_5000_points_and_6_models_is_under_a_megabyte():
    runs = list("abcdef")
    shown = Shown(layout="linear", colour="new_neighbours")  # what takes most
    payload = map_payload(points(5000, runs), panels(runs), CLASSES, shown)
    assert len(json.dumps(payload)) < 1_000_000


def test_typed_arrays_come_back_as_they_went():
    values = np.array([0, 7, 65_535])
    np.testing.assert_array_equal(decoded(typed(values, "u2")), values)


def test_points_out_of_the_chosen_part_are_hidden_and_others_lit_or_dimmed():
    table = points(200, ["a"])
    payload = map_payload(table, panels("a"), CLASSES, Shown(mode="forgotten", part="train"))
    emphasis = decoded(payload["panels"][0]["emphasis"])
    is_train = table["set"].isin(["forget", "retain"])
    expected = np.where(is_train, np.where(table["state"] == "forgotten", 2, 1), 0)
    np.testing.assert_array_equal(emphasis, expected)


def test_probabilities_are_sent_to_four_digits():
    table = points(50, ["a"])
    payload = map_payload(table, panels("a"), CLASSES)
    sent = decoded(payload["panels"][0]["probabilities"]) / payload["probability_scale"]
    np.testing.assert_allclose(sent, table["probability"], atol=5.1e-5)


@pytest.mark.parametrize(
    ("layout", "column", "linked"), [("aligned", "x", True), ("own", "own_x", False)]
)
def test_only_aligned_maps_share_their_axes(layout, column, linked):
    table = points(50, ["a", "b"])
    payload = map_payload(table, panels("ab"), CLASSES, Shown(layout=layout))
    assert payload["linked"] is linked
    np.testing.assert_array_equal(
        decoded(payload["panels"][1]["x"]), table.loc[table["run"] == "b", column]
    )


def test_the_version_changes_with_what_is_shown_and_only_then():
    table = points(50, ["a", "b"])
    first = map_payload(table, panels("ab"), CLASSES)
    assert map_payload(table, panels("ab"), CLASSES)["version"] == first["version"]
    assert (
        map_payload(table, panels("ab"), CLASSES, Shown(mode="forget"))["version"]
        != first["version"]
    )


def test_an_axis_of_equal_values_still_has_a_width():
    low, high = axis_range(pd.Series([2.0, 2.0]))
    assert low < 2.0 < high


def test_a_value_colours_from_nothing_to_its_most_and_what_is_not_known_is_told_apart():
    table = points(5, ["a"])
    table["new_neighbours"] = [0.0, 0.5, 1.0, np.nan, 0.25]
    payload = map_payload(table, panels("a"), CLASSES, Shown(colour="new_neighbours"))
    assert decoded(payload["panels"][0]["values"]).tolist() == [0, 127, 254, MISSING, 64]
    assert payload["values"]["most"] == 1


def test_what_moved_farthest_does_not_take_the_colours_from_all_others():
    table = points(1000, ["a"])
    table["moved"] = [*np.linspace(0, 1, 999), 1000.0]
    payload = map_payload(table, panels("a"), CLASSES, Shown(colour="moved"))
    assert payload["values"]["most"] < 1
    assert decoded(payload["panels"][0]["values"])[-1] == 254


def test_only_examples_with_enough_new_neighbours_are_lit():
    table = points(50, ["a"])
    payload = map_payload(table, panels("a"), CLASSES, Shown(mode="changed", least=0.8))
    expected = np.where(table["new_neighbours"] >= 0.8, 2, 1)
    np.testing.assert_array_equal(decoded(payload["panels"][0]["emphasis"]), expected)


def test_a_map_with_depth_has_a_third_place_and_a_pair_the_ids_whose_way_is_drawn():
    table = points(10, ["a", "b"])
    flat = map_payload(table, panels("ab"), CLASSES, trail=[3, 27])
    assert "z" not in flat["range"]
    assert np.flatnonzero(decoded(flat["trail"])).tolist() == [1, 9]
    deep = map_payload(table, panels("ab"), CLASSES, Shown(layout="linear"))
    assert deep["trail"] is None
    np.testing.assert_allclose(
        decoded(deep["panels"][1]["z"]), table.loc[table["run"] == "b", "pc3"], rtol=1e-6
    )
