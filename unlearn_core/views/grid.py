"""A grid of settings as parallel coordinates and a table: a line for each combination tried.

Settings have evenly spaced values, because a grid of learning rates is even on no other scale;
metrics have a scale of their own, with the retrained model's value marked on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.verdict import WORDS
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.grid import variants, varied
from unlearn_core.runs.report import Report
from unlearn_core.views.jobs import value_text
from unlearn_core.views.layout import LETTER, LINE, finish
from unlearn_core.views.palette import METHOD_COLOURS, OUTLINE, VERDICT_COLOURS, VERDICT_ICONS
from unlearn_core.views.symbols import as_html
from unlearn_core.views.wording import format_value

USUAL_METRICS = (
    *("forget_accuracy", "retain_test_accuracy", "perplexity_forget", "perplexity_retain_test"),
    *("dimensional_alignment", "mia_rfa"),
    "unlearn_seconds",
)
VERDICT = "verdict"
HEIGHT = 520
MOST_WRITTEN = 12  # values of a setting that are written beside its axis
REFERENCE_MARKS = {"retrained": ("Retrained", "star"), "original": ("Original", "circle-open")}


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The variants of one method in a comparison.

    `settings` are the names of those that differ; `rows` has a row a variant with `label`, `word`
    (its verdict), `n_seeds`, a column for each of these settings and one for each metric (the mean
    over seeds, NaN where missing); `references` has the mean of the `original` and the
    `retrained` models by metric.
    """

    method: str
    settings: tuple[str, ...]
    rows: pd.DataFrame
    references: Mapping[str, Mapping[str, float]]

    @property
    def metrics(self) -> dict[str, str]:
        """Return what the metrics are called of which there is a value, by name."""
        known = {name: spec.label for name, spec in METRICS.items() if name in self.rows}
        return {name: label for name, label in known.items() if self.rows[name].notna().any()}


def grid_of(comparison: Comparison, report: Report, method: str) -> Grid:
    """Return the variants of a method that ran with several settings; see `variants`."""
    runs = variants(comparison)[method]
    names = varied(run.settings for run in runs.values())
    summary = report.summary[report.summary["label"].isin(runs)]
    means = summary.pivot_table(index="label", columns="metric", values="mean", dropna=False)
    words = report.verdicts.set_index("label")["word"]
    seeds = report.rows.groupby("label")["seed"].nunique()
    rows = [
        {
            "label": label,
            "word": words[label],
            "n_seeds": int(seeds[label]),
            **{name: run.settings.get(name) for name in names},
        }
        for label, run in runs.items()
    ]
    table = pd.DataFrame(rows).join(means, on="label")
    references = {
        name: {str(metric): float(value) for metric, value in means.items()}
        for name in REFERENCE_MARKS
        for means in [summary.groupby("metric")[name].first().dropna()]
    }
    return Grid(
        method=method,
        settings=tuple(names),
        rows=table.sort_values(list(names), key=_sortable, ignore_index=True),
        references=references,
    )


def _sortable(column: pd.Series[Any]) -> pd.Series[Any]:
    order = {value_text(value): place for place, value in enumerate(_ordered(column))}
    return column.map(lambda value: order[value_text(value)])


def _ordered(column: Collection[Any]) -> list[Any]:
    """Return a setting's values, each once: numbers by size, others by name."""
    distinct = {value_text(value): value for value in column}
    is_number = all(isinstance(value, int | float) for value in distinct.values())
    return sorted(distinct.values(), key=None if is_number else value_text)


def conditions(grid: Grid) -> dict[str, tuple[str, str]]:
    """Return what lines may be asked for: by its words, a column and its value's text.

    Such as "gamma 0.25" or "verdict: matched".
    """
    found = {
        f"{name.replace('_', ' ')} {value_text(value)}": (name, value_text(value))
        for name in grid.settings
        for value in _ordered(grid.rows[name])
    }
    words = [word for word in WORDS if word in set(grid.rows["word"])]
    return found | {f"{VERDICT}: {word}": ("word", word) for word in words}


def only(grid: Grid, asked: Sequence[str]) -> pd.DataFrame:
    """Return the rows that meet these conditions: of each column one of those that are asked."""
    known, rows = conditions(grid), grid.rows
    wanted: dict[str, set[str]] = {}
    for words in asked:
        column, text = known[words]
        wanted.setdefault(column, set()).add(text)
    for column, texts in wanted.items():
        rows = rows[rows[column].map(value_text).isin(texts)]
    return rows


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One vertical axis: its title, the place in [0, 1] of each row, and what is written on it."""

    title: str
    places: list[float | None]
    texts: list[str]
    ticks: list[tuple[float, str]]
    marks: dict[str, tuple[float, str]]


def _named_axis(title: str, values: Sequence[str], order: Sequence[str]) -> Axis:
    places = {value: place / max(1, len(order) - 1) for place, value in enumerate(order)}
    step = -(-len(order) // MOST_WRITTEN)
    ticks = [(places[value], value) for value in order[::step]]
    return Axis(
        title=title, places=[places[v] for v in values], texts=list(values), ticks=ticks, marks={}
    )


def _metric_axis(grid: Grid, name: str, rows: pd.DataFrame) -> Axis:
    known = {ref: means[name] for ref, means in grid.references.items() if name in means}
    values = [*rows[name].dropna(), *known.values()]
    low, high = min(values, default=0.0), max(values, default=1.0)

    def place(value: float) -> float:
        return (value - low) / (high - low) if high > low else 0.5

    ends = dict.fromkeys((low, high))
    return Axis(
        title=METRICS[name].label,
        places=[None if pd.isna(value) else place(value) for value in rows[name]],
        texts=[format_value(name, value) for value in rows[name]],
        ticks=[(place(value), format_value(name, value)) for value in ends],
        marks={ref: (place(value), format_value(name, value)) for ref, value in known.items()},
    )


def axes(grid: Grid, rows: pd.DataFrame, metrics: Sequence[str]) -> list[Axis]:
    """Return the axes from left to right: settings, metrics, and the verdict."""
    settings = [
        _named_axis(
            name.replace("_", " "),
            [value_text(value) for value in rows[name]],
            [value_text(value) for value in _ordered(grid.rows[name])],
        )
        for name in grid.settings
    ]
    words = [word for word in reversed(WORDS) if word in set(grid.rows["word"])]
    verdict = _named_axis(VERDICT, list(rows["word"]), words)
    return [*settings, *(_metric_axis(grid, name, rows) for name in metrics), verdict]


def grid_figure(grid: Grid, rows: pd.DataFrame, metrics: Sequence[str]) -> go.Figure:
    """Draw a line for each row of `rows`, in the colour of its verdict; a point has its row.

    The verdict is an axis too, so that lines are told apart without their colours.
    """
    drawn = axes(grid, rows, metrics)
    figure = go.Figure()
    in_legend: set[str] = set()
    for place, (number, row) in enumerate(rows.iterrows()):
        word = str(row["word"])
        told = [f"{as_html(axis.title)} {as_html(axis.texts[place])}" for axis in drawn]
        figure.add_scatter(
            x=list(range(len(drawn))),
            y=[axis.places[place] for axis in drawn],
            customdata=[number] * len(drawn),
            mode="lines+markers",
            name=f"{VERDICT_ICONS[word]} {word}",
            legendgroup=word,
            showlegend=word not in in_legend,
            line={"color": VERDICT_COLOURS[word], "width": 2},
            marker={"size": 9, "line": {"width": 1, "color": OUTLINE}},
            hovertemplate="<br>".join(told) + "<extra></extra>",
        )
        in_legend.add(word)
    for name, (label, symbol) in REFERENCE_MARKS.items():
        _references(figure, drawn, name, label, symbol)
    _scales(figure, drawn)
    return figure


def _references(
    figure: go.Figure, drawn: Sequence[Axis], name: str, label: str, symbol: str
) -> None:
    marked = [(x, *axis.marks[name]) for x, axis in enumerate(drawn) if name in axis.marks]
    method = "retrain" if name == "retrained" else name
    figure.add_scatter(
        x=[x for x, *_ in marked],
        y=[y for _, y, _ in marked],
        text=[text for *_, text in marked],
        mode="markers",
        name=label,
        marker={
            "symbol": symbol,
            "size": 15,
            "color": METHOD_COLOURS[method],
            "line": {"width": 2, "color": METHOD_COLOURS[method]},
        },
        hovertemplate=f"{label}: %{{text}}<extra></extra>",
    )


def _scales(figure: go.Figure, drawn: Sequence[Axis]) -> None:
    """Draw each axis with its title above it and its values to its left, the last one's right."""
    for x, axis in enumerate(drawn):
        figure.add_shape(
            type="line", x0=x, x1=x, y0=0, y1=1, line={"color": LINE, "width": 1}, layer="below"
        )
        figure.add_annotation(
            x=x, y=1.14, text=f"<b>{as_html(axis.title)}</b>", showarrow=False, font={"size": 15}
        )
        for y, text in axis.ticks:
            is_end = bool(axis.marks)  # of a metric: above and below, where no line crosses it
            is_last = x == len(drawn) - 1  # no line leaves it
            figure.add_annotation(
                x=x, y=y, text=as_html(text), showarrow=False, font={"size": 13},
                xanchor="center" if is_end else "left" if is_last else "right",
                xshift=0 if is_end else 12 if is_last else -10,
                yshift=(20 if y > 0 else -20) if is_end else 9,
            )  # fmt: skip
    finish(figure, height=HEIGHT)
    longest = max((len(text) for _, text in drawn[-1].ticks), default=0)
    room = 24 + round(LETTER * longest)
    figure.update_layout(margin={"l": 20, "r": room, "t": 60, "b": 20}, dragmode="select")
    figure.update_layout(legend={"y": 1.02, "font": {"size": 14}})
    figure.update_xaxes(visible=False, range=[-0.6, len(drawn) - 0.9], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-0.12, 1.2], fixedrange=True)


def picked(points: Sequence[Mapping[str, Any]], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose lines a reader chose in the chart; all where none is chosen."""
    numbers = {point["customdata"] for point in points if "customdata" in point}
    chosen = rows[rows.index.isin(numbers)]
    return rows if chosen.empty else chosen


def count_text(grid: Grid, rows: pd.DataFrame) -> str:
    """Return how many of the combinations are drawn, and which settings they differ in.

    Such as "3 of 6 combinations of gamma and rank."
    """
    n = len(grid.rows)
    shown = f"{n}" if len(rows) == n else f"{len(rows)} of {n}"
    *others, last = (name.replace("_", " ") for name in grid.settings)
    what = f"{', '.join(others)} and {last}" if others else last
    return f"{shown} combinations of {what}."


def grid_table(grid: Grid, rows: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Return the rows for people: settings, verdict, seeds and metrics, with the retrained one.

    Numbers are numbers, so that a click on a heading sorts; the last line is the retrained
    model's.
    """
    columns = {name: name.replace("_", " ") for name in grid.settings}
    labels = {name: METRICS[name].label for name in metrics}
    table = rows[[*grid.settings, "word", "n_seeds", *metrics]].copy()
    for name in grid.settings:
        if table[name].map(lambda value: isinstance(value, bool | str | list | tuple)).any():
            table[name] = table[name].map(value_text)
    retrained = grid.references["retrained"]
    goal = {"word": "retrained", **{name: retrained.get(name) for name in metrics}}
    table = pd.concat([table, pd.DataFrame([goal])], ignore_index=True)
    table["n_seeds"] = table["n_seeds"].astype("Int64")
    return table.rename(columns={**columns, **labels, "word": VERDICT, "n_seeds": "seeds"})


def number_format(metric: str) -> str:
    """Return how a table's column of this metric writes its numbers."""
    unit = METRICS[metric].unit
    if unit.startswith("fraction"):
        return "percent"
    return {"seconds": "%.2f s", "count": "%d"}.get(unit, "%.3f")
