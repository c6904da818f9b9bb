"""A metric has one colour, and figures of different pages agree on it."""

import re

import pandas as pd

from unlearn_core.metrics import METRICS
from unlearn_core.views.gamma import ACCURACIES, DISTANCES, gamma_figure
from unlearn_core.views.live import live_charts, live_curves
from unlearn_core.views.manifold.steps import step_figure
from unlearn_core.views.palette import (
    CLASS_COLOURS,
    FORGET_MARK,
    METHOD_COLOURS,
    METRIC_STYLES,
    VERDICT_COLOURS,
    on_ground,
)

PROBED = (
    *("forget_accuracy", "retain_accuracy", "retain_test_accuracy", "test_accuracy"),
    "dimensional_alignment",
)
HISTORY = pd.DataFrame({"step": [0, 10], **{f"probe/{name}": [0.5, 0.6] for name in PROBED}})


def of_traces(figure):
    """Return the colours of a plotly figure's named lines by the metric's label."""
    plain = {trace.name: trace for trace in figure.data if trace.name and trace.line.color}
    return {re.sub("<sub>(.+?)</sub>", r"_\1", name): t.line.color for name, t in plain.items()}


def gamma():
    metrics = (*ACCURACIES, *DISTANCES)
    columns = {"kind": "class", "gamma": 0.5, "seed": 0, "value": 0.5, "retrained": 0.5}
    return of_traces(gamma_figure(pd.DataFrame([{**columns, "metric": name} for name in metrics])))


def steps():
    positions = pd.DataFrame({"step": [0, 10], "example_id": 1, "x": [0.0, 1.0], "y": [0.0, 1.0]})
    examples = pd.DataFrame({"example_id": [1], "label": [0], "set": ["forget"]})
    return of_traces(step_figure(positions, examples, HISTORY, ["cat"]))


def live():
    _, chart = live_charts(live_curves(HISTORY, "rfa"), total=10)["probe"]
    scale = chart["encoding"]["color"]["scale"]
    return dict(zip(scale["domain"], scale["range"], strict=True))


def test_all_figures_draw_a_metric_in_the_same_colour():
    colours = {}
    for figure in (gamma(), steps(), live()):
        for label, colour in figure.items():
            colours.setdefault(label, []).append(colour)
    shared = {label: drawn for label, drawn in colours.items() if len(drawn) > 1}
    assert {"Acc(D_f)", "Acc(D_r)", "DA(D_f|D_r)"} <= set(shared)
    assert len(shared["Acc(D_f)"]) == 3
    assert {label: drawn for label, drawn in shared.items() if len(set(drawn)) > 1} == {}


def test_metrics_of_one_colour_differ_in_dash():
    styles = [(style.colour, style.dash) for style in METRIC_STYLES.values()]
    assert len(set(styles)) == len(styles)
    assert set(METRIC_STYLES) <= set(METRICS)


def luminance(colour):
    """Return the relative luminance of WCAG 2, in [0, 1]."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_colour_stands_out_on_a_dark_page():
    ground = luminance("#0E1117")
    outline = FORGET_MARK["line"]["color"]
    colours = {*CLASS_COLOURS, *METHOD_COLOURS.values(), *VERDICT_COLOURS.values(), outline}
    colours |= {style.colour for style in METRIC_STYLES.values()}
    ratios = {
        colour: (luminance(on_ground(colour, is_dark=True)) + 0.05) / (ground + 0.05)
        for colour in colours
    }
    assert min(ratios.values()) >= 3, ratios


def test_colours_of_classes_stay_different_on_a_dark_page():
    assert len({on_ground(colour, is_dark=True) for colour in CLASS_COLOURS}) == len(CLASS_COLOURS)
