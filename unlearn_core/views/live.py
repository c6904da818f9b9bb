"""The curves of a run in progress: what the probes see, and the losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import LOSS_PREFIX, PROBE_PREFIX
from unlearn_core.views.palette import FORGET_COLOUR, METRIC_STYLES, RETAIN_COLOUR

Spec = dict[str, Any]
MOST_POINTS = 300
HEIGHT = 300  # pixels, with legend and axis: Streamlit fits the plot into what they leave
SHARE, PERPLEXITY, LOSS = "probe", "perplexity", "loss"  # panels, from top to bottom
PROBES = {  # panel, label and colour of what is probed: language models have no accuracy
    f"{PROBE_PREFIX}{name}": (panel, METRICS[name].label, colour)
    for name, panel, colour in (
        ("forget_accuracy", SHARE, METRIC_STYLES["forget_accuracy"].colour),
        ("retain_accuracy", SHARE, METRIC_STYLES["retain_accuracy"].colour),
        ("dimensional_alignment", SHARE, METRIC_STYLES["dimensional_alignment"].colour),
        ("perplexity_forget", PERPLEXITY, FORGET_COLOUR),
        ("perplexity_retain", PERPLEXITY, RETAIN_COLOUR),
    )
}
AXES: dict[str, Spec] = {
    SHARE: {"title": "Share", "scale": {"domain": [-0.04, 1.04], "nice": False}},
    # a model that breaks is surprised thousands of times as much
    PERPLEXITY: {"title": "Perplexity", "scale": {"type": "log", "nice": False, "padding": 10}},
    LOSS: {"title": "Loss", "scale": {"zero": False}},
}
LOSS_COLOURS = ("#000000", "#E69F00", "#CC79A7", "#56B4E9")


def live_curves(rows: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return the history so far as `step`, `panel`, `curve` and `value`.

    Each curve has at most `MOST_POINTS` points, evenly thinned, its last one always there. What
    is noted before the first step is the original model, where `retrain` does not begin.
    """
    if method == "retrain" and len(rows):
        rows = rows[rows["step"] > 0]
    empty = pd.DataFrame(columns=["step", "panel", "curve", "value"])
    names = [c for c in rows.columns if c in PROBES or str(c).startswith(LOSS_PREFIX)]
    parts = []
    for name in names:
        values = pd.to_numeric(rows[name], errors="coerce")
        kept = values[np.isfinite(values)]
        if not len(kept):
            continue
        thin = np.unique(np.linspace(len(kept) - 1, 0, min(MOST_POINTS, len(kept))).round())
        kept = kept.iloc[thin.astype(int)]
        panel = PROBES[name][0] if name in PROBES else LOSS
        part = {"step": rows.loc[kept.index, "step"], "panel": panel, "curve": name, "value": kept}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True) if parts else empty


def live_charts(curves: pd.DataFrame, total: int) -> dict[str, tuple[pd.DataFrame, Spec]]:
    """Return a table and a Vega-Lite chart of it for shares, perplexities and losses.

    The charts run to the last step `total`. From one refresh to the next only the table changes,
    so that the browser moves the lines and draws nothing anew.
    """
    charts = {}
    for panel in AXES:
        part = curves[curves["panel"] == panel]
        if part.empty:
            continue
        styles = {name: _style(str(name), i) for i, name in enumerate(part["curve"].unique())}
        table = part[["step", "value"]].assign(curve=[styles[c][0] for c in part["curve"]])
        charts[panel] = (table, _chart(panel, dict(styles.values()), total))
    return charts


def _chart(panel: str, colours: dict[str, str], total: int) -> Spec:
    x = {"field": "step", "type": "quantitative", "title": "Step"}
    y = {"field": "value", "type": "quantitative", **AXES[panel]}
    colour = {"domain": list(colours), "range": list(colours.values())}
    # a legend above its own chart takes its room from nothing else
    legend = {"orient": "top", "title": None, "columns": 2, "symbolType": "stroke"}
    return {
        "height": HEIGHT,
        "padding": {"left": 0, "top": 0, "right": 12, "bottom": 12},
        "mark": {"type": "line", "point": panel != LOSS, "strokeWidth": 2},
        "encoding": {
            "x": {**x, "scale": {"domain": [0, max(1, total)], "nice": False}},
            "y": y,
            "color": {"field": "curve", "type": "nominal", "scale": colour, "legend": legend},
        },
    }


def _style(name: str, number: int) -> tuple[str, str]:
    if name in PROBES:
        _, label, colour = PROBES[name]
        return label, colour
    label = name.removeprefix(LOSS_PREFIX).replace("_", " ").capitalize()
    return label, LOSS_COLOURS[number % len(LOSS_COLOURS)]
