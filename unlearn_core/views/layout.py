"""What all figures share: margins, legend, grid, and how models are told apart without colour."""

from __future__ import annotations

from collections.abc import Iterable

import plotly.graph_objects as go

GRID = "rgba(128, 128, 128, 0.25)"
LINE = "rgba(128, 128, 128, 0.9)"
TYPE = 17  # pixels of large type
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "cross", "triangle-up", "star", "pentagon", "hexagon")


def finish(figure: go.Figure, *, height: int, title: str = "") -> go.Figure:
    """Set margins, a legend above the plot and light grids; return the same figure."""
    figure.update_layout(
        height=height,
        title={"text": title, "x": 0, "font": {"size": 15}} if title else None,
        margin={"l": 60, "r": 20, "t": 70 if title else 40, "b": 50},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.03, "x": 0, "title": None},
        hovermode="closest",
        uirevision="keep",
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False)
    figure.update_yaxes(gridcolor=GRID, zeroline=False)
    return figure


def enlarged(figure: go.Figure) -> go.Figure:
    """Return a copy with type that can be read from the back of a room."""
    large = go.Figure(figure)
    large.update_layout(font={"size": TYPE}, legend={"font": {"size": TYPE}})
    for each in (large.update_xaxes, large.update_yaxes):
        each(tickfont={"size": TYPE}, title={"font": {"size": TYPE + 1}})
    large.for_each_annotation(lambda note: note.update(font={"size": TYPE}))
    return large


def numbered(labels: Iterable[str]) -> dict[str, int]:
    """Number labels from 0 in their order; the number picks a dash and a marker beside the colour.

    Examples
    --------
    >>> numbered(["MUDA", "RFA", "MUDA"])
    {'MUDA': 0, 'RFA': 1}
    """
    return {label: number for number, label in enumerate(dict.fromkeys(labels))}
