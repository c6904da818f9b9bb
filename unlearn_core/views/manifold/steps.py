"""The map during unlearning: one frame a probe, with the probes' values beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import PROBE_PREFIX
from unlearn_core.views.manifold.payload import axis_range
from unlearn_core.views.manifold.points import FORGET_SETS
from unlearn_core.views.palette import FORGET_MARK, METRIC_STYLES, MUTED, class_colours, class_scale
from unlearn_core.views.symbols import as_html
from unlearn_core.views.wording import format_value

CURVES = {
    f"{PROBE_PREFIX}{name}": (
        METRICS[name].label,
        METRIC_STYLES[name].colour,
        METRIC_STYLES[name].dash,
    )
    for name in (
        "dimensional_alignment",
        "forget_accuracy",
        "retain_accuracy",
        "retain_test_accuracy",
    )
}
MILLISECONDS = 700


def step_figure(
    steps: pd.DataFrame,
    examples: pd.DataFrame,
    history: pd.DataFrame,
    classes: Sequence[str],
    *,
    during: str = "unlearning",
    unit: str = "Step",
) -> go.Figure:
    """Return the animated map of the tracked examples, and the probes' values by step.

    Parameters
    ----------
    steps : DataFrame
        `step`, `example_id`, `x`, `y`.
    examples : DataFrame
        `example_id`, `label`, `set` of the tracked examples.
    history : DataFrame
        `step` and some of the columns in `CURVES`, in [0, 1].
    during : str
        What the steps do.
    unit : str
        What one step is called.
    """
    table = steps.merge(examples, on="example_id").sort_values(["step", "example_id"])
    numbers = sorted(int(step) for step in table["step"].unique())
    figure = make_subplots(
        cols=3, column_widths=[0.46, 0.34, 0.2], horizontal_spacing=0.07,
        subplot_titles=["Tracked examples", "Probes by step", "At this step"],
    )  # fmt: skip
    probes = history[["step", *[c for c in CURVES if c in history]]].dropna(thresh=2)
    still = _curves(probes)
    figure.add_traces(still, rows=1, cols=2)
    figure.add_traces(_points(table, numbers[0], classes), rows=1, cols=1)
    figure.add_trace(_here(numbers[0]), row=1, col=2)
    figure.add_trace(_values(probes, numbers[0]), row=1, col=3)
    changed = list(range(len(still), len(figure.data)))
    figure.frames = [
        go.Frame(
            name=str(step),
            data=[*_places(table, step), _here(step), _values(probes, step)],
            traces=changed,
        )
        for step in numbers
    ]
    _dress(figure, table, numbers, during, unit)
    return figure


def _points(table: pd.DataFrame, step: int, classes: Sequence[str]) -> list[go.Scatter]:
    now = table[table["step"] == step]
    is_forget = now["set"].isin(FORGET_SETS)
    colours = class_colours(len(classes), now[is_forget]["label"].tolist())
    shapes: list[tuple[pd.DataFrame, dict[str, Any]]] = [
        (now[~is_forget], {"size": 6, "opacity": 0.55}),
        (
            now[is_forget],
            {"size": 10, **FORGET_MARK},
        ),
    ]
    return [
        go.Scatter(
            x=rows["x"].to_numpy(),
            y=rows["y"].to_numpy(),
            mode="markers",
            marker={**marker, **class_scale(rows["label"].to_numpy(), colours)},
            customdata=rows["example_id"].to_numpy(),
            ids=rows["example_id"].astype(str).to_numpy(),
            text=[classes[label] for label in rows["label"]],
            hovertemplate="id %{customdata}, class %{text}<extra></extra>",
        )
        for rows, marker in shapes
    ]


def _places(table: pd.DataFrame, step: int) -> list[go.Scatter]:
    """Return where `_points` lie at a later step; what they look like stays."""
    now = table[table["step"] == step]
    is_forget = now["set"].isin(FORGET_SETS)
    return [
        go.Scatter(x=rows["x"].to_numpy(), y=rows["y"].to_numpy())
        for rows in (now[~is_forget], now[is_forget])
    ]


def _curves(probes: pd.DataFrame) -> list[go.Scatter]:
    return [
        go.Scatter(
            x=probes["step"].to_numpy(),
            y=probes[column].to_numpy(),
            mode="lines",
            name=name,
            line={"color": colour, "dash": dash},
            hovertemplate=f"{as_html(name)}: %{{y:.3f}} at step %{{x}}<extra></extra>",
        )
        for column, (name, colour, dash) in CURVES.items()
        if column in probes
    ]


def _here(step: int) -> go.Scatter:
    return go.Scatter(
        x=[step, step], y=[-0.04, 1.04], mode="lines", hoverinfo="skip",
        line={"color": "#777777", "width": 1.5, "dash": "dot"},
    )  # fmt: skip


def _values(probes: pd.DataFrame, step: int) -> go.Scatter:
    """Return the probes' values in words; their colours are the legend of the curves."""
    now = probes[probes["step"] == step]
    noted = [column for column in CURVES if column in probes]
    texts = []
    for column in noted:
        value = float(now[column].iloc[0]) if len(now) else float("nan")
        name, _, dash = CURVES[column]
        style = " dotted" if dash == "dot" else ""
        text = format_value(column.removeprefix(PROBE_PREFIX), value)
        texts.append(f"{as_html(name)}<br><b>{text}</b>{style}")
    return go.Scatter(
        x=[0] * len(noted), y=[0.9 - 0.2 * row for row in range(len(noted))], text=texts,
        mode="text", textposition="middle right", hoverinfo="skip",
        textfont={"color": [CURVES[column][1] for column in noted], "size": 14},
    )  # fmt: skip


def _dress(
    figure: go.Figure, table: pd.DataFrame, numbers: Sequence[int], during: str, unit: str
) -> None:
    blank = {"showticklabels": False, "showgrid": False, "zeroline": False, "title": None}
    frame = {"mirror": True, "showline": True, "linecolor": MUTED}
    figure.update_xaxes(range=axis_range(table["x"]), **blank, **frame, row=1, col=1)
    figure.update_yaxes(range=axis_range(table["y"]), **blank, **frame, row=1, col=1)
    figure.update_xaxes(title=f"{unit} of {during}", row=1, col=2)
    figure.update_yaxes(range=[-0.04, 1.04], row=1, col=2)
    figure.update_annotations(yshift=6)
    figure.update_xaxes(range=[0, 1], visible=False, row=1, col=3)
    figure.update_yaxes(range=[0, 1], visible=False, row=1, col=3)
    figure.update_layout(
        height=500,
        margin={"l": 10, "r": 10, "t": 70, "b": 10},
        showlegend=False,
        updatemenus=[_buttons()],
        sliders=[_slider(numbers, unit)],
    )


def _buttons() -> dict[str, Any]:
    run = {"frame": {"duration": MILLISECONDS}, "transition": {"duration": MILLISECONDS // 2}}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 1.0,  # below the values, where nothing else is drawn
        "y": 0.1,
        "xanchor": "right",
        "yanchor": "top",
        "buttons": [
            {"label": "Play", "method": "animate", "args": [None, {**run, "fromcurrent": True}]},
            {
                "label": "Pause",
                "method": "animate",
                "args": [[None], {"mode": "immediate", "frame": {"duration": 0}}],
            },
        ],
    }


def _slider(numbers: Sequence[int], unit: str) -> dict[str, Any]:
    jump = {"mode": "immediate", "frame": {"duration": 0}, "transition": {"duration": 250}}
    return {
        "x": 0.0,
        "y": -0.02,
        "len": 0.46,
        "currentvalue": {"prefix": f"{unit} "},
        "steps": [
            {"label": str(step), "method": "animate", "args": [[str(step)], jump]}
            for step in numbers
        ],
    }
