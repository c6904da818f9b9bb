"""Accuracy and feature distance against gamma, class and sample unlearning side by side."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.metrics.base import METRICS
from unlearn_core.views.figures.layout import finish
from unlearn_core.views.gamma import ACCURACIES, DISTANCES, GAMMAS, KIND_TITLES
from unlearn_core.views.palette import OKABE_ITO
from unlearn_core.views.symbols import as_html

HEIGHT = 700
COLOURS = dict(zip((*ACCURACIES, *DISTANCES), OKABE_ITO[1:], strict=False))
SYMBOLS = dict(
    zip((*ACCURACIES, *DISTANCES), ("x", "circle", "square", "diamond", "cross"), strict=True)
)
LEFT = 0.03  # between the columns


def gamma_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw what `views.gamma.points` returns: means over seeds as lines, each seed as a point.

    Columns used: `kind`, `gamma`, `seed`, `metric`, `value`, `retrained`.  A dotted line in a
    metric's colour is the retrained model's value.
    """
    titles = [*KIND_TITLES.values(), "", ""]
    figure = make_subplots(
        rows=2, cols=2, subplot_titles=titles, shared_xaxes=True, shared_yaxes="rows",
        horizontal_spacing=LEFT, vertical_spacing=0.07,
    )  # fmt: skip
    shown: set[str] = set()
    for column, kind in enumerate(KIND_TITLES, start=1):
        of_kind = rows[(rows["kind"] == kind) & rows["value"].notna()]
        for row, metrics in enumerate((ACCURACIES, DISTANCES), start=1):
            for metric in metrics:
                part = of_kind[of_kind["metric"] == metric]
                if not part.empty:
                    _curve(figure, part, metric, row, column, legend=metric not in shown)
                    shown.add(metric)
        if of_kind.empty:
            for row in (1, 2):
                figure.add_annotation(
                    text="no run yet", showarrow=False, x=0.5, y=0.5, row=row, col=column,
                    xref="x domain", yref="y domain",
                )  # fmt: skip
    finish(figure, height=HEIGHT)
    figure.update_layout(legend={"y": 1.07}, margin={"t": 90})
    figure.update_xaxes(range=[-0.05, 1.05], tickvals=list(GAMMAS))
    figure.update_xaxes(title="gamma (weight of feature alignment)", row=2)
    figure.update_yaxes(range=[-0.05, 1.05], tickformat=".0%", row=1)
    farthest = rows[rows["metric"].isin(DISTANCES)][["value", "retrained"]].max().max()
    figure.update_yaxes(range=[0, 1.08 * farthest if farthest > 0 else 1], row=2)
    figure.update_yaxes(title="accuracy", row=1, col=1)
    figure.update_yaxes(title=f"feature distance on {as_html('D_f')}", row=2, col=1)
    return figure


def _curve(
    figure: go.Figure, part: pd.DataFrame, metric: str, row: int, column: int, *, legend: bool
) -> None:
    colour, name = COLOURS[metric], as_html(METRICS[metric].label)
    means = part.groupby("gamma")[["value", "retrained"]].mean()
    spread = part.groupby("gamma")["value"].std()
    has_spread = bool(spread.notna().any())
    figure.add_scatter(
        x=means.index.to_numpy(),
        y=means["value"].to_numpy(),
        error_y={"array": spread.to_numpy(), "visible": has_spread},
        mode="lines+markers",
        name=name,
        legendgroup=metric,
        showlegend=legend,
        line={"color": colour},
        marker={"symbol": SYMBOLS[metric], "size": 10},
        hovertemplate=f"{name}<br>gamma %{{x}}: %{{y}}<extra></extra>",
        row=row,
        col=column,
    )
    target = float(means["retrained"].mean())
    if metric != "feature_distance_retrained" and not math.isnan(target):
        figure.add_scatter(
            x=[-0.05, 1.05],
            y=[target, target],
            mode="lines",
            name=f"{name}, retrained",
            legendgroup=metric,
            showlegend=legend,
            line={"color": colour, "dash": "dot", "width": 1.5},
            hovertemplate=f"{name} of the retrained model: %{{y}}<extra></extra>",
            row=row,
            col=column,
        )
