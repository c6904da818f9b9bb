"""What all figures share: margins, legend, grid, and how models are told apart without colour."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from unlearn_core.views.excerpts import first_words

GRID = "rgba(128, 128, 128, 0.25)"
LINE = "rgba(128, 128, 128, 0.9)"
TYPE = 17  # pixels of large type
TILT, LETTER, WIDTH = 35, 6.6, 900  # of names: degrees, pixels a letter and a plot takes
LONGEST_NAME = 28  # letters
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


def short_name(name: str) -> str:
    """Return a name that fits beside a plot; the whole is to be told on hover.

    >>> short_name("balance not updated after cheque or cash deposit")
    'balance not updated after…'
    """
    return first_words(name, LONGEST_NAME)


def name_columns(figure: go.Figure, names: Sequence[str], *, above: bool = False) -> go.Figure:
    """Name the columns 0, 1, ... of a figure, tilted where they are long, and make room for them.

    The plot stays as high as it was.  Names may be bold, and of two lines.
    """
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=list(names))
    letters = [max(len(re.sub("<.*?>", "", line)) for line in name.split("<br>")) for name in names]
    if sum(letters) * LETTER > WIDTH:
        names = [name.replace("<br>", ", ") for name in names]
        letters = [len(re.sub("<.*?>", "", name)) for name in names]
        room = round(max(letters) * LETTER * math.sin(math.radians(TILT))) + 12
        margin = dict(figure.layout.margin.to_plotly_json())
        side = "t" if above else "b"
        margin[side] = margin.get(side, 0) + room
        if above:  # the last names lean out of the plot
            margin["r"] = round(0.6 * letters[-1] * LETTER)
        else:
            margin["l"] = max(margin.get("l", 0), round(0.8 * letters[0] * LETTER))
        figure.update_layout(margin=margin, height=figure.layout.height + room)
        figure.update_xaxes(
            ticktext=names,
            tickangle=-TILT,
            automargin=False,
            title={"standoff": room if above else room + 10},
        )
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
