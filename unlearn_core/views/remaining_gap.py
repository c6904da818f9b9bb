"""How much of the gap between the original and the retrained model each method leaves.

For every metric (value - retrained) / (original - retrained): 1 is the original, 0 the retrained
model, below 0 past it.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from unlearn_core.metrics.attack_variants import AS_PRINTED
from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.findings import DOUBTFUL
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.runs.report import Report
from unlearn_core.views.layout import LINE, MARKERS, finish, lines_across
from unlearn_core.views.palette import method_colour
from unlearn_core.views.symbols import as_html
from unlearn_core.views.wording import format_value

LEFT_OUT = ("Cost", AS_PRINTED)
EDGES = (-1.0, 2.0)
ROW_HEIGHT = 36
ARROWS = {True: "triangle-right", False: "triangle-left"}  # by whether the gap is above 0
SPREAD = 0.6  # of a row's height
COLUMNS = ["label", "method", "metric", "metric_label", "gap", "plotted", "is_beyond", "text"]


def gap_rows(report: Report) -> tuple[pd.DataFrame, list[str]]:
    """Return one row per method variant and metric, and the labels of metrics left out.

    Columns: `label`, `method`, `metric`, `metric_label`, `gap`, `plotted` (the gap, kept
    inside `EDGES`), `is_beyond` (whether it is outside) and `text` (the numbers behind it).
    Left out are metrics in which the original is less than two deviations from the retrained
    models, of which no verdict speaks either.
    """
    by_metric: dict[str, list[Any]] = {}
    for row in report.summary.dropna(subset="mean").itertuples():
        spec = METRICS.get(str(row.metric))
        if spec and spec.group not in LEFT_OUT and row.method not in REFERENCES:
            by_metric.setdefault(spec.name, []).append(row)
    rows, left_out = [], []
    for name, methods in by_metric.items():
        there, label = report.reference.get(name), METRICS[name].label
        least = math.inf if there is None else DOUBTFUL * there.deviation
        usable = [row for row in methods if abs(row.original - row.retrained) > least]
        if not usable:
            left_out.append(label)
        rows += [_row(row, label) for row in usable]
    return pd.DataFrame(rows, columns=COLUMNS), left_out


def _row(row: Any, metric_label: str) -> dict[str, Any]:
    gap = (row.mean - row.retrained) / (row.original - row.retrained)
    low, high = EDGES
    value, original, retrained = (
        format_value(row.metric, number) for number in (row.mean, row.original, row.retrained)
    )
    return {
        "label": row.label,
        "method": row.method,
        "metric": row.metric,
        "metric_label": metric_label,
        "gap": gap,
        "plotted": min(max(gap, low), high),
        "is_beyond": not low <= gap <= high,
        "text": f"{value} (original {original}, retrained {retrained})",
    }


def gap_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw what `gap_rows` returns.

    Columns used: `label`, `method`, `metric_label`, `plotted`, `gap`, `is_beyond`, `text`.
    """
    figure = go.Figure()
    names = list(dict.fromkeys(rows["metric_label"]))
    labels = list(dict.fromkeys(rows["label"]))
    for number, label in enumerate(labels):
        part = rows[rows["label"] == label]
        lift = SPREAD * ((number + 0.5) / len(labels) - 0.5)  # dots of a row stand side by side
        heights = pd.Series([names.index(n) + lift for n in part["metric_label"]], part.index)
        part = part.sort_values("is_beyond", kind="stable")  # the legend shows the first symbol
        symbols = [
            MARKERS[number % len(MARKERS)] if not row.is_beyond else ARROWS[row.gap > 0]
            for row in part.itertuples()
        ]
        _dots(figure, part, heights, symbols)
    lines_across(figure, (0, 1), {"color": LINE, "dash": "dot"})
    for x, name in ((0, "retrained"), (1, "original")):
        figure.add_annotation(
            x=x, y=0, yref="paper", text=name, showarrow=False, yanchor="top", yshift=-20
        )
    finish(figure, height=140 + ROW_HEIGHT * max(len(names), 3))
    low, high = EDGES
    figure.update_xaxes(
        range=[low - 0.1, high + 0.1],
        dtick=0.5,
        title={"text": "remaining gap to the retrained model (1: the original's)", "standoff": 26},
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[as_html(name) for name in names],
        range=[len(names) - 0.4, -0.6],
    )
    figure.update_layout(margin={"l": 120, "b": 75})
    return figure


def _dots(
    figure: go.Figure,
    part: pd.DataFrame,
    heights: pd.Series[float],
    symbols: list[str],
) -> None:
    label, method = (str(part[name].iloc[0]) for name in ("label", "method"))
    figure.add_scatter(
        x=part["plotted"],
        y=heights[part.index],
        mode="markers",
        name=label,
        marker={
            "color": method_colour(method),
            "size": 11,
            "opacity": 0.85,
            "symbol": symbols,
            "line": {"width": 1, "color": "white"},
        },
        customdata=part[["gap", "text", "metric_label"]].to_numpy(),
        hovertemplate="%{customdata[2]}<br>%{customdata[1]}<br>"
        "%{customdata[0]:.2f} of the gap remains",
    )
