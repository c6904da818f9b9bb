"""What the map component is sent: typed arrays in base64, and each name only once.

Ids, labels and sets are shared by all panels; a panel adds positions, predicted classes,
probabilities and what colours its points. 5,000 points and 6 models take well under 1 MB.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from unlearn_core.metrics.verdict import BUT
from unlearn_core.runs.artefact import NO_CLASS
from unlearn_core.views.examples import NEXT_TOKENS
from unlearn_core.views.manifold.points import FORGET_SETS, LAYOUTS, PARTS, is_highlighted
from unlearn_core.views.names import SET_NAMES
from unlearn_core.views.palette import (
    CHANGE_RAMP,
    FORGET_COLOUR,
    MUTED,
    OUTLINE,
    VERDICT_COLOURS,
    VERDICT_ICONS,
    class_colours,
)

PROBABILITY_SCALE = 10_000
BEYOND = 2**16 - 1  # the number of no class
HIDDEN, DIMMED, LIT = 0, 1, 2
MARGIN = 0.04
COLOURS = {
    "label": "Label",
    "prediction": "Predicted class",
    "new_neighbours": "New neighbours",
    "moved": "Moved features",
}
MISSING, LARGEST = 255, 254  # codes of a value that is not known, and of the largest
FARTHEST = 0.99  # of what moved, a few go so far that all others would have one colour


def typed(values: ArrayLike, dtype: str) -> dict[str, str]:
    """Return an array as plotly.js reads it: `dtype` such as ``f4`` or ``u1``, and base64."""
    raw = np.ascontiguousarray(np.asarray(values), dtype=np.dtype(f"<{dtype}"))
    return {"dtype": dtype, "bdata": base64.b64encode(raw.tobytes()).decode()}


def axis_range(values: pd.Series[float]) -> list[float]:
    """Return the range that shows all values, with a margin."""
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low or 1.0)
    return [low - margin, high + margin]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a map shows and how.

    Attributes
    ----------
    layout, mode, part : str
        Keys of `LAYOUTS`, `HIGHLIGHTS` and `PARTS`.
    colour : str
        What the colours stand for, a key of `COLOURS`; the last two are columns of the points.
    least : float
        The share of new neighbours from which on a point counts as changed.
    """

    layout: str = "aligned"
    mode: str = "all"
    part: str = "both"
    colour: str = "label"
    least: float = 0.5


def values_of(points: pd.DataFrame, colour: str) -> dict[str, Any] | None:
    """Return how a column of the points becomes a colour; None where colours are classes."""
    if colour not in ("new_neighbours", "moved"):
        return None
    is_share = colour == "new_neighbours"
    known = points[colour].dropna()
    most = 1.0 if is_share or known.empty else float(known.quantile(FARTHEST)) or 1.0
    return {
        "name": COLOURS[colour],
        "least": 0.0,
        "most": most,
        "low": "none" if is_share else "0",
        "high": "all" if is_share else f"{most:.2f} or more",
        "is_share": is_share,
        "colours": list(CHANGE_RAMP),
    }


def map_payload(
    points: pd.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    classes: Sequence[str],
    shown: Shown = Shown(),
    *,
    trail: Sequence[int] | None = None,
    notes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the panels as JSON types.

    Parameters
    ----------
    points : DataFrame
        Point table of all runs, the same examples in the same order for each.
    runs : sequence of mapping
        For each panel, in order: `key`, `label` and `verdict` (a word).
    shown : Shown
        What is highlighted, coloured and laid out how.
    trail : sequence of int, optional
        For two runs between which points can travel: the ids of those whose way is drawn.
    notes : mapping
        A line under each panel's title, by run key.
    """
    axes = LAYOUTS[shown.layout]
    values = values_of(points, shown.colour)
    rows_of_run = {run["key"]: points[points["run"] == run["key"]] for run in runs}
    first = rows_of_run[runs[0]["key"]]
    content = {
        "ids": typed(first["example_id"], "i4"),
        "labels": typed(first["label"], "u2"),
        "sets": typed(first["set"].map({n: i for i, n in enumerate(SET_NAMES)}), "u1"),
        "set_names": list(SET_NAMES.values()),
        "forget_sets": [name in FORGET_SETS for name in SET_NAMES],
        "classes": list(classes),
        "no_class": NEXT_TOKENS,  # what language models answer with: neither right nor wrong
        "colours": class_colours(
            len(classes), first[first["set"].isin(FORGET_SETS)]["label"].tolist()
        ),
        "muted": MUTED,
        "outline": OUTLINE,
        "forget_colour": FORGET_COLOUR,
        "colour": shown.colour,
        "values": values,
        "layout": shown.layout,
        "linked": shown.layout != "own",
        "range": {name: axis_range(points[axis]) for name, axis in zip("xyz", axes, strict=False)},
        "trail": None if trail is None else typed(first["example_id"].isin(list(trail)), "u1"),
        "probability_scale": PROBABILITY_SCALE,
        "panels": [
            _panel(rows_of_run[run["key"]], run, shown, values)
            | {"note": (notes or {}).get(run["key"], "")}
            for run in runs
        ],
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"version": digest[:16], **content}


def _panel(
    rows: pd.DataFrame, run: Mapping[str, Any], shown: Shown, values: Mapping[str, Any] | None
) -> dict[str, Any]:
    emphasis = np.where(is_highlighted(rows, shown.mode, shown.least), LIT, DIMMED)
    emphasis[~rows["set"].isin(PARTS[shown.part]).to_numpy()] = HIDDEN
    axes = LAYOUTS[shown.layout]
    said = str(run["verdict"])
    word = said.removesuffix(BUT)
    return {
        "key": run["key"],
        "label": run["label"],
        "verdict": said,
        "icon": VERDICT_ICONS.get(word, ""),
        "verdict_colour": VERDICT_COLOURS.get(word, VERDICT_COLOURS["unknown"]),
        **{name: typed(rows[axis], "f4") for name, axis in zip("xyz", axes, strict=False)},
        "predictions": typed(rows["prediction"].replace(NO_CLASS, BEYOND), "u2"),
        "probabilities": typed(np.round(rows["probability"] * PROBABILITY_SCALE), "u2"),
        "emphasis": typed(emphasis, "u1"),
        **_coloured(rows, shown.colour, values),
    }


def _coloured(
    rows: pd.DataFrame, colour: str, values: Mapping[str, Any] | None
) -> dict[str, dict[str, str]]:
    if values is None:
        return {}
    codes = np.round(LARGEST * (rows[colour] / values["most"]).clip(0, 1))
    return {"values": typed(codes.fillna(MISSING), "u1")}
