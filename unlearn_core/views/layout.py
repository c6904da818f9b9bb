"""What all figures share: margins, legend, grid, and how models are told apart without colour."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

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


def lines_across(
    figure: go.Figure,
    places: Iterable[float],
    line: Mapping[str, object],
    *,
    panel: int = 1,
    axis: str = "x",
    layer: str = "above",
) -> None:
    """Draw lines across a panel, at these places of its axis.

    All at once: `add_vline` takes 10 ms for each, of a page that should be there in a second.
    """
    along, across = ("x", "y") if axis == "x" else ("y", "x")
    number = "" if panel == 1 else str(panel)
    common = {
        "type": "line", "line": line, "layer": layer, f"{along}ref": f"{along}{number}",
        f"{across}ref": f"{across}{number} domain", f"{across}0": 0, f"{across}1": 1,
    }  # fmt: skip
    shapes = [{**common, f"{along}0": place, f"{along}1": place} for place in places]
    figure.update_layout(shapes=[*figure.layout.shapes, *shapes])


def framed(figure: go.Figure, n_panels: int) -> None:
    """Draw a frame around each panel, whose axes are hidden."""
    figure.update_layout(
        shapes=[
            {
                "type": "rect", "x0": 0, "x1": 1, "y0": 0, "y1": 1,
                "line": {"color": LINE, "width": 0.5},
                "xref": f"x{number} domain", "yref": f"y{number} domain",
            }
            for number in ("", *map(str, range(2, n_panels + 1)))
        ]
    )  # fmt: skip


def short_names(names: Sequence[str]) -> list[str]:
    """Return names that fit beside a plot; the whole is to be told on hover.

    Of long names that begin alike their ends show too, and those that end alike are numbered.

    >>> cash, bank = "cheque or cash deposit", "bank transfer"
    >>> short_names([f"balance not updated after {cash}", "atm support"])
    ['balance not updated after…', 'atm support']
    >>> short_names([f"balance not updated after {what}" for what in (cash, bank)])
    ['balance not…cash deposit', 'balance not…bank transfer']
    >>> short_names(["cat", "cat"])
    ['cat', 'cat']
    """
    short = [first_words(name, LONGEST_NAME) for name in names]
    half = LONGEST_NAME // 2
    both_ends = [
        cut
        if cut == name or short.count(cut) == 1
        else first_words(name, half) + _last_words(name, half)
        for name, cut in zip(names, short, strict=True)
    ]
    return [
        cut if cut == name or both_ends.count(cut) == 1 else f"{number}: {cut}"
        for number, (name, cut) in enumerate(zip(names, both_ends, strict=True), start=1)
    ]


def _last_words(name: str, most: int) -> str:
    return first_words(name[::-1], most)[::-1].removeprefix("…")


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
