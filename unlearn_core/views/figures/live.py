"""The curves of a run in progress: what the probes see, and the losses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.views.palette import FORGET_COLOUR
from unlearn_core.views.symbols import as_html

MOST_POINTS = 300
PROBES = {
    "probe/forget_accuracy": ("Accuracy on D_f", FORGET_COLOUR),
    "probe/retain_accuracy": ("Accuracy on D_r", "#0072B2"),
    "probe/dimensional_alignment": ("DA", "#009E73"),
}
LOSS_COLOURS = ("#000000", "#E69F00", "#CC79A7", "#56B4E9")


def live_curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the history so far as `step`, `panel`, `curve` and `value`.

    Each curve has at most `MOST_POINTS` points, evenly thinned, its last one always there.
    """
    empty = pd.DataFrame(columns=["step", "panel", "curve", "value"])
    names = [c for c in rows.columns if c in PROBES or str(c).startswith("loss/")]
    parts = []
    for name in names:
        values = pd.to_numeric(rows[name], errors="coerce")
        kept = values[np.isfinite(values)]
        if not len(kept):
            continue
        thin = np.unique(np.linspace(len(kept) - 1, 0, min(MOST_POINTS, len(kept))).round())
        kept = kept.iloc[thin.astype(int)]
        panel = "probe" if name in PROBES else "loss"
        part = {"step": rows.loc[kept.index, "step"], "panel": panel, "curve": name, "value": kept}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True) if parts else empty


def live_figure(curves: pd.DataFrame, total: int) -> go.Figure:
    """Draw probes above losses over the steps, up to the run's last step `total`."""
    panels = [name for name in ("probe", "loss") if (curves["panel"] == name).any()]
    figure = make_subplots(rows=max(1, len(panels)), shared_xaxes=True, vertical_spacing=0.08)
    for row, panel in enumerate(panels, start=1):
        part = curves[curves["panel"] == panel]
        legend = "legend" if row == 1 else f"legend{row}"
        for number, (name, curve) in enumerate(part.groupby("curve", sort=False)):
            label, colour = _look(str(name), number)
            figure.add_scatter(
                x=curve["step"].to_numpy(),
                y=curve["value"].to_numpy(),
                name=as_html(label),
                mode="lines+markers" if panel == "probe" else "lines",
                line={"color": colour, "width": 2},
                legend=legend,
                row=row,
                col=1,
            )
        axis = figure.layout["yaxis" if row == 1 else f"yaxis{row}"]
        place = {"orientation": "h", "x": 0, "y": axis.domain[1], "yanchor": "bottom"}
        figure.update_layout({legend: {**place, "font": {"size": 11}}})
        if panel == "probe":
            axis.update(title="Share", range=[-0.04, 1.04])
        else:
            axis.update(title="Loss")
    figure.update_xaxes(range=[0, max(1, total)])
    figure.update_xaxes(title="Step", row=max(1, len(panels)), col=1)
    figure.update_layout(
        height=130 + 150 * max(1, len(panels)),
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        uirevision="live",
    )
    return figure


def _look(name: str, number: int) -> tuple[str, str]:
    if name in PROBES:
        return PROBES[name]
    label = name.removeprefix("loss/").replace("_", " ").capitalize()
    return label, LOSS_COLOURS[number % len(LOSS_COLOURS)]
