"""The small maps of the Overview: positions, class and set of each example, for a few models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.data import Dataset
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.layout import LINE
from unlearn_core.views.palette import class_colour

MOST_KEPT = 700  # points of the retained classes in each small map


def small_map(run: RunArtefact, dataset: Dataset, sets: Sets) -> pd.DataFrame:
    """Return `title`, `example_id`, `x`, `y`, `class_name`, `label` and `is_forget` by example.

    Training examples only; every forgotten one and an even choice of the others.  Empty where
    the run has no map.
    """
    columns = ["title", "example_id", "x", "y", "class_name", "label", "is_forget"]
    file = run.map_facts.get("file")
    if not file or not run.has(file):
        return pd.DataFrame(columns=columns)
    table = run.table(file)
    ids = table["example_id"].to_numpy()
    kept = np.flatnonzero(sets.retain[ids])
    stride = max(1, int(np.ceil(len(kept) / MOST_KEPT)))
    rows = np.concatenate([kept[::stride], np.flatnonzero(sets.forget[ids])])
    chosen = table.iloc[rows].reset_index(drop=True)
    ids = chosen["example_id"].to_numpy()
    labels = dataset.labels[ids]
    return chosen.assign(
        title=run.label,
        class_name=[dataset.class_names[number] for number in labels],
        label=labels,
        is_forget=sets.forget[ids],
    )[columns]


HEIGHT = 400
MANY_CLASSES = 12  # beyond, a legend of classes helps nobody


def small_maps_figure(
    rows: pd.DataFrame, *, word: str = "to forget", colour: str | None = None
) -> go.Figure:
    """Draw what `views.small_maps.small_map` returns for one or more runs.

    Columns used: `title`, `example_id`, `x`, `y`, `class_name`, `label`, `is_forget`.  The legend
    calls the crosses of D_f `word`; they have their class's colour where `colour` is None.
    """
    titles = list(dict.fromkeys(rows["title"]))
    figure = make_subplots(cols=len(titles), subplot_titles=titles, horizontal_spacing=0.02)
    for column, title in enumerate(titles, start=1):
        panel = rows[rows["title"] == title]
        kept = panel[~panel["is_forget"]]
        for number, part in kept.groupby("label"):
            _points(figure, part, class_colour(int(str(number))), column)
        for number, part in panel[panel["is_forget"]].groupby("label"):
            shown = colour or class_colour(int(str(number)))
            _points(figure, part, shown, column, word=word)
    figure.update_xaxes(visible=False, matches="x")
    figure.update_yaxes(visible=False, matches="y", scaleanchor="x")
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 5, "r": 5, "t": 40, "b": 5},
        showlegend=rows["label"].nunique() <= MANY_CLASSES,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant"},
        uirevision="keep",
    )
    for number in range(1, len(titles) + 1):  # a frame, for the axes themselves are hidden
        suffix = "" if number == 1 else str(number)
        figure.add_shape(
            type="rect", x0=0, x1=1, y0=0, y1=1, line={"color": LINE, "width": 0.5},
            xref=f"x{suffix} domain", yref=f"y{suffix} domain",
        )  # fmt: skip
    return figure


def _points(
    figure: go.Figure, part: pd.DataFrame, colour: str, column: int, *, word: str = ""
) -> None:
    name, forget = str(part["class_name"].iloc[0]), bool(word)
    shown = f"{name} ({word})" if forget else name
    figure.add_scatter(
        x=part["x"].to_numpy(),
        y=part["y"].to_numpy(),
        mode="markers",
        name=shown,
        legendgroup=shown,
        showlegend=column == 1,
        marker={
            "color": colour,
            "size": 7 if forget else 4,
            "symbol": "x" if forget else "circle",
            "opacity": 0.9 if forget else 0.55,
            "line": {"width": 0.5 if forget else 0, "color": "black"},
        },
        customdata=part["example_id"].to_numpy(),
        hovertemplate=f"{shown}<br>example %{{customdata}}<extra></extra>",
        row=1,
        col=column,
    )
