"""The same colour for a class, a method, a metric and a verdict everywhere.

Colour-blind people can tell the colours apart, and a shape or a word always says the same again.

Colours: M. Okabe and K. Ito, "Color universal design", 2008; beyond eight classes, P. Tol's
"muted" scheme, then repeated with other marker shapes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OKABE_ITO = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000",
)  # fmt: skip
TOL_MUTED = (
    "#882255", "#999933", "#332288", "#117733", "#AA4499", "#88CCEE", "#DDCC77", "#44AA99",
)  # fmt: skip
CLASS_COLOURS = (*OKABE_ITO, *TOL_MUTED)
METHOD_COLOURS = {
    "original": "#000000",
    "retrain": "#0072B2",
    "rfa": "#D55E00",
    "muda": "#009E73",
    "neglora": "#882255",
    "sparse_neglora": "#AA4499",
    "neggrad": "#CC79A7",
    "neggrad_ft": "#EE8866",
    "neggrad_plus": "#FFAABB",
    "partial_neggrad": "#CC3311",
    "finetune": "#E69F00",
    "scrub": "#332288",
    "badt": "#999933",
    "fisher": "#6E8B74",
    "cf_k": "#DDCC77",
    "eu_k": "#117733",
    "random_label": "#994F00",
    "salun": "#EE3377",
    "ssd": "#A08CC8",
    "delete": "#00838F",
    "l1_sparse": "#AAAA00",
    "incremental": "#663333",
    "trick_head_finetune": "#56B4E9",
    "trick_forget_bias": "#999999",
    "trick_calibration": "#B08D57",
}
FORGET_COLOUR, RETAIN_COLOUR, MUTED = "#D55E00", "#009E73", "#B8BEC6"
OUTLINE = "#222222"
# from what stayed to what changed most, on any ground
CHANGE_RAMP = ("#B8BEC6", "#DDCC77", "#E69F00", "#D55E00", "#882255")
# the one mark of an example to forget, on every map; its colour stays that of its class
FORGET_MARK: dict[str, Any] = {"symbol": "diamond", "line": {"width": 1, "color": OUTLINE}}
# what cannot be seen on a dark ground, and what stands there instead
ON_DARK = {
    "#000000": "#FFFFFF",
    OUTLINE: "#EEEEEE",
    "#0072B2": "#2B8CD0",
    "#332288": "#8F80DD",
    "#882255": "#B93D6C",
    "#663333": "#BD8A8A",
    "#117733": "#8CC63F",
    "#555555": "#ABABAB",
}
_HIDDEN_ON_DARK = re.compile("|".join(ON_DARK))
_WITH_OPACITY = re.compile(f"({'|'.join(ON_DARK)})([0-9A-F]{{2}})?\\b")


@dataclass(frozen=True, kw_only=True)
class MetricStyle:
    """How every figure draws a metric: the colour and dash of its line, and its marker."""

    colour: str
    dash: str = "solid"
    marker: str = "circle"


METRIC_STYLES = {
    "forget_accuracy": MetricStyle(colour=FORGET_COLOUR, marker="diamond"),
    "retain_accuracy": MetricStyle(colour=RETAIN_COLOUR),
    # the test half of a set has the set's colour, dotted
    "retain_test_accuracy": MetricStyle(colour=RETAIN_COLOUR, dash="dot"),
    "test_accuracy": MetricStyle(colour="#CC79A7", marker="square"),
    "dimensional_alignment": MetricStyle(colour="#0072B2"),
    "feature_distance_original": MetricStyle(colour="#56B4E9", marker="x"),
    "feature_distance_retrained": MetricStyle(colour="#E69F00", marker="cross"),
}
VERDICT_COLOURS = {
    "matched": "#009E73",
    "partly matched": "#56B4E9",
    "pretends": "#882255",
    "remembers": "#E69F00",
    "over-forgotten": "#CC79A7",
    "broken": "#D55E00",
    "too few to tell": "#777777",
    "nothing to tell": "#777777",
    "original": "#555555",
    "reference": "#0072B2",
    "unknown": "#999999",
}
VERDICT_ICONS = {
    "matched": "✓",
    "partly matched": "◑",
    "pretends": "◍",
    "remembers": "◔",
    "over-forgotten": "⤓",
    "broken": "✗",
    "too few to tell": "…",
    "nothing to tell": "=",
    "original": "●",
    "reference": "◎",
    "unknown": "?",
}


def class_colour(label: int) -> str:
    """Return the colour of a class."""
    return CLASS_COLOURS[label % len(CLASS_COLOURS)]


def class_colours(n_classes: int, forgotten: Collection[int]) -> list[str]:
    """Return the colour of each class; where one alone is forgotten, no other looks like it.

    >>> class_colours(17, [0])[16] == class_colours(17, [1, 0])[0]
    False
    """
    colours = [class_colour(label) for label in range(n_classes)]
    if len(set(forgotten)) == 1:
        [alone] = set(forgotten)
        return [
            MUTED if colour == colours[alone] and label != alone else colour
            for label, colour in enumerate(colours)
        ]
    return colours


def class_scale(labels: NDArray[np.int64], colours: Sequence[str]) -> dict[str, Any]:
    """Return what gives the points of a marker the colours of their classes, (n_points,).

    As numbers on a scale: plotly would look at each name of a colour, 0.1 ms for each point.
    """
    last = max(1, len(colours) - 1)
    return {
        "color": labels,
        "colorscale": [[number / last, colour] for number, colour in enumerate(colours)],
        "cmin": 0,
        "cmax": last,
    }


def method_colour(method: str) -> str:
    """Return the colour of a method; one that has none of its own always gets the same."""
    if method in METHOD_COLOURS:
        return METHOD_COLOURS[method]
    digest = hashlib.sha256(method.encode()).digest()
    return TOL_MUTED[digest[0] % len(TOL_MUTED)]


def on_ground(text: str, *, is_dark: bool) -> str:
    """Return a colour, or any text with colours in it, as it is drawn on a light or dark page.

    Examples
    --------
    >>> on_ground("#000000", is_dark=True), on_ground("#000000", is_dark=False)
    ('#FFFFFF', '#000000')
    """
    if not is_dark:
        return text
    return _HIDDEN_ON_DARK.sub(lambda match: ON_DARK[match[0]], text)


def on_both(style: str) -> str:
    """Return HTML or CSS with colours that follow the reader's theme by themselves.

    For what is written once and read on a light or a dark ground.

    Examples
    --------
    >>> on_both("background: #0072B226")
    'background: light-dark(#0072B226, #2B8CD026)'
    """

    def pair(match: re.Match[str]) -> str:
        colour, opacity = match[1], match[2] or ""
        return f"light-dark({colour}{opacity}, {ON_DARK[colour]}{opacity})"

    return _WITH_OPACITY.sub(pair, style)
