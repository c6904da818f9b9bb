"""RFA's gamma ablation: what there is of the sweep, what is missing, and how to run it.

Gamma weighs feature alignment against the task loss.  The papers draw accuracy and feature
distance against it, for class and for sample unlearning.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.config import ForgetConfig, RunConfig, changed_from
from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.plan import run_configs
from unlearn_core.views.layout import finish
from unlearn_core.views.palette import OKABE_ITO
from unlearn_core.views.symbols import as_html

METHOD, SETTING = "rfa", "gamma"
GAMMAS = (0.0, 0.25, 0.5, 0.75, 1.0)
KINDS = {"class": ("class", "subclass"), "samples": ("random", "ids")}
KIND_TITLES = {"class": "Class unlearning", "samples": "Sample unlearning"}
ACCURACIES = ("forget_accuracy", "retain_accuracy", "test_accuracy")
DISTANCES = ("feature_distance_original", "feature_distance_retrained")
COLUMNS = ["kind", "gamma", "seed", "metric", "value", "retrained", "original"]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The RFA runs of one comparison that differ in gamma alone."""

    kind: str
    comparison: Comparison
    runs: tuple[RunArtefact, ...]

    @property
    def missing(self) -> list[float]:
        """Return the values of `GAMMAS` of which there is no run."""
        there = {float(run.settings[SETTING]) for run in self.runs}
        return [gamma for gamma in GAMMAS if gamma not in there]


def sweeps(comparisons: Collection[Comparison], like: RunConfig) -> list[Sweep]:
    """Return the sweeps on the same data, model and training as `like`.

    The one of the request of `like` comes first, be it empty, then the fullest.
    """
    found = []
    for comparison in comparisons:
        config = comparison.config
        kind = kind_of(config.forget)
        if kind is None or _recipe(config) != _recipe(like):
            continue
        runs = [
            run
            for run in comparison.runs
            if run.config.method == METHOD and set(run.changed) <= {SETTING}
        ]
        found.append(Sweep(kind=kind, comparison=comparison, runs=tuple(runs)))
    here = like.comparison_key()
    return sorted(found, key=lambda s: (s.comparison.key != here, len(s.missing)))


def kind_of(forget: ForgetConfig) -> str | None:
    """Return "class" or "samples"; None for a request that is neither."""
    return next((kind for kind, names in KINDS.items() if forget.kind in names), None)


def _recipe(config: RunConfig) -> tuple[object, ...]:
    return config.data, config.model, config.training, config.precision


def points(found: Sequence[Sweep]) -> pd.DataFrame:
    """Return one row per run and metric, one sweep a kind.

    Columns: `kind`, `gamma`, `seed`, `metric`, `value`, and the values of the `retrained` and
    the `original` model of the same seed.
    """
    rows = []
    for sweep in found:
        for run in sweep.runs:
            values = [_values(sweep.comparison, run)]
            values += [
                _values(sweep.comparison, sweep.comparison.reference(name, run.config.seed))
                for name in ("retrain", "original")
            ]
            for metric in (*ACCURACIES, *DISTANCES):
                numbers = [part.get(metric) for part in values]
                gamma = float(run.settings[SETTING])
                rows.append((sweep.kind, gamma, run.config.seed, metric, *numbers))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table = table.astype(dict.fromkeys(("value", "retrained", "original"), float))
    return table.sort_values(["kind", "metric", "gamma"], ignore_index=True)


def _values(comparison: Comparison, run: RunArtefact | None) -> Mapping[str, float | None]:
    values: Mapping[str, float | None] = comparison.metrics(run)["values"] if run else {}
    return values


def configs(
    like: RunConfig,
    forget: ForgetConfig,
    settings: Mapping[str, Any],
    defaults: Mapping[str, Any],
    gammas: Sequence[float],
    seeds: Sequence[int] = (0,),
) -> list[RunConfig]:
    """Return the runs of these points, with the references that they need, once each.

    `settings` are RFA's complete settings for the data set, `defaults` those of the method;
    `like` gives data, model, recipe.
    """
    start = replace(like, forget=forget)
    wanted: dict[str, RunConfig] = {}
    for gamma in gammas:
        changed = changed_from(defaults, {**settings, SETTING: float(gamma)})
        for config in run_configs(start, {METHOD: changed}, seeds):
            wanted[config.key()] = config
    return list(wanted.values())


def text_of(gammas: Sequence[float]) -> str:
    """Return the values as a reader writes them, such as "0, 0.25, 0.5"."""
    return ", ".join(f"{gamma:g}" for gamma in gammas)


def short_title(sweep: Sweep, words: str) -> str:
    """Return a sweep's name in a list: its request and how much of it is there."""
    n_there = len(GAMMAS) - len(sweep.missing)
    return f"{words} ({n_there} of {len(GAMMAS)} points)"


HEIGHT = 700
COLOURS = dict(zip((*ACCURACIES, *DISTANCES), OKABE_ITO[1:], strict=False))
SYMBOLS = dict(
    zip((*ACCURACIES, *DISTANCES), ("x", "circle", "square", "diamond", "cross"), strict=True)
)
LEFT = 0.03  # between the columns


def gamma_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw what `views.gamma.points` returns: means over seeds as lines, each seed as a point.

    Columns used: `kind`, `gamma`, `seed`, `metric`, `value`, `retrained`.  A dotted line in a
    metric's colour is the retrained model's value.
    """
    titles = [*KIND_TITLES.values(), "", ""]
    figure = make_subplots(
        rows=2, cols=2, subplot_titles=titles, shared_xaxes=True, shared_yaxes="rows",
        horizontal_spacing=LEFT, vertical_spacing=0.07,
    )  # fmt: skip
    shown: set[str] = set()
    for column, kind in enumerate(KIND_TITLES, start=1):
        of_kind = rows[(rows["kind"] == kind) & rows["value"].notna()]
        for row, metrics in enumerate((ACCURACIES, DISTANCES), start=1):
            for metric in metrics:
                part = of_kind[of_kind["metric"] == metric]
                if not part.empty:
                    _curve(figure, part, metric, row, column, legend=metric not in shown)
                    shown.add(metric)
        if of_kind.empty:
            for row in (1, 2):
                figure.add_annotation(
                    text="no run yet", showarrow=False, x=0.5, y=0.5, row=row, col=column,
                    xref="x domain", yref="y domain",
                )  # fmt: skip
    finish(figure, height=HEIGHT)
    figure.update_layout(legend={"y": 1.07}, margin={"t": 90})
    figure.update_xaxes(range=[-0.05, 1.05], tickvals=list(GAMMAS))
    figure.update_xaxes(title="gamma (weight of feature alignment)", row=2)
    figure.update_yaxes(range=[-0.05, 1.05], tickformat=".0%", row=1)
    farthest = rows[rows["metric"].isin(DISTANCES)][["value", "retrained"]].max().max()
    figure.update_yaxes(range=[0, 1.08 * farthest if farthest > 0 else 1], row=2)
    figure.update_yaxes(title="accuracy", row=1, col=1)
    figure.update_yaxes(title=f"feature distance on {as_html('D_f')}", row=2, col=1)
    return figure


def _curve(
    figure: go.Figure, part: pd.DataFrame, metric: str, row: int, column: int, *, legend: bool
) -> None:
    colour, name = COLOURS[metric], as_html(METRICS[metric].label)
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
        line={"color": colour},
        marker={"symbol": SYMBOLS[metric], "size": 10},
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
            line={"color": colour, "dash": "dot", "width": 1.5},
            hovertemplate=f"{name} of the retrained model: %{{y}}<extra></extra>",
            row=row,
            col=column,
        )
