"""One example in all models: what each answers, what lies next to it, and the way it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from unlearn_core.metrics.nearest import nearest_examples
from unlearn_core.records import Records, Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.tracked import tracked_examples
from unlearn_core.views.examples import rows_of
from unlearn_core.views.layout import LINE, finish, framed, name_columns, short_names
from unlearn_core.views.manifold.points import FORGET_SETS
from unlearn_core.views.palette import (
    FORGET_MARK,
    OUTLINE,
    class_colour,
    class_colours,
    class_scale,
)

NEAREST = 8
MOST_CLASSES = 12  # columns of probabilities; of more classes the likeliest
ROW = 34  # pixels of a model's row
SHADE = "rgba(0, 114, 178, {})"


def usual_example(sets: Sets, kept: Sets) -> int:
    """Return the first example to forget of those that are followed during unlearning.

    `kept` are the sets with those examples alone that can be shown.
    """
    followed = np.flatnonzero(tracked_examples(sets) & kept.forget)
    return int(followed[0]) if len(followed) else int(np.flatnonzero(kept.forget)[0])


def last_id(sets: Sets) -> int:
    """Return the largest id of the data set."""
    return len(sets.forget) - 1


def is_recorded(sets: Sets, example_id: int) -> bool:
    """Say whether an example is in one of the sets, so that models' answers are kept."""
    return 0 <= example_id < len(sets.forget) and bool(sets.names()[example_id])


def next_in_set(sets: Sets, example_id: int, step: int) -> int:
    """Return the id `step` places on in the example's own set, going round at its ends.

    An example in none is taken for one to forget.
    """
    names = sets.names()
    name = names[example_id] or "forget"
    ids = np.flatnonzero(names == name)
    place = int(np.searchsorted(ids, example_id))
    return int(ids[(place + step) % len(ids)])


def probability_rows(
    runs: Sequence[RunArtefact], example_id: int, classes: Sequence[str]
) -> pd.DataFrame:
    """Return each model's probabilities of one example: a row a run, a column a class.

    With more than `MOST_CLASSES` classes only those which some model finds likeliest.
    """
    rows = {}
    for run in runs:
        recorded = run.predictions()
        [row] = rows_of(np.array([example_id]), recorded.example_ids)
        rows[run.label] = recorded.probabilities[row]
    return likely_classes(pd.DataFrame.from_dict(rows, orient="index", columns=list(classes)))


def likely_classes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the `MOST_CLASSES` classes that some model finds likeliest."""
    if len(table.columns) > MOST_CLASSES:
        likeliest = table.max().sort_values(ascending=False, kind="stable").index[:MOST_CLASSES]
        table = table[[name for name in table.columns if name in set(likeliest)]]
    return table


def probability_figure(table: pd.DataFrame, true_class: str) -> go.Figure:
    """Draw what `probability_rows` returns as a shaded grid; the true class's name is in bold."""
    shown = [
        f"<b>{short}</b>" if name == true_class else short
        for name, short in zip(table.columns, short_names(list(table.columns)), strict=True)
    ]
    figure = go.Figure()
    figure.add_heatmap(
        z=table.to_numpy(),
        x=list(range(len(table.columns))),  # no names: an axis takes "7" for a place
        y=list(table.index),
        text=[[f"{value:.0%}" if value >= 0.005 else "" for value in row] for row in table.values],
        texttemplate="%{text}",
        textfont={"color": OUTLINE, "size": 14},
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        colorscale=[[0, SHADE.format(0)], [1, SHADE.format(0.6)]],
        showscale=False,
        customdata=[list(table.columns)] * len(table),
        hovertemplate="%{y}: class %{customdata} %{z:.2%}<extra></extra>",
    )
    finish(figure, height=80 + ROW * max(len(table), 2))
    figure.update_layout(margin={"t": 50, "b": 10, "l": 10, "r": 10})
    figure.update_xaxes(side="top", title="class", showgrid=False)
    name_columns(figure, shown, above=True)
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    return figure


def neighbours(records: Records, example_id: int) -> pd.DataFrame:
    """Return `example_id` and `cosine` of the training examples nearest to one, itself left out.

    Empty where no features were kept or they are not finite.
    """
    [row] = rows_of(np.array([example_id]), records.example_ids)
    others = records.where(records.example_ids != example_id)
    return nearest_training(others, records.features[row])


def nearest_training(records: Records, features: NDArray[np.floating]) -> pd.DataFrame:
    """Return `example_id` and `cosine` of the training examples nearest to some features.

    Empty where no features were kept or they are not finite.
    """
    is_usable = np.isfinite(features).all() and np.isfinite(records.features).all()
    if not records.features.shape[1] or not is_usable:
        return pd.DataFrame(columns=["example_id", "cosine"])
    among = records.where(records.is_train)
    rows, cosines = nearest_examples(among.features, features, NEAREST)
    return pd.DataFrame({"example_id": among.example_ids[rows], "cosine": cosines})


def neighbours_text(classes: Sequence[str]) -> str:
    """Return how the classes of some neighbours are shared out, such as "5 x 9, 3 x 7"."""
    counts = pd.Series(list(classes)).value_counts()
    return ", ".join(f"{n} x {name}" for name, n in counts.items())


def path_figure(
    steps: Mapping[str, pd.DataFrame], labels: Mapping[int, int], example_id: int, name: str
) -> go.Figure:
    """Draw an example's way over each model's map, a panel a model.

    Parameters
    ----------
    steps : mapping of str to DataFrame
        By the model's label: `step`, `example_id`, `x`, `y` of the followed examples.
    labels : mapping of int to int
        The class of each followed example.
    example_id : int
    name : str
        The example's set.
    """
    figure = make_subplots(cols=len(steps), subplot_titles=list(steps), horizontal_spacing=0.02)
    colours = class_colours(1 + max(labels.values()), ())
    mark = {**FORGET_MARK} if name in FORGET_SETS else {"symbol": "circle", "line": {"width": 1}}
    for column, table in enumerate(steps.values(), start=1):
        last = table[(table["step"] == table["step"].max()) & (table["example_id"] != example_id)]
        figure.add_scatter(
            x=last["x"].to_numpy(),
            y=last["y"].to_numpy(),
            mode="markers",
            marker={
                **class_scale(np.array([labels[i] for i in last["example_id"]]), colours),
                "size": 4,
                "opacity": 0.4,
            },
            hoverinfo="skip",
            showlegend=False,
            row=1,
            col=column,
        )
        way = table[table["example_id"] == example_id].sort_values("step")
        sizes = [6] * (len(way) - 1) + [14]
        figure.add_scatter(
            x=way["x"].to_numpy(),
            y=way["y"].to_numpy(),
            customdata=way["step"].to_numpy(),
            mode="lines+markers+text",
            text=["start", *[""] * (len(way) - 2), "end"][: len(way)],
            textposition="top center",
            line={"color": LINE, "width": 1.5},
            marker={**mark, "size": sizes, "color": class_colour(labels[example_id])},
            hovertemplate="step %{customdata}<extra></extra>",
            showlegend=False,
            row=1,
            col=column,
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    finish(figure, height=340)
    figure.update_layout(margin={"t": 40, "b": 5, "l": 5, "r": 5})
    framed(figure, len(steps))
    return figure
