"""The history of runs: probes and losses of every method by step, beside the reference models.

A *probe* measures the model on a few tracked examples while a method is at work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import HISTORY, LOSS_PREFIX, PROBE_PREFIX, RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.views.layout import DASHES, MARKERS, finish, lines_across, numbered
from unlearn_core.views.names import REFERENCE_NAMES
from unlearn_core.views.palette import method_colour
from unlearn_core.views.symbols import as_html

PROBED = (
    "dimensional_alignment",
    "linear_probe_forget",
    "linear_probe_retain",
    "forget_accuracy",
    "retain_accuracy",
    "forget_test_accuracy",
    "retain_test_accuracy",
    "perplexity_forget",
    "perplexity_retain",
    "perplexity_forget_test",
    "perplexity_retain_test",
)
PROBE_NAMES = {name: METRICS[name].label for name in PROBED}
# plain words, which stand before the symbols where one is chosen
PROBE_WORDS = {
    "dimensional_alignment": "Fits in with the others",
    "linear_probe_forget": "Readable, to forget",
    "linear_probe_retain": "Readable, to keep",
    "forget_accuracy": "Right, to forget",
    "retain_accuracy": "Right, to keep",
    "forget_test_accuracy": "Right, new of the forgotten",
    "retain_test_accuracy": "Right, new of the kept",
    "perplexity_forget": "Surprised, to forget",
    "perplexity_retain": "Surprised, to keep",
    "perplexity_forget_test": "Surprised, new of the forgotten",
    "perplexity_retain_test": "Surprised, new of the kept",
}
AXES = {"step": "Steps", "share": "Share of the run", "seconds": "Seconds"}
COLUMNS = ["label", "method", "seed", "quantity", "step", "share", "seconds", "value"]
HEIGHT = 480
ALL_SEEDS = "All"  # of the choice of a seed: a curve each
CURVES = 6  # methods that are drawn unless others are chosen


def probes_of(rows: pd.DataFrame) -> list[str]:
    """Return the probes that these models can have: right answers, or how surprised they are."""
    noted = {name.removeprefix(PROBE_PREFIX) for name in rows["quantity"].unique()}
    other = "_accuracy" if any(name.startswith("perplexity") for name in noted) else "perplexity"
    return [name for name in PROBED if other not in name]


def is_share(probe: str) -> bool:
    """Say whether a probe is written in percent."""
    return METRICS[probe].unit == "fraction"


def probe_option(probe: str) -> str:
    """Return a probe's name where one is chosen, such as "Right, to forget (Acc)".

    Buttons cannot write D_f as a formula; the figure's axis does.
    """
    return f"{PROBE_WORDS[probe]} ({PROBE_NAMES[probe].partition('(')[0]})"


def history_rows(runs: Sequence[RunArtefact]) -> pd.DataFrame:
    """Return one row per run, step and quantity that was noted at that step.

    Columns: `label`, `method`, `seed`, `quantity` (`probe/...` or `loss/...`), `step`, `share`
    (of the run's steps, in [0, 1]), `seconds` and `value`.  The original has its one probe, the
    retrained model the probe after its last step: their values are the reference lines.
    """
    parts = [_of_run(run) for run in runs if run.has(HISTORY)]
    parts = [part for part in parts if not part.empty]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def learning_history(comparison: Comparison, seed: int) -> pd.DataFrame:
    """Return what was noted while a seed's model learned, as `history_rows` does.

    The references are the original and the old model of the same seed.
    """
    references = [comparison.reference(name, seed) for name in REFERENCES]
    runs = [*references, comparison.incremental(seed)]
    return history_rows([run for run in runs if run is not None])


def _of_run(run: RunArtefact) -> pd.DataFrame:
    history = run.history()
    values = [name for name in history if str(name).startswith((PROBE_PREFIX, LOSS_PREFIX))]
    if run.config.method in REFERENCES:
        history = history[history["step"] == history["step"].max()]
        values = [name for name in values if str(name).startswith(PROBE_PREFIX)]
    long = history.melt(["step", "seconds"], values, var_name="quantity").dropna(subset="value")
    last = max(int(history["step"].max()), 1)
    long = long.assign(
        label=run.label,
        method=run.config.method,
        seed=run.config.seed,
        share=long["step"] / last,
    )
    return long[COLUMNS]


def method_rows(rows: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the methods' rows of one quantity, without the references."""
    return rows[(rows["quantity"] == quantity) & ~rows["method"].isin(REFERENCES)]


def reference_lines(rows: pd.DataFrame, quantity: str) -> dict[str, float]:
    """Return the value of original and retrained model (mean over seeds) by method name."""
    chosen = rows[(rows["quantity"] == quantity) & rows["method"].isin(REFERENCES)]
    means = chosen.groupby("method")["value"].mean()
    return {name: float(means[name]) for name in REFERENCES if name in means}


def loss_names(rows: pd.DataFrame) -> list[str]:
    """Return the losses that any method noted, without their prefix, the objective first."""
    quantities = [name for name in rows["quantity"].unique() if name.startswith(LOSS_PREFIX)]
    names = [name.removeprefix(LOSS_PREFIX) for name in quantities]
    return sorted(names, key=lambda name: (name != "objective", name))


def method_labels(rows: pd.DataFrame) -> list[str]:
    """Return the labels of the methods' runs, without the references."""
    return list(dict.fromkeys(rows[~rows["method"].isin(REFERENCES)]["label"]))


def history_figure(
    rows: pd.DataFrame,
    lines: Mapping[str, float],
    *,
    axis: str,
    title: str,
    percent: bool = False,
    during: str = "unlearning",
) -> go.Figure:
    """Draw one quantity of every method against `axis` ("step", "share" or "seconds").

    Columns used: `label`, `method`, `seed`, `value` and the axis.  `lines` maps "original" and
    "retrain" to their values, and `during` says what the steps do.  Labels differ by dash and
    marker too, seeds are drawn alike.
    """
    figure = go.Figure()
    numbers = numbered(rows["label"])
    in_legend: set[str] = set()
    few = len(rows) <= 40 * max(len(numbers), 1)
    for key, part in rows.groupby(["label", "method", "seed"], sort=False):
        label, method, seed = (str(name) for name in key)
        figure.add_scatter(
            x=part[axis].to_numpy(),
            y=part["value"].to_numpy(),
            mode="lines+markers" if few else "lines",
            name=label,
            legendgroup=label,
            showlegend=label not in in_legend,
            line={"color": method_colour(method), "dash": DASHES[numbers[label] % len(DASHES)]},
            marker={"size": 8, "symbol": MARKERS[numbers[label] % len(MARKERS)]},
            hovertemplate=f"{label}, seed {seed}<br>%{{x}}: %{{y}}",
        )
        in_legend.add(label)
    for name, value in lines.items():
        _reference(figure, name, value, percent)
    finish(figure, height=HEIGHT)
    figure.update_xaxes(
        title=AXES[axis].lower() + (f" of {during}" if axis != "share" else ""),
        tickformat=".0%" if axis == "share" else None,
    )
    figure.update_yaxes(title=as_html(title), tickformat=".0%" if percent else None)
    below = {"y": -0.2, "yanchor": "top"}  # with many runs it takes several lines
    figure.update_layout(margin={"r": 130, "t": 15}, legend=below)
    return figure


def _reference(figure: go.Figure, name: str, value: float, percent: bool) -> None:
    colour = method_colour(name)
    text = f"{value:.1%}" if percent else f"{value:.3f}"
    dash = "dot" if name == "original" else "dash"
    lines_across(figure, [value], {"color": colour, "dash": dash, "width": 2}, axis="y")
    figure.add_annotation(
        x=1,
        xref="paper",
        xanchor="left",
        y=value,
        yanchor="bottom" if name == "original" else "top",
        xshift=6,
        text=f"{REFERENCE_NAMES[name]} {text}",
        showarrow=False,
        font={"color": colour},
    )
