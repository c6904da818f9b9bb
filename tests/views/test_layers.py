"""Layer by layer: rows, their extremes, and the figure, on values that are easy to see."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from unlearn_core.views import layers
from unlearn_core.views.names import SET_SYMBOLS


def row(reference, layer, depth, distance, cka, name="forget"):
    return {
        "reference": reference, "set": name, "layer": layer, "depth": depth,
        "distance": distance, "relative_distance": distance / 2, "cka": cka,
    }  # fmt: skip


LAYERS = [
    row("original", "a", 0, 0.1, 1.0), row("original", "b", 1, 0.6, 0.8),
    row("retrained", "a", 0, 2.0, 0.9), row("retrained", "b", 1, 1.0, 0.4),
    row("retrained", "b", 1, 1.0, 0.5, "retain"),
]  # fmt: skip


@pytest.fixture
def rows():
    runs = [
        SimpleNamespace(label=name, config=SimpleNamespace(method=method))
        for name, method in (("Original", "original"), ("MUDA", "muda"))
    ]
    comparison = SimpleNamespace(metrics=lambda run: {"layers": LAYERS})
    return layers.layer_rows(comparison, runs)


def test_a_reference_has_no_rows_against_itself(rows):
    found = rows.groupby("label")["reference"].unique().map(set)
    assert found["Original"] == {"retrained"}
    assert found["MUDA"] == {"original", "retrained"}


def test_sets_stand_in_the_usual_order(rows):
    assert layers.sets_in(rows) == [name for name in SET_SYMBOLS if name in ("forget", "retain")]


def test_extremes_name_the_layers_least_like_the_original_and_retrained(rows):
    table = layers.extremes(rows[rows["set"] == "forget"]).set_index("Model")
    assert table.loc["MUDA"].tolist() == ["b (0.80)", "b (0.40)"]
    assert table.loc["Original"].tolist() == ["–", "b (0.40)"]


def test_a_model_that_is_the_original_in_every_layer_is_nowhere_less_like_it(rows):
    table = layers.extremes(rows[rows["set"] == "forget"].assign(cka=1.0)).set_index("Model")
    assert table.loc["MUDA", "Least like the original in"] == "nowhere"


def test_a_measure_that_is_not_defined_is_missing(rows):
    table = rows[rows["set"] == "forget"].assign(cka=np.nan)
    assert set(layers.extremes(table)["Least like retrained in"]) == {"–"}


def test_figure_has_a_panel_a_reference_and_names_layers(rows):
    figure = layers.layers_figure(rows[rows["set"] == "forget"], "cka")
    assert [list(trace.y) for trace in figure.data if trace.xaxis == "x"] == [[1.0, 0.8]]
    assert list(figure.layout.xaxis.ticktext) == ["a", "b"]


def test_caption_tells_the_number_of_examples(rows):
    sets = SimpleNamespace(forget=np.ones(100, bool), retain=np.ones(3, bool))
    assert "2 layers on 64 examples of D_f" in layers.layers_caption(rows, sets, "forget")
    assert "on 3 examples of D_r" in layers.layers_caption(rows, sets, "retain")


def test_who_came_nearer_to_retraining_is_told_of_the_layer_where_it_changed_most():
    values = {"original": (0.9, 0.4), "muda": (0.5, 0.7), "ssd": (1.0, 0.41), "rfa": (1.0, 0.2)}
    rows = pd.DataFrame(
        {
            "label": method.upper(),
            "method": method,
            "reference": "retrained",
            "layer": layer,
            "cka": v,
        }
        for method, pair in values.items()
        for layer, v in zip(("first", "last"), pair, strict=True)
    )
    assert layers.answer_text(rows) == (
        "Original and retrained model are least alike in **last** (CKA 0.40). There, more like "
        "the retrained model than the original is: MUDA (0.70); as little: SSD (0.41); less: RFA "
        "(0.20)."
    )
    assert layers.answer_text(rows[rows["method"] != "original"]) == ""
    assert "There" not in layers.answer_text(rows[rows["method"] == "original"])
    assert layers.answer_text(rows.assign(cka=float("nan"))) == ""
