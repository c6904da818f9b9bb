"""Eigenvalue spectra: over how many directions the features of D_f and of D_r are spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.records import Sets
from unlearn_core.runs.artefact import ARRAYS, RunArtefact
from unlearn_core.subspace import effective_rank_of, spectrum
from unlearn_core.views.layout import DASHES, finish, lines_across, numbered
from unlearn_core.views.names import SET_SYMBOLS
from unlearn_core.views.palette import method_colour
from unlearn_core.views.symbols import as_html

SETS = ("forget", "retain")
FLOOR = 1e-7  # smaller shares are rounding
HEIGHT = 430
COLUMNS = ["label", "method", "seed", "set", "index", "share", "effective_rank", "n_examples"]


def spectra_rows(run: RunArtefact, sets: Sets) -> pd.DataFrame:
    """Return one row per set and eigenvalue of F^T F.

    Columns: `label`, `method`, `seed`, `set` ("forget" or "retain"), `index` (from 1), `share`
    (the eigenvalue over their sum), `effective_rank` (exp of the shares' entropy) and
    `n_examples`.  Empty where the run has no recorded features, or they are not finite.
    """
    if not run.has(ARRAYS):
        return pd.DataFrame(columns=COLUMNS)
    records = run.records()
    parts = []
    for name in SETS:
        features = records.features[getattr(sets, name)[records.example_ids]]
        if not len(features) or not np.isfinite(features).all():
            continue
        eigenvalues = spectrum(features)
        if not eigenvalues.any():
            continue
        part = pd.DataFrame(
            {
                "index": np.arange(1, len(eigenvalues) + 1),
                "share": eigenvalues / eigenvalues.sum(),
            }
        )
        parts.append(
            part[part["share"] > FLOOR].assign(
                set=name,
                effective_rank=effective_rank_of(eigenvalues),
                n_examples=len(features),
            )
        )
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(label=run.label, method=run.config.method, seed=run.config.seed)
    return table[COLUMNS]


def rank_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the effective ranks, one row per model, one column per set."""
    ranks = rows.drop_duplicates(["label", "seed", "set"])
    table = ranks.pivot_table(
        values="effective_rank", index=["label", "seed"], columns="set", sort=False
    )
    names = {name: f"Effective rank of {SET_SYMBOLS[name]}" for name in SETS}
    table = table.rename(columns=names).rename_axis(columns=None).round(2)
    return table.reset_index().rename(columns={"label": "Model", "seed": "Seed"})


def sizes_text(rows: pd.DataFrame) -> str:
    """Return how many examples each set has, such as "146 examples of D_f, 1,292 of D_r"."""
    sizes = rows.groupby("set", sort=False)["n_examples"].first()
    return ", ".join(f"{sizes[name]:,} of {SET_SYMBOLS[name]}" for name in SETS if name in sizes)


def spectra_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw what `spectra_rows` returns for one or more runs.

    Columns used: `label`, `method`, `seed`, `set`, `index`, `share`, `effective_rank`.  A
    vertical line marks each model's effective rank.
    """
    titles = [f"features of {as_html(SET_SYMBOLS[name])}" for name in SETS]
    figure = make_subplots(
        cols=2, subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.05
    )
    numbers = numbered(rows["label"])
    in_legend: set[str] = set()
    for key, part in rows.groupby(["label", "method", "seed", "set"], sort=False):
        label, method, seed, name = (str(text) for text in key)
        column = SETS.index(name) + 1
        dash = DASHES[numbers[label] % len(DASHES)]
        figure.add_scatter(
            x=part["index"].to_numpy(),
            y=part["share"].to_numpy(),
            mode="lines",
            name=label,
            legendgroup=label,
            showlegend=label not in in_legend,
            line={"color": method_colour(method), "dash": dash},
            hovertemplate=f"{label}, seed {seed}<br>eigenvalue %{{x}}: %{{y:.2%}} of the sum",
            row=1,
            col=column,
        )
        rank = float(part["effective_rank"].iloc[0])
        line = {"color": method_colour(method), "dash": "dot", "width": 1.5}
        lines_across(figure, [rank], line, panel=column)
        in_legend.add(label)
    finish(figure, height=HEIGHT)
    figure.update_layout(legend={"y": 1.12}, margin={"t": 80})
    figure.update_xaxes(title="eigenvalue, from the largest")
    figure.update_yaxes(type="log", exponentformat="power", dtick=1)
    figure.update_yaxes(title="share of their sum", row=1, col=1)
    return figure
