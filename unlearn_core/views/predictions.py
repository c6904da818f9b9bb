"""What models answer: accuracy by class, where the examples of a set went, prediction matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.examples import recorded_in
from unlearn_core.views.layout import GRID, MARKERS, finish, lines_across, name_columns, short_names
from unlearn_core.views.names import SET_NAMES
from unlearn_core.views.palette import OUTLINE, method_colour

ALL = "all"
GROUPS = {name: (name,) for name in SET_NAMES} | {ALL: tuple(SET_NAMES)}
GROUP_NAMES = {**SET_NAMES, ALL: "of every set"}
HALVES = {"train": ("forget", "retain"), "test": ("forget_test", "retain_test")}
HALF_NAMES = {"train": "Training examples", "test": "Test examples"}
MANY_CLASSES = 24  # beyond, cells hold no numbers and accuracies are of the classes that change
FEW_CLASSES = 16  # of many, that are answered most
ROW = 34  # pixels of a row of cells
FRAME = "#D55E00"  # as around what a lesson speaks of
SHADE = "rgba(0, 114, 178, {})"


def class_rows(runs: Sequence[RunArtefact], sets: Sets, half: str, n_classes: int) -> pd.DataFrame:
    """Return one row per run and class of the training or test half.

    Columns: `label`, `method`, `number` (of the class), `n` and `accuracy`; no row where the half
    has no example of the class.
    """
    parts = []
    for run in runs:
        recorded, mask = run.predictions(), recorded_in(run, sets, HALVES[half])
        labels = recorded.labels[mask]
        is_right = recorded.predictions[mask] == labels
        counts = np.bincount(labels, minlength=n_classes)
        right = np.bincount(labels[is_right], minlength=n_classes)
        present = np.flatnonzero(counts)
        parts.append(
            pd.DataFrame(
                {
                    "label": run.label,
                    "method": run.config.method,
                    "number": present,
                    "n": counts[present],
                    "accuracy": right[present] / counts[present],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def most_changed(rows: pd.DataFrame, most: int = MANY_CLASSES) -> pd.DataFrame:
    """Return the rows of the classes whose accuracy differs most between models, at most `most`.

    Where there are more classes, none in which all models are alike, unless they are so in all.
    """
    spread = rows.groupby("number")["accuracy"].agg(np.ptp)
    if len(spread) > most and spread.any():
        spread = spread[spread > 0]
    kept = spread.sort_values(ascending=False, kind="stable").index[:most]
    return rows[rows["number"].isin(kept)]


def class_figure(rows: pd.DataFrame, classes: Sequence[str], forgotten: Sequence[int]) -> go.Figure:
    """Draw what `class_rows` returns: a marker a model, side by side over each class.

    Columns used: `label`, `method`, `number`, `n`, `accuracy`.
    """
    figure = go.Figure()
    labels = list(dict.fromkeys(rows["label"]))
    places = {number: place for place, number in enumerate(sorted(rows["number"].unique()))}
    for number, label in enumerate(labels):
        part = rows[rows["label"] == label]
        shift = 0.6 * ((number + 0.5) / len(labels) - 0.5)
        figure.add_scatter(
            x=[places[value] + shift for value in part["number"]],
            y=part["accuracy"].to_numpy(),
            customdata=part["n"].to_numpy(),
            hovertext=[classes[value] for value in part["number"]],
            mode="markers",
            name=label,
            marker={
                "symbol": MARKERS[number % len(MARKERS)],
                "color": method_colour(str(part["method"].iloc[0])),
                "size": 11,
            },
            hovertemplate=f"{label}: %{{y:.1%}} of %{{customdata}}, %{{hovertext}}<extra></extra>",
        )
    finish(figure, height=380)
    figure.update_xaxes(range=[-0.5, len(places) - 0.5], title="class")
    names = dict(zip(places, short_names([classes[n] for n in places]), strict=True))
    name_columns(
        figure, [f"<b>{names[n]}</b><br>to forget" if n in forgotten else names[n] for n in places]
    )
    figure.update_yaxes(title="accuracy", tickformat=".0%", range=[-0.04, 1.04])
    between = [place - 0.5 for place in range(1, len(places))]
    lines_across(figure, between, {"color": GRID, "width": 1})
    return figure


def answer_cells(
    runs: Sequence[RunArtefact], sets: Sets, group: str, n_classes: int
) -> pd.DataFrame:
    """Return how often each run answers each class on a group of `GROUPS`.

    Columns: `row` (the run's label), `column` (number of the answered class), `n` and `share` (of
    the group's examples that are answered with a class: a language model answers none so).
    """
    counts = {}
    for run in runs:
        answers = run.predictions().predictions[recorded_in(run, sets, GROUPS[group])]
        counts[run.label] = np.bincount(answers[answers >= 0], minlength=n_classes)  # -1: no class
    return _cells(counts)


def answered_shares(run: RunArtefact, sets: Sets, names: Sequence[str]) -> dict[str, float]:
    """Return the share of D_f that a run answers with each class, by its name."""
    cells = answer_cells([run], sets, "forget", len(names))
    return dict(zip(names, cells["share"].astype(float), strict=True))


def matrix_cells(run: RunArtefact, sets: Sets, group: str, n_classes: int) -> pd.DataFrame:
    """Return how often a run answers each class, by label, on a group of `GROUPS`.

    Columns as in `answer_cells`; `row` is the number of the label, of those in the group, and
    `share` is of the label's examples.
    """
    recorded, mask = run.predictions(), recorded_in(run, sets, GROUPS[group])
    labels, predicted = recorded.labels[mask], recorded.predictions[mask]
    counts = {
        int(number): np.bincount(
            predicted[(labels == number) & (predicted >= 0)], minlength=n_classes
        )
        for number in np.unique(labels)
    }
    return _cells(counts)


def _cells(counts: dict[str, np.ndarray] | dict[int, np.ndarray]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "row": row,
                "column": np.arange(len(numbers)),
                "n": numbers,
                "share": numbers / max(1, numbers.sum()),
            }
        )
        for row, numbers in counts.items()
    ]
    return pd.concat(parts, ignore_index=True)


def most_answered(cells: pd.DataFrame, most: int = FEW_CLASSES) -> pd.DataFrame:
    """Return the cells of the classes that some row answers most often, where rows are few.

    All where there are at most `MANY_CLASSES`, or as many rows: then one looks for the diagonal.
    """
    if max(cells["row"].nunique(), MANY_CLASSES) >= cells["column"].nunique():
        return cells
    largest = cells.groupby("column")["share"].max()
    if not largest.any():  # of what is kept, none is in the group
        return cells
    kept = largest[largest > 0].sort_values(ascending=False, kind="stable").index[:most]
    return cells[cells["column"].isin(kept)]


def only_some(drawn: pd.DataFrame, cells: pd.DataFrame) -> str:
    """Return the end of a caption that says that not all classes are drawn, where that is so."""
    return " Only the classes that are answered most." if len(drawn) < len(cells) else ""


def _frame(
    figure: go.Figure,
    keys: Sequence[object],
    numbers: Sequence[int],
    row: object,
    column: int | None,
) -> None:
    """Draw a frame around a cell, or all of a row or a column; none around what is not there."""
    if (row is None and column is None) or row not in [None, *keys]:
        return
    if column is not None and column not in numbers:
        return
    top, bottom = (0, len(keys) - 1) if row is None else (keys.index(row),) * 2
    left, right = (0, len(numbers) - 1) if column is None else (list(numbers).index(column),) * 2
    figure.add_shape(
        type="rect", x0=left - 0.5, x1=right + 0.5, y0=top - 0.5, y1=bottom + 0.5,
        line={"color": FRAME, "width": 3},
    )  # fmt: skip


def grid_figure(
    cells: pd.DataFrame,
    rows: Sequence[str],
    classes: Sequence[str],
    *,
    upright: str,
    opened: tuple[object, int | None] = (None, None),
) -> go.Figure:
    """Draw cells as a shaded grid that can be clicked; `customdata` is (`row`, `column`).

    `rows` are the names of the rows in order, and `classes` of all classes; `upright` says what
    rows are.  A frame marks the cell of the row and the column that are `opened`; of one that is
    None, all.
    """
    keys = list(dict.fromkeys(cells["row"]))
    places = [keys.index(key) for key in cells["row"]]
    numbers = sorted(cells["column"].unique())
    columns = [classes[number] for number in numbers]
    with_numbers = len(columns) <= MANY_CLASSES
    shares = cells.pivot_table(index="row", columns="column", values="share", sort=False)
    figure = go.Figure()
    figure.add_heatmap(
        z=shares.to_numpy(),
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        colorscale=[[0, SHADE.format(0)], [1, SHADE.format(0.6)]],
        showscale=False,
        hoverinfo="skip",
    )
    # Streamlit gives no clicks on a heatmap, so points lie over its cells
    figure.add_scatter(
        x=np.searchsorted(numbers, cells["column"]),
        y=places,
        customdata=cells[["row", "column"]].to_numpy(),
        mode="markers+text" if with_numbers else "markers",
        text=[f"{n:,}" if n else "" for n in cells["n"]],
        textfont={"color": OUTLINE, "size": 14},
        marker={"size": 24, "symbol": "square", "color": SHADE.format(0)},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}, "textfont": {"color": OUTLINE}},
        hovertext=[
            f"{rows[place]} → {classes[column]}: {n:,} ({share:.1%})"
            for place, column, n, share in zip(
                places, cells["column"], cells["n"], cells["share"], strict=True
            )
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    _frame(figure, keys, numbers, *opened)
    finish(figure, height=90 + ROW * max(len(rows), 2) if with_numbers else 700)
    figure.update_layout(
        margin={"t": 50, "b": 10, "l": 10, "r": 10}, hoverdistance=60, clickmode="event+select",
        dragmode=False,
    )  # fmt: skip
    figure.update_xaxes(
        side="top",
        title="answered class",
        range=[-0.5, len(columns) - 0.5],
        showgrid=False,
        automargin=True,
    )
    if with_numbers:
        name_columns(figure, short_names(columns), above=True)
    figure.update_yaxes(
        tickvals=list(range(len(rows))) if len(rows) <= MANY_CLASSES else None,
        ticktext=list(rows) if len(rows) <= MANY_CLASSES else None,
        title=upright,
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
        automargin=True,
    )
    return figure


def cell_ids(
    run: RunArtefact, sets: Sets, group: str, label: int | None, predicted: int | None
) -> list[int]:
    """Return the ids in a group of a class and of an answer, ascending; None stands for any."""
    recorded = run.predictions()
    mask = recorded_in(run, sets, GROUPS[group])
    if label is not None:
        mask &= recorded.labels == label
    if predicted is not None:
        mask &= recorded.predictions == predicted
    return sorted(recorded.example_ids[mask].tolist())


def only_label(labels: np.ndarray, sets: Sets, group: str) -> int | None:
    """Return the label that all examples of a group have; None where they have several."""
    present = np.unique(labels[np.isin(sets.names(), GROUPS[group])])
    return int(present[0]) if len(present) == 1 else None


def groups_of(sets: Sets) -> list[str]:
    """Return the groups that hold an example."""
    return [name for name in GROUPS if name == ALL or getattr(sets, name).any()]


def forgotten_classes(labels: np.ndarray, sets: Sets) -> list[int]:
    """Return the classes all of whose training examples are to be forgotten."""
    return sorted(set(labels[sets.forget].tolist()) - set(labels[sets.retain].tolist()))


def wrong_answers_text(cells: pd.DataFrame, label: int, classes: Sequence[str]) -> str:
    """Return what each model says most often where it is wrong, of examples of one label.

    `cells` are `answer_cells` of them, of whom each row's most frequent other answer counts.
    """
    wrong = cells[(cells["column"] != label) & (cells["n"] > 0)]
    most = wrong.sort_values("share", ascending=False, kind="stable").drop_duplicates("row")
    told = [
        f"{row} says **{classes[number]}** to {share:.0%}"
        for row, share, number in most[["row", "share", "column"]].itertuples(index=False)
    ]
    return f"Most frequent wrong answer: {', '.join(told)}." if told else ""


def cell_text(model: str, group: str, label: str, answer: str, n: int) -> str:
    """Return which images are shown, such as "**MUDA** answers 9 to 12 images to forget"."""
    true = f" that are labelled {label}" if label != "any" else ""
    said = f"answers **{answer}** to" if answer != "any" else "answers as follows to"
    examples = "1 example" if n == 1 else f"{n:,} examples"
    return f"**{model}** {said} {examples} {GROUP_NAMES[group]}{true}."
