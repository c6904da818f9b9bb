"""The charts of a handout, as plotly's JSON: what was probed during unlearning.

The only file of a handout that needs plotly: the numbers' zip and the command line do without.
"""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from unlearn_core.runs.artefact import PROBE_PREFIX
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views.history import (
    PROBE_NAMES,
    history_figure,
    history_rows,
    is_share,
    method_rows,
    reference_lines,
)
from unlearn_core.views.palette import OUTLINE

DRAWN_FIRST = 6  # of the methods' curves; a click in the legend brings the others


def library() -> str:
    """Return the source of plotly.js."""
    return str(get_plotlyjs())


def curves(comparison: Comparison, report: Report) -> list[dict[str, Any]]:
    """Return `name` and `figure` of each quantity that was probed during unlearning."""
    rows = history_rows(comparison.runs)
    found = []
    for name, label in PROBE_NAMES.items():
        quantity = f"{PROBE_PREFIX}{name}"
        part = method_rows(rows, quantity)
        if part.empty:
            continue
        figure = history_figure(
            part,
            reference_lines(rows, quantity),
            axis="share",
            title=label,
            percent=is_share(name),
        )
        first = report.ranking[:DRAWN_FIRST]
        figure.for_each_trace(
            lambda trace: trace.update(visible="legendonly"),
            selector=lambda trace, first=first: trace.name not in first,
        )
        found.append({"name": label, "figure": _plain(figure)})
    return found


def _plain(figure: go.Figure) -> dict[str, Any]:
    """Return a figure as JSON types, on the ground of the page and without plotly's own style."""
    clear = "rgba(0,0,0,0)"
    figure.update_layout(
        template="none", paper_bgcolor=clear, plot_bgcolor=clear, font={"color": OUTLINE}
    )
    content: dict[str, Any] = json.loads(str(figure.to_json()))
    return content
