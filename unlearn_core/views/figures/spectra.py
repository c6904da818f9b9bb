"""Eigenvalue spectra of several models, D_f and D_r side by side."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.views.figures.layout import DASHES, finish, variants
from unlearn_core.views.palette import method_colour
from unlearn_core.views.spectra import SHOWN_SETS
from unlearn_core.views.symbols import as_html

HEIGHT = 430


def spectra_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw what `views.spectra.spectra` returns for one or more runs.

    Columns used: `label`, `method`, `seed`, `set`, `index`, `share`, `effective_rank`.  A
    vertical line marks each model's effective rank.
    """
    titles = [f"features of {as_html(name)}" for name in SHOWN_SETS.values()]
    figure = make_subplots(
        cols=2, subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.05
    )
    numbers = variants(zip(rows["label"], rows["method"], strict=True))
    shown: set[str] = set()
    for key, part in rows.groupby(["label", "method", "seed", "set"], sort=False):
        label, method, seed, name = (str(text) for text in key)
        column = list(SHOWN_SETS).index(name) + 1
        dash = DASHES[numbers[label] % len(DASHES)]
        figure.add_scatter(
            x=part["index"].to_numpy(),
            y=part["share"].to_numpy(),
            mode="lines",
            name=label,
            legendgroup=label,
            showlegend=label not in shown,
            line={"color": method_colour(method), "dash": dash},
            hovertemplate=f"{label}, seed {seed}<br>eigenvalue %{{x}}: %{{y:.2%}} of the sum",
            row=1,
            col=column,
        )
        rank = float(part["effective_rank"].iloc[0])
        line = {"color": method_colour(method), "dash": "dot", "width": 1.5}
        figure.add_vline(x=rank, line=line, row=1, col=column)
        shown.add(label)
    finish(figure, height=HEIGHT)
    figure.update_layout(legend={"y": 1.12}, margin={"t": 80})
    figure.update_xaxes(title="eigenvalue, from the largest")
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    figure.update_yaxes(title="share of their sum", row=1, col=1)
    return figure
