"""Small maps of a few models side by side, as on the Overview: where each training image lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.data import Dataset
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.layout import framed
from unlearn_core.views.names import INCREMENTAL_NAMES
from unlearn_core.views.palette import FORGET_MARK, class_colours, class_scale

MOST_KEPT = 700  # points of the retained classes in each small map
HEIGHT = 400
KEPT_MARK = {"size": 4, "opacity": 0.55}
COMPACT = 0.65  # of a mark's size where maps are small
MANY_CLASSES = 12  # beyond, a legend of classes helps nobody


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


def old_and_new_maps(
    models: Mapping[str, RunArtefact], dataset: Dataset, sets: Sets
) -> pd.DataFrame:
    """Return the old and the new model's map as `small_map` does, with the model as `title`.

    `models` is what `old_and_new` returns; a model without a map has no rows.
    """
    parts = [
        small_map(run, dataset, sets).assign(title=INCREMENTAL_NAMES[name])
        for name, run in models.items()
    ]
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled or parts, ignore_index=True)


def small_maps_figure(
    rows: pd.DataFrame, *, word: str = "to forget", compact: int = 0
) -> go.Figure:
    """Draw what `small_map` returns for one or more runs.

    Columns used: `title`, `example_id`, `x`, `y`, `class_name`, `label`, `is_forget`.  The legend
    calls the diamonds of D_f `word`; their colour is their class's.  `compact` is the height in
    pixels of a smaller figure with smaller marks and without the legend.
    """
    titles = list(dict.fromkeys(rows["title"]))
    forgotten = rows[rows["is_forget"]]["label"].tolist()
    colours = class_colours(1 + int(rows["label"].max()), forgotten)
    has_legend = not compact and rows["label"].nunique() <= MANY_CLASSES
    figure = make_subplots(cols=len(titles), subplot_titles=titles, horizontal_spacing=0.02)
    for column, title in enumerate(titles, start=1):
        panel = rows[rows["title"] == title]
        for is_forget in (False, True):
            part = panel[panel["is_forget"] == is_forget]
            kind = word if is_forget else ""
            # without a legend one trace is enough, which is drawn much sooner than one a class
            classes = part.groupby("label") if has_legend else [(None, part)]
            for _, points in classes:
                if len(points):
                    size = COMPACT if compact else 1
                    trace = _points(points, colours, has_legend, word=kind, size=size)
                    figure.add_trace(trace.update(showlegend=column == 1), row=1, col=column)
    figure.update_xaxes(visible=False, matches="x")
    figure.update_yaxes(visible=False, matches="y", scaleanchor="x")
    figure.update_layout(
        height=compact or HEIGHT,
        margin={"l": 1, "r": 1, "t": 22, "b": 1} if compact else {"l": 5, "r": 5, "t": 40, "b": 5},
        showlegend=has_legend,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant"},
        uirevision="keep",
    )
    framed(figure, len(titles))
    return figure


def _points(
    part: pd.DataFrame, colours: Sequence[str], is_one_class: bool, *, word: str, size: float
) -> go.Scatter:
    """Return points with the colours of their classes, all of one class or of any."""
    mark = {"size": 8, "opacity": 0.95, **FORGET_MARK} if word else KEPT_MARK
    names = [f"{name} ({word})" if word else name for name in part["class_name"]]
    said = names[0] if is_one_class else "%{text}"
    labels = part["label"].to_numpy()
    colour = {"color": colours[labels[0]]} if is_one_class else class_scale(labels, colours)
    return go.Scatter(
        x=part["x"].to_numpy(),
        y=part["y"].to_numpy(),
        mode="markers",
        name=names[0] if is_one_class else word,
        legendgroup=names[0] if is_one_class else word,
        marker={**mark, **colour, "size": mark["size"] * size},
        text=None if is_one_class else names,
        customdata=part["example_id"].to_numpy(),
        hovertemplate=f"{said}<br>example %{{customdata}}<extra></extra>",
    )


def small_maps_caption(comparison: Comparison, keys: Sequence[str], n_points: int) -> str:
    """Return neighbours, seed and trustworthiness of the maps of these runs."""
    runs = (*comparison.runs, *comparison.learned)
    facts = [run.map_facts for run in runs if run.key in keys]
    facts = [fact for fact in facts if fact.get("file")]
    trust = {value for fact in facts if (value := fact["trustworthiness"]) is not None}
    lowest = min(trust, default=float("nan"))
    spread = f"{lowest:.3f} or more" if len(trust) > 1 else f"{lowest:.2f}"
    return (
        f"All maps are aligned to the original's; {facts[0]['n_neighbors']} neighbours, map seed "
        f"{facts[0]['seed']}, trustworthiness {spread}; {n_points // len(facts):,} of "
        f"{facts[0]['n_examples']:,} mapped examples are drawn in each."
    )
