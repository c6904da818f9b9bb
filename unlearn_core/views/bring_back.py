"""How little brings a forgotten class back: curves of relearning by step and by examples shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.relearning import SHOWN
from unlearn_core.runs.artefact import PROBE_PREFIX, REFILLING, RunArtefact
from unlearn_core.runs.comparison import Comparison, is_trick
from unlearn_core.runs.relearned import FRESH, OWN, relearning_table
from unlearn_core.runs.report import Report
from unlearn_core.views.layout import DASHES, LINE, MARKERS, finish, numbered
from unlearn_core.views.palette import method_colour
from unlearn_core.views.wording import format_value

FRESH_LABEL = "Fresh weights"
HEIGHT = 420
MOST_NAMED = 3
RESTLESS = 0.1  # between two readings of a curve's second half
COLUMNS = ["label", "method", "examples", "step", "forget_accuracy", "retain_accuracy"]
MEASURES = ("relearn_k", "relearn_gap", "prototype_forget")


def curve_rows(comparison: Comparison, runs: Sequence[RunArtefact]) -> pd.DataFrame:
    """Return one row a point of the curves of those runs whose models were taught again.

    Columns: `label`, `method`, `examples` (shown), `step`, `forget_accuracy` (on the forgotten
    examples that were not shown) and `retain_accuracy`.  What the retrained model's relearning
    tells of a network with fresh weights has a label of its own and comes last.
    """
    own, fresh = [], []
    for run in runs:
        taught = comparison.relearning(run)
        if taught is None:
            continue
        table = relearning_table(taught).assign(method=run.config.method, label=run.label)
        own.append(table[table["network"] == OWN])
        fresh.append(table[table["network"] == FRESH].assign(label=FRESH_LABEL, method=FRESH))
    tables = [table for table in (*own, *fresh) if not table.empty]
    return (
        pd.concat(tables, ignore_index=True)[COLUMNS] if tables else pd.DataFrame(columns=COLUMNS)
    )


def refilling(taught: RunArtefact) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return the map after each number of images shown, and the accuracies then; None without.

    The first has `step` (the number), `example_id`, `x`, `y`, the second `step` and the columns
    that `manifold.steps.step_figure` draws; accuracies are those after the last step.
    """
    if not taught.has(REFILLING):
        return None
    rows = relearning_table(taught)
    rows = rows[rows["network"] == OWN].sort_values("step")
    last = rows.groupby("examples", as_index=False).last()
    curves = pd.DataFrame({"step": last["examples"]})
    for name in ("forget_accuracy", "retain_test_accuracy"):
        curves[f"{PROBE_PREFIX}{name}"] = last[name.replace("_test", "")]
    return taught.table(REFILLING), curves


def numbers_shown(rows: pd.DataFrame) -> list[int]:
    """Return how many examples were shown, ascending: one curve each."""
    return sorted(int(number) for number in rows["examples"].unique())


def usual_number(rows: pd.DataFrame) -> int:
    """Return the number of shown examples by which models are judged, or else the smallest."""
    numbers = numbers_shown(rows)
    return SHOWN if SHOWN in numbers else numbers[0]


def step_figure(rows: pd.DataFrame, shown: int) -> go.Figure:
    """Draw accuracy on the others by step, a line a model, after `shown` examples of each class."""
    part = rows[rows["examples"] == shown]
    figure = _lines(part, x="step")
    figure.update_xaxes(title="step of training")
    return figure


def examples_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw accuracy on the others after the last step by the number of examples shown."""
    figure = _lines(rows[rows["step"] == rows["step"].max()], x="examples")
    shown = numbers_shown(rows)
    figure.update_xaxes(
        title="examples shown, of each class", type="log", tickvals=shown, ticktext=shown
    )
    return figure


def _lines(rows: pd.DataFrame, x: str) -> go.Figure:
    figure = go.Figure()
    numbers = numbered(rows["label"])
    for key, part in rows.groupby(["label", "method"], sort=False):
        label, method = (str(text) for text in key)
        number, is_fresh = numbers[label], method == FRESH
        figure.add_scatter(
            x=part[x].to_numpy(),
            y=part["forget_accuracy"].to_numpy(),
            mode="lines+markers",
            name=label,
            line={
                "color": LINE if is_fresh else method_colour(method),
                "dash": "dot" if is_fresh else DASHES[number % len(DASHES)],
            },
            marker={"symbol": MARKERS[number % len(MARKERS)], "size": 9},
            hovertemplate=f"{label}<br>%{{x}}: %{{y:.1%}}<extra></extra>",
        )
    finish(figure, height=HEIGHT)
    figure.update_layout(margin={"t": 80})
    figure.update_yaxes(range=[-0.02, 1.04], tickformat=".0%", title="of the others, right")
    return figure


def summary_table(comparison: Comparison, runs: Sequence[RunArtefact]) -> pd.DataFrame:
    """Return a line a model: what relearning and prototypes bring back, "–" where unmeasured."""
    lines = []
    for run in runs:
        values = comparison.metrics(run)["values"]
        numbers = {METRICS[name].label: format_value(name, values.get(name)) for name in MEASURES}
        lines.append({"Model": run.label, **numbers})
    return pd.DataFrame(lines)


def matched_text(report: Report, runs: Sequence[RunArtefact]) -> str:
    """Say which of these models are matched although they learn it again much sooner; else ""."""
    metric, keys = METRICS["relearn_k"], {run.key for run in runs}
    named = [
        run["label"]
        for run in report.runs
        if run["key"] in keys
        and run["verdict"] == "matched"
        and any(caveat.startswith(metric.label) for caveat in run["caveats"])
    ]
    if not named:
        return ""
    are = "is" if len(named) == 1 else "are"
    known = report.reference.get(metric.name)
    why = (
        "it is judged by one retrained model, which cannot show how soon others learn it again; so"
        if known is None or known.n_models == 1
        else "retrained models differ so much among themselves in how soon they learn it again that"
    )
    return (
        f"{', '.join(named)} {are} called **matched** all the same: {why} this decides no verdict. "
        "It stands behind the verdict as “but …”, and here you see why."
    )


def known_again(rows: pd.DataFrame, shown: int) -> pd.DataFrame:
    """Return how much each model knows again after `shown` examples of each class, most first.

    Columns: `label`, `method`, `known` (accuracy on the others, mean of the readings in the second
    half of the steps: a single reading says little) and `moves` (the largest change from one of
    these readings to the next).
    """
    part = rows[rows["examples"] == shown].sort_values("step", kind="stable")
    late = part[part["step"] >= part["step"].max() / 2]
    models = late.groupby(["label", "method"], sort=False)["forget_accuracy"]
    found = models.agg(known="mean", moves=lambda values: values.diff().abs().max())
    ordered: pd.DataFrame = found.reset_index().sort_values("known", ascending=False, kind="stable")
    return ordered


def _late(rows: pd.DataFrame, shown: int) -> str:
    """Return the steps over which `known_again` takes its mean: "10 to 20"."""
    steps = rows.loc[rows["examples"] == shown, "step"]
    late = steps[steps >= steps.max() / 2]
    return f"{late.min()} to {late.max()}"


def answer_text(rows: pd.DataFrame, shown: int, what: str) -> str:
    """Say in Markdown what `shown` examples of what was forgotten bring back, and in which models.

    Methods are counted by whether they are nearer to the original or to the retrained model; all
    are listed where one of these two is not among the rows, or they are near to each other.
    """
    found = known_again(rows, shown)
    some = "one example" if shown == 1 else f"{shown} examples"
    begin = f"Shown {some} of {what} again (mean over steps {_late(rows, shown)}), "
    fixed = {
        method: float(found.loc[found["method"] == method, "known"].mean())
        for method in ("retrain", "original", FRESH)
    }
    methods = found[~found["method"].isin(fixed)]
    if not fixed["original"] - fixed["retrain"] >= RESTLESS or methods.empty:
        told = [f"{label} knows {_share(value)}" for label, value in _pairs(found, "known")]
        return f"{begin}{', '.join(told)} of the others."
    floor = f", one with fresh weights {_share(fixed[FRESH])}" if fixed[FRESH] >= 0 else ""
    middle = (fixed["retrain"] + fixed["original"]) / 2
    knows, learns = methods[methods["known"] > middle], methods[methods["known"] <= middle]
    return (
        f"{begin}the retrained model knows {_share(fixed['retrain'])} of the others{floor}, the "
        f"original {_share(fixed['original'])}. Of those shown, nearer "
        f"to the original: {_counted(knows)}; nearer to the retrained model: "
        f"{_counted(learns.iloc[::-1])}."
    )


def _pairs(found: pd.DataFrame, column: str) -> list[tuple[str, float]]:
    return [(str(a), float(b)) for a, b in zip(found["label"], found[column], strict=True)]


def _share(value: float) -> str:
    return f"**{value:.0%}**"


def _counted(found: pd.DataFrame) -> str:
    """Return how many methods and tricks these are, and the first of the methods."""
    are_tricks = found["method"].map(is_trick).astype(bool)
    methods, tricks = found[~are_tricks], int(are_tricks.sum())
    told = [f"{label} {_share(value)}" for label, value in _pairs(methods, "known")[:MOST_NAMED]]
    more = ", …" if len(methods) > MOST_NAMED else ""
    counts = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((len(methods), "method"), (tricks, "trick"))
        if count
    ]
    return (" and ".join(counts) or "none") + (f" ({', '.join(told)}{more})" if told else "")


def unsteady_text(rows: pd.DataFrame, shown: int) -> str:
    """Say which curves move by 10 points or more between late readings; "" where none does."""
    found = known_again(rows, shown).sort_values("moves", ascending=False, kind="stable")
    restless = found[found["moves"].round(6) >= RESTLESS]
    if restless.empty:
        return ""
    told = [f"{label} {100 * value:.0f}" for label, value in _pairs(restless, "moves")[:MOST_NAMED]]
    more = ", …" if len(restless) > MOST_NAMED else ""
    return (
        "From one of these readings to the next, curves still move by as many points as: "
        f"{', '.join(told)}{more}. Differences of that size say little."
    )
