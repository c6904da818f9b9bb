"""Several methods at work side by side: what the component of their maps and curves is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import PROBE_PREFIX
from unlearn_core.views.manifold.payload import axis_range, typed
from unlearn_core.views.manifold.points import FORGET_SETS
from unlearn_core.views.palette import OUTLINE, class_colours, method_colour

PROBES = {
    name: METRICS[name].label
    for name in (
        "dimensional_alignment",
        "forget_accuracy",
        "retain_accuracy",
        "retain_test_accuracy",
    )
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """One method at work.

    Attributes
    ----------
    label, method : str
    steps : DataFrame
        `step`, `example_id`, `x`, `y` of the tracked examples.
    examples : DataFrame
        `example_id`, `label`, `set` of each of them.
    history : DataFrame
        `step` and the probes' columns, in [0, 1].
    """

    label: str
    method: str
    steps: pd.DataFrame
    examples: pd.DataFrame
    history: pd.DataFrame


def courses_payload(
    courses: Sequence[Course], n_classes: int, probe: str, retrained: pd.DataFrame | None
) -> dict[str, Any]:
    """Return the maps by step and the curve of one probe as JSON types.

    `retrained` is the history of the retrained model, whose last value is drawn as a line.
    """
    examples = pd.concat([course.examples for course in courses])
    forgotten = examples[examples["set"].isin(FORGET_SETS)]["label"].tolist()
    content = {
        "panels": [_panel(course, probe) for course in courses],
        "colours": class_colours(n_classes, forgotten),
        "outline": OUTLINE,
        "curve_name": PROBES[probe],
        "retrained": None if retrained is None else _last(retrained, probe),
        "retrained_colour": method_colour("retrain"),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {"version": digest[:16], **content}


def _panel(course: Course, probe: str) -> dict[str, Any]:
    table = course.steps.merge(course.examples, on="example_id")
    table = table.sort_values(["step", "example_id"])
    frames = [(int(str(step)), rows) for step, rows in table.groupby("step", sort=True)]
    _, first = frames[0]
    return {
        "label": course.label,
        "colour": method_colour(course.method),
        "steps": [step for step, _ in frames],
        "frames": [
            {"x": typed(rows["x"], "f4"), "y": typed(rows["y"], "f4")} for _, rows in frames
        ],
        "labels": typed(first["label"], "u2"),
        "forget": typed(first["set"].isin(FORGET_SETS), "u1"),
        "range": {"x": axis_range(table["x"]), "y": axis_range(table["y"])},
        "curve": _curve(course.history, probe),
    }


def _curve(history: pd.DataFrame, probe: str) -> list[list[float]]:
    column = f"{PROBE_PREFIX}{probe}"
    if column not in history:
        return []
    known = history[["step", column]].dropna()
    return [[float(step), float(value)] for step, value in known.to_numpy()]


def _last(history: pd.DataFrame, probe: str) -> float | None:
    curve = _curve(history, probe)
    return curve[-1][1] if curve else None
