"""Curves by step of every method, with original and retrained model as horizontal lines."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from unlearn_core.views.curves import AXES
from unlearn_core.views.figures.layout import DASHES, finish, variants
from unlearn_core.views.palette import method_colour
from unlearn_core.views.symbols import as_html

HEIGHT = 480
LINE_NAMES = {"original": "Original", "retrain": "Retrained"}


def course_figure(
    rows: pd.DataFrame,
    lines: Mapping[str, float],
    *,
    axis: str,
    title: str,
    percent: bool = False,
    during: str = "unlearning",
) -> go.Figure:
    """Draw one quantity of every method against `axis` ("step", "share" or "seconds").

    Columns used: `label`, `method`, `seed`, `value` and the axis.  `lines` maps "original" and
    "retrain" to their values, and `during` says what the steps do.  Variants of a method differ by
    dash, seeds are drawn alike.
    """
    figure = go.Figure()
    numbers = variants(zip(rows["label"], rows["method"], strict=True))
    shown: set[str] = set()
    few = len(rows) <= 40 * max(len(numbers), 1)
    for key, part in rows.groupby(["label", "method", "seed"], sort=False):
        label, method, seed = (str(name) for name in key)
        figure.add_scatter(
            x=part[axis].to_numpy(),
            y=part["value"].to_numpy(),
            mode="lines+markers" if few else "lines",
            name=label,
            legendgroup=label,
            showlegend=label not in shown,
            line={"color": method_colour(method), "dash": DASHES[numbers[label] % len(DASHES)]},
            marker={"size": 6},
            hovertemplate=f"{label}, seed {seed}<br>%{{x}}: %{{y}}",
        )
        shown.add(label)
    for name, value in lines.items():
        _reference(figure, name, value, percent)
    finish(figure, height=HEIGHT)
    figure.update_xaxes(
        title=AXES[axis].lower() + (f" of {during}" if axis != "share" else ""),
        tickformat=".0%" if axis == "share" else None,
    )
    figure.update_yaxes(title=as_html(title), tickformat=".0%" if percent else None)
    below = {"y": -0.2, "yanchor": "top"}  # with many runs it takes several lines
    figure.update_layout(margin={"r": 130, "t": 15}, legend=below)
    return figure


def _reference(figure: go.Figure, name: str, value: float, percent: bool) -> None:
    colour = method_colour(name)
    text = f"{value:.1%}" if percent else f"{value:.3f}"
    dash = "dot" if name == "original" else "dash"
    figure.add_hline(y=value, line={"color": colour, "dash": dash, "width": 2})
    figure.add_annotation(
        x=1,
        xref="paper",
        xanchor="left",
        y=value,
        yanchor="bottom" if name == "original" else "top",
        xshift=6,
        text=f"{LINE_NAMES[name]} {text}",
        showarrow=False,
        font={"color": colour},
    )
