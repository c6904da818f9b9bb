"""The gamma ablation as a chart: accuracies and feature distances at each value of gamma.

Gamma weighs RFA's feature alignment against the task loss; classes and single images stand side by
side, as in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.runs.gamma_sweep import GAMMAS, SETTING, Sweep
from unlearn_core.views.layout import finish
from unlearn_core.views.names import SET_SYMBOLS
from unlearn_core.views.palette import METRIC_STYLES
from unlearn_core.views.symbols import as_html

KIND_TITLES = {"class": "Class unlearning", "samples": "Sample unlearning"}
ACCURACIES = ("forget_accuracy", "retain_accuracy", "test_accuracy")
DISTANCES = ("feature_distance_original", "feature_distance_retrained")
COLUMNS = ["kind", "gamma", "seed", "metric", "value", "original", "retrained"]
HEIGHT = 700
GUTTER = 0.03  # between the columns


def gamma_rows(sweeps: Sequence[Sweep]) -> pd.DataFrame:
    """Return one row per run and metric, one sweep a kind.

    Columns: `kind`, `gamma`, `seed`, `metric`, `value`, and the values of the `original` and the
    `retrained` model of the same seed.  Where some seeds have all values of gamma, no others: what
    one more seed moves would look like what gamma does.
    """
    rows = []
    for sweep in sweeps:
        for run in _comparable(sweep.runs):
            gamma, seed = float(run.settings[SETTING]), run.config.seed
            references = [sweep.comparison.reference(name, seed) for name in REFERENCES]
            values = [_values(sweep.comparison, one) for one in (run, *references)]
            for metric in (*ACCURACIES, *DISTANCES):
                numbers = [part.get(metric) for part in values]
                rows.append((sweep.kind, gamma, seed, metric, *numbers))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table = table.astype(dict.fromkeys(("value", "original", "retrained"), float))
    return table.sort_values(["kind", "metric", "gamma"], ignore_index=True)


def _comparable(runs: Sequence[RunArtefact]) -> list[RunArtefact]:
    """Return the runs of the seeds that have all values of gamma; all runs where none has."""
    by_gamma: dict[float, set[int]] = {}
    for run in runs:
        by_gamma.setdefault(float(run.settings[SETTING]), set()).add(run.config.seed)
    shared = set.intersection(*by_gamma.values()) if by_gamma else set()
    return [run for run in runs if not shared or run.config.seed in shared]


def _values(comparison: Comparison, run: RunArtefact | None) -> Mapping[str, float | None]:
    values: Mapping[str, float | None] = comparison.metrics(run)["values"] if run else {}
    return values


def values_text(gammas: Sequence[float]) -> str:
    """Return values of gamma as a reader writes them, such as "0, 0.25, 0.5"."""
    return ", ".join(f"{gamma:g}" for gamma in gammas)


def sweep_title(sweep: Sweep, request: str) -> str:
    """Return a sweep's name in a list: its request in words and how many points are finished."""
    n_finished = len(GAMMAS) - len(sweep.missing)
    return f"{request} ({n_finished} of {len(GAMMAS)} points)"


def gamma_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw what `gamma_rows` returns: means over seeds, with their standard deviation.

    Columns used: `kind`, `gamma`, `seed`, `metric`, `value`, `retrained`.  A dotted line in a
    metric's colour is the retrained model's value.  Of one kind alone the accuracies stand beside
    the distances; of two, above them.
    """
    kinds = [kind for kind in KIND_TITLES if (rows["kind"] == kind).any()]
    is_alone = len(kinds) == 1
    figure = make_subplots(
        rows=1 if is_alone else 2, cols=2,
        subplot_titles=None if is_alone else [*KIND_TITLES.values(), "", ""],
        shared_xaxes=not is_alone, shared_yaxes=False if is_alone else "rows",
        horizontal_spacing=GUTTER * (3 if is_alone else 1), vertical_spacing=0.07,
    )  # fmt: skip
    farthest = rows[rows["metric"].isin(DISTANCES)][["value", "retrained"]].max().max()
    in_legend: set[str] = set()
    for number, kind in enumerate(kinds, start=1):
        of_kind = rows[(rows["kind"] == kind) & rows["value"].notna()]
        for part, metrics in enumerate((ACCURACIES, DISTANCES), start=1):
            row, column = (1, part) if is_alone else (part, number)
            for metric in metrics:
                points = of_kind[of_kind["metric"] == metric]
                if not points.empty:
                    _curve(figure, points, metric, row, column, legend=metric not in in_legend)
                    in_legend.add(metric)
            place = {"row": row, "col": column}
            if metrics is ACCURACIES:
                figure.update_yaxes(range=[-0.05, 1.05], tickformat=".0%", **place)
            else:
                figure.update_yaxes(range=[0, 1.08 * farthest if farthest > 0 else 1], **place)
            if is_alone or metrics is DISTANCES:
                figure.update_xaxes(title="gamma (weight of feature alignment)", **place)
    finish(figure, height=HEIGHT if not is_alone else HEIGHT // 2 + 40)
    figure.update_layout(legend={"y": 1.15 if is_alone else 1.07}, margin={"t": 90})
    figure.update_xaxes(range=[-0.05, 1.05], tickvals=list(GAMMAS))
    second = {"row": 1, "col": 2} if is_alone else {"row": 2, "col": 1}
    figure.update_yaxes(title="accuracy", row=1, col=1)
    figure.update_yaxes(title=f"feature distance on {as_html(SET_SYMBOLS['forget'])}", **second)
    return figure


def _curve(
    figure: go.Figure, part: pd.DataFrame, metric: str, row: int, column: int, *, legend: bool
) -> None:
    style, name = METRIC_STYLES[metric], as_html(METRICS[metric].label)
    means = part.groupby("gamma")[["value", "retrained"]].mean()
    spread = part.groupby("gamma")["value"].std()
    has_spread = bool(spread.notna().any())
    figure.add_scatter(
        x=means.index.to_numpy(),
        y=means["value"].to_numpy(),
        error_y={"array": spread.to_numpy(), "visible": has_spread},
        mode="lines+markers",
        name=name,
        legendgroup=metric,
        showlegend=legend,
        line={"color": style.colour},
        marker={"symbol": style.marker, "size": 10},
        hovertemplate=f"{name}<br>gamma %{{x}}: %{{y}}<extra></extra>",
        row=row,
        col=column,
    )
    target = float(means["retrained"].mean())
    if metric != "feature_distance_retrained" and not math.isnan(target):
        figure.add_scatter(
            x=[-0.05, 1.05],
            y=[target, target],
            mode="lines",
            name=f"{name}, retrained",
            legendgroup=metric,
            showlegend=legend,
            line={"color": style.colour, "dash": "dot", "width": 1.5},
            hovertemplate=f"{name} of the retrained model: %{{y}}<extra></extra>",
            row=row,
            col=column,
        )
