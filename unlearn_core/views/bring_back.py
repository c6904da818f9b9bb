"""How little brings a forgotten class back: curves of relearning by step and by examples shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.relearning import SHOWN
from unlearn_core.runs.artefact import PROBE_PREFIX, REFILLING, RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.relearned import FRESH, OWN, relearning_table
from unlearn_core.runs.report import Report
from unlearn_core.views.layout import DASHES, LINE, MARKERS, finish, numbered
from unlearn_core.views.palette import method_colour
from unlearn_core.views.wording import format_value

FRESH_LABEL = "Fresh weights"
HEIGHT = 420
MOST_NAMED = 3
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
    label, keys = METRICS["relearn_k"].label, {run.key for run in runs}
    named = [
        run["label"]
        for run in report.runs
        if run["key"] in keys
        and run["verdict"] == "matched"
        and any(caveat.startswith(label) for caveat in run["caveats"])
    ]
    if not named:
        return ""
    are = "is" if len(named) == 1 else "are"
    return (
        f"{', '.join(named)} {are} called **matched** all the same: retrained models differ so "
        "much among themselves in how soon they learn it again that this decides no verdict. It "
        "stands behind the verdict as “but …”, and here you see why."
    )


def answer_text(rows: pd.DataFrame, shown: int, what: str) -> str:
    """Return in one sentence, in Markdown, what `shown` examples bring back in each model.

    `what` was forgotten; models are sorted, the one that knows most first.
    """
    last = rows[(rows["examples"] == shown) & (rows["step"] == rows["step"].max())]
    ordered = last.sort_values("forget_accuracy", ascending=False, kind="stable")
    told = [
        (row["label"], f"**{row['forget_accuracy']:.0%}**") for row in ordered.to_dict("records")
    ]
    (label, share), *others = told
    rest = "".join(f", {name} {part}" for name, part in others)
    some = "one example" if shown == 1 else f"{shown} examples"
    return f"Shown {some} of {what} again, {label} knows {share} of the others{rest}."


def above_original_text(rows: pd.DataFrame, shown: int) -> str:
    """Say that ending above the original tells little where its own curve moves as much; else "".

    How much it moves is the largest step between readings in the second half of its curve.
    """
    part = rows[rows["examples"] == shown].sort_values("step")
    curve = part[part["method"] == "original"].set_index("step")["forget_accuracy"]
    others = part[~part["method"].isin(("original", "retrain", FRESH))]
    if curve.empty or others.empty:
        return ""
    ends = others.groupby("label", sort=False)["forget_accuracy"].last()
    above = ends[ends > float(curve.iloc[-1])]
    moves = float(curve.iloc[len(curve) // 2 - 1 :].diff().abs().max())
    if above.empty or not float(above.max() - curve.iloc[-1]) <= moves:
        return ""
    are = "ends" if len(above) == 1 else "end"
    who = ", ".join(map(str, above.index)) if len(above) <= MOST_NAMED else f"{len(above)} methods"
    return (
        f"That {who} {are} above the original itself says little: "
        f"from one reading to the next its own curve still moves by up to {100 * moves:.0f} points."
    )
