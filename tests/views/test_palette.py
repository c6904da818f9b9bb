"""A metric has one colour, and figures of different pages agree on it."""

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from unlearn_core.metrics import METRICS
from unlearn_core.views.gamma import ACCURACIES, DISTANCES, gamma_figure
from unlearn_core.views.live import live_charts, live_curves
from unlearn_core.views.manifold.steps import step_figure
from unlearn_core.views.palette import (
    CLASS_COLOURS,
    FORGET_MARK,
    METHOD_COLOURS,
    METRIC_STYLES,
    MUTED,
    VERDICT_COLOURS,
    class_colours,
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


def linear_rgb(colour):
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    """Return the relative luminance of WCAG 2, in [0, 1]."""
    return np.array([0.2126, 0.7152, 0.0722]) @ linear_rgb(colour)


def lab(colour):
    """Return CIE L*, a* and b* of an sRGB colour, under the white of D65."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ratios = np.array(to_xyz) @ linear_rgb(colour) / [0.9505, 1, 1.089]
    x, y, z = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios * 841 / 108 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


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


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_no_two_methods_are_drawn_in_nearly_the_same_colour(is_dark):
    drawn = {name: lab(on_ground(c, is_dark=is_dark)) for name, c in METHOD_COLOURS.items()}
    apart = {
        (one, other): np.linalg.norm(drawn[one] - drawn[other])
        for one, other in combinations(drawn, 2)
    }
    assert min(apart.values()) >= 15, min(apart, key=apart.get)  # CIE 1976, of which 2 are seen


def test_where_one_class_is_forgotten_no_other_has_its_colour():
    n = 3 * len(CLASS_COLOURS)
    colours = class_colours(n, [2, 2])
    assert colours.count(colours[2]) == 1
    assert colours[2 + len(CLASS_COLOURS)] == MUTED
    assert class_colours(10, [2]) == list(CLASS_COLOURS[:10])
    assert class_colours(n, [1, 2]).count(CLASS_COLOURS[2]) == 3
