"""What the map component is sent: typed arrays in base64, and each name only once.

Ids, labels and sets are shared by all panels; a panel adds positions, predicted classes and
probabilities. 5,000 points and 6 models take well under 1 MB.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from unlearn_core.views.manifold.points import FORGET_SETS, LAYOUTS, PARTS, is_highlighted
from unlearn_core.views.names import SET_NAMES
from unlearn_core.views.palette import (
    FORGET_COLOUR,
    MUTED,
    OUTLINE,
    VERDICT_COLOURS,
    VERDICT_ICONS,
    class_colour,
)

PROBABILITY_SCALE = 10_000
HIDDEN, DIMMED, LIT = 0, 1, 2
MARGIN = 0.04


def typed(values: ArrayLike, dtype: str) -> dict[str, str]:
    """Return an array as plotly.js reads it: `dtype` such as ``f4`` or ``u1``, and base64."""
    raw = np.ascontiguousarray(np.asarray(values), dtype=np.dtype(f"<{dtype}"))
    return {"dtype": dtype, "bdata": base64.b64encode(raw.tobytes()).decode()}


def axis_range(values: pd.Series[float]) -> list[float]:
    """Return the range that shows all values, with a margin."""
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low or 1.0)
    return [low - margin, high + margin]


def map_payload(
    points: pd.DataFrame,
    runs: Sequence[Mapping[str, Any]],
    classes: Sequence[str],
    *,
    layout: str = "aligned",
    mode: str = "all",
    part: str = "both",
    colour: str = "label",
    notes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the panels as JSON types.

    Parameters
    ----------
    points : DataFrame
        Point table of all runs, the same examples in the same order for each.
    runs : sequence of mapping
        For each panel, in order: `key`, `label` and `verdict` (a word).
    layout, mode, part : str
        Keys of `LAYOUTS`, `HIGHLIGHTS` and `PARTS`.
    colour : {"label", "prediction"}
        What the colours stand for.
    notes : mapping
        A line under each panel's title, by run key.
    """
    across, up = LAYOUTS[layout]
    first = points[points["run"] == runs[0]["key"]]
    content = {
        "ids": typed(first["example_id"], "i4"),
        "labels": typed(first["label"], "u2"),
        "sets": typed(first["set"].map({n: i for i, n in enumerate(SET_NAMES)}), "u1"),
        "set_names": list(SET_NAMES.values()),
        "forget_sets": [name in FORGET_SETS for name in SET_NAMES],
        "classes": list(classes),
        "colours": [class_colour(label) for label in range(len(classes))],
        "muted": MUTED,
        "outline": OUTLINE,
        "forget_colour": FORGET_COLOUR,
        "colour": colour,
        "linked": layout == "aligned",
        "range": {"x": axis_range(points[across]), "y": axis_range(points[up])},
        "probability_scale": PROBABILITY_SCALE,
        "panels": [
            _panel(points[points["run"] == run["key"]], run, (across, up), mode, part)
            | {"note": (notes or {}).get(run["key"], "")}
            for run in runs
        ],
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"version": digest[:16], **content}


def _panel(
    rows: pd.DataFrame, run: Mapping[str, Any], axes: tuple[str, str], mode: str, part: str
) -> dict[str, Any]:
    emphasis = np.where(is_highlighted(rows, mode), LIT, DIMMED)
    emphasis[~rows["set"].isin(PARTS[part]).to_numpy()] = HIDDEN
    word = str(run["verdict"])
    return {
        "key": run["key"],
        "label": run["label"],
        "verdict": word,
        "icon": VERDICT_ICONS.get(word, ""),
        "verdict_colour": VERDICT_COLOURS.get(word, VERDICT_COLOURS["unknown"]),
        "x": typed(rows[axes[0]], "f4"),
        "y": typed(rows[axes[1]], "f4"),
        "predictions": typed(rows["prediction"], "u2"),
        "probabilities": typed(np.round(rows["probability"] * PROBABILITY_SCALE), "u2"),
        "emphasis": typed(emphasis, "u1"),
    }
