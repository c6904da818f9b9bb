"""What an attacker sees, drawn: distributions of a score, a threshold, ROC, the most exposed.

The scores themselves are of `views.attacker`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.views.attacker import (
    NON_MEMBERS,
    SCORES,
    area,
    roc,
    scores_of,
    sides_in,
    threshold_range,
    true_rate_at,
)
from unlearn_core.views.layout import DASHES, LINE, MARKERS, finish, lines_across
from unlearn_core.views.names import SET_SYMBOLS
from unlearn_core.views.palette import FORGET_COLOUR, RETAIN_COLOUR, method_colour
from unlearn_core.views.symbols import as_html

SIDE_NAMES = {
    "forget": f"to forget ({SET_SYMBOLS['forget']})",
    "retain": f"members ({SET_SYMBOLS['retain']})",
    "retain_test": f"non-members ({SET_SYMBOLS['retain_test']})",
    "forget_test": f"non-members ({SET_SYMBOLS['forget_test']})",
}
NON_MEMBER_NAMES = {
    "retain_test": "Test examples of the kept classes",
    "forget_test": "Unseen examples of the forgotten kind",
}
SIDE_STYLES = {
    "forget": (FORGET_COLOUR, "solid"),
    "retain": (RETAIN_COLOUR, "dash"),
    **dict.fromkeys(NON_MEMBERS, ("#0072B2", "dot")),
}
FEW_FALSE_ALARMS = 0.01
SURE, APART = 2, 0.05  # standard errors; of an AUC
NO_BETTER = 0.6  # an AUC that is hardly better than guessing
BINS = 30


def finding_text(rows: pd.DataFrame, original: str, retrained: str) -> str:
    """Return what the attacker finds before anything is unlearned, in Markdown; "" if not shown.

    `original` and `retrained` are the labels of the references.
    """
    shown = set(rows["label"])
    if original not in shown:
        return ""
    before = _area_of(rows, original)
    told = f"In **{original}** D_f is told from non-members with an AUC of **{before:.2f}**"
    if before <= NO_BETTER:
        told += ": hardly better than guessing (0.5). This attack has little to find here"
    if retrained in shown:
        after = _area_of(rows, retrained)
        told += f"; in **{retrained}**, which never saw it, **{after:.2f}**"
        if after < 1 - NO_BETTER:
            told += ", far below guessing: there D_f stands out as what it does not know"
    return f"{told}."


def against_retrained_text(rows: pd.DataFrame, original: str, retrained: str) -> str:
    """Say in Markdown in which models D_f is told from non-members as in the retrained one; or "".

    It is where the two AUCs differ by at most .05, or two standard errors of a rank-sum test.
    """
    if retrained not in set(rows["label"]):
        return ""
    goal = _area_of(rows, retrained)
    forget, _, others = (len(scores_of(rows, retrained, name)) for name in sides_in(rows))
    within = max(APART, SURE * np.sqrt((forget + others + 1) / (12 * forget * others)))
    found: dict[str, list[str]] = {"more": [], "less": [], "alike": []}
    for label in rows["label"].unique():
        gap = _area_of(rows, str(label)) - goal
        if label not in (original, retrained) and not np.isnan(gap):
            word = "alike" if abs(gap) <= within else "more" if gap > 0 else "less"
            found[word].append(str(label))
    told = {
        "more": "found more easily in",
        "less": "less, so that it stands out as forgotten, in",
        "alike": "found as well, or as badly, in",
    }
    parts = [f"{told[word]} **{', '.join(part)}**" for word, part in found.items() if part]
    if not parts:
        return ""
    return f"Beside the retrained model (AUC {goal:.2f}), D_f is {'; '.join(parts)}."


def _area_of(rows: pd.DataFrame, label: str) -> float:
    """Return the AUC of a model's scores of D_f against those of the non-members."""
    forget, _, others = (scores_of(rows, label, name) for name in sides_in(rows))
    return area(*roc(forget, others))


def threshold_table(rows: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return for each model how many of each set the attacker calls members at a threshold.

    `Model`, one text column a set such as "131 of 146 (90%)", and `AUC` and `TPR at 1 % FPR` of
    D_f against the non-members.
    """
    lines = []
    sides = sides_in(rows)
    for label in rows["label"].unique():
        line: dict[str, object] = {"Model": label}
        for name in sides:
            scores = scores_of(rows, label, name)
            n = int((scores >= threshold).sum())
            line[SIDE_NAMES[name]] = f"{n:,} of {len(scores):,} ({n / len(scores):.0%})"
        curve = roc(scores_of(rows, label, sides[0]), scores_of(rows, label, sides[2]))
        is_few = len(scores_of(rows, label, sides[2])) * FEW_FALSE_ALARMS < 1
        line["AUC"] = f"{area(*curve):.2f}" if is_few else f"{area(*curve):.3f}"
        rate = f"{true_rate_at(*curve, FEW_FALSE_ALARMS):.1%}"
        line["TPR at 1 % FPR"] = "too few" if is_few else rate
        lines.append(line)
    return pd.DataFrame(lines)


def few_words(rows: pd.DataFrame) -> str:
    """Say what a share at 1 % false alarms is worth where non-members are below 100."""
    n = len(scores_of(rows, str(rows["label"].iloc[0]), sides_in(rows)[2]))
    if n * FEW_FALSE_ALARMS >= 1:
        return ""
    return (
        f"Here are {n:,} non-members only, of which one is {1 / n:.1%}: what is found at 1 % false "
        "alarms would be a guess and is left out, and an AUC may be off by several hundredths."
    )


def distributions_figure(rows: pd.DataFrame, score: str, threshold: float) -> go.Figure:
    """Draw the distribution of each set's scores, a panel a model, with the threshold.

    Columns used: `label`, `set`, `score`.
    """
    labels = list(rows["label"].unique())
    columns = min(3, len(labels))
    height = -(-len(labels) // columns)
    figure = make_subplots(
        rows=height, cols=columns, subplot_titles=[f"<b>{label}</b>" for label in labels],
        shared_xaxes="all", shared_yaxes="all", horizontal_spacing=0.03,
        vertical_spacing=0.16 if height > 1 else 0,
    )  # fmt: skip
    edges = np.linspace(*threshold_range(rows), BINS + 1)
    for number, label in enumerate(labels):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        for name in sides_in(rows):
            scores = scores_of(rows, label, name)
            shares = np.histogram(scores, edges)[0] / len(scores)
            colour, dash = SIDE_STYLES[name]
            figure.add_scatter(
                x=(edges[:-1] + edges[1:]) / 2,
                y=shares,
                mode="lines",
                name=as_html(SIDE_NAMES[name]),
                legendgroup=name,
                showlegend=number == 0,
                line={"color": colour, "dash": dash, "shape": "hvh", "width": 2.5},
                fill="tozeroy" if name == "forget" else None,
                fillcolor="rgba(213, 94, 0, 0.18)",
                hovertemplate=f"{as_html(SIDE_NAMES[name])}<br>about %{{x:.1f}}: %{{y:.1%}}"
                "<extra></extra>",
                **place,
            )
        lines_across(figure, [threshold], {"color": LINE, "width": 2}, panel=number + 1)
    finish(figure, height=90 + 230 * height)
    figure.update_layout(margin={"t": 80}, legend={"y": 1.0 + 0.16 / height})
    figure.update_xaxes(title=SCORES[score].axis, row=height)
    figure.update_yaxes(title="share of the set", tickformat=".0%", col=1)
    return figure


def roc_figure(rows: pd.DataFrame) -> go.Figure:
    """Draw D_f against the non-members on logarithmic axes, a curve a model, and guessing.

    Columns used: `label`, `method`, `set`, `score`.  Rates of 0 have no place on these axes.
    """
    figure = go.Figure()
    lowest = 1.0
    for number, label in enumerate(rows["label"].unique()):
        method = str(rows.loc[rows["label"] == label, "method"].iloc[0])
        members = scores_of(rows, label, "forget")
        others = scores_of(rows, label, sides_in(rows)[2])
        false_rates, true_rates = roc(members, others)
        lowest = min(lowest, 1 / len(others), 1 / len(members))
        seen = (false_rates > 0) & (true_rates > 0)
        figure.add_scatter(
            x=false_rates[seen],
            y=true_rates[seen],
            mode="lines+markers",
            name=f"{label}, AUC {area(false_rates, true_rates):.2f}",
            line={"color": method_colour(method), "dash": DASHES[number % len(DASHES)], "width": 2},
            marker={"symbol": MARKERS[number % len(MARKERS)], "size": 8, "maxdisplayed": 12},
            hovertemplate=f"{label}<br>%{{y:.1%}} of D<sub>f</sub> found at %{{x:.1%}} false alarms"
            "<extra></extra>",
        )
    ends = np.array([lowest, 1.0])
    figure.add_scatter(
        x=ends, y=ends, mode="lines", name="guessing", line={"color": LINE, "dash": "dot"},
        hoverinfo="skip",
    )  # fmt: skip
    finish(figure, height=430)
    axis = {"type": "log", "range": [np.log10(lowest), 0.05], "tickformat": "~%", "dtick": 1}
    figure.update_xaxes(title="false alarms: share of non-members called members", **axis)
    figure.update_yaxes(title=as_html("share of D_f called members"), **axis)
    return figure


def sides_of(rows: pd.DataFrame, label: str, threshold: float) -> dict[str, list[int]]:
    """Return the ids of D_f that a model's scores call members and non-members.

    Those called members from the highest score down, the others from the lowest up.
    """
    part = rows[(rows["label"] == label) & (rows["set"] == "forget")].sort_values("score")
    called = part["score"] >= threshold
    return {
        "members": part[called]["example_id"].tolist()[::-1],
        "non-members": part[~called]["example_id"].tolist(),
    }


def most_exposed(
    rows: pd.DataFrame, label: str, retrained: str, most: int = 12
) -> dict[str, Mapping[int, float]]:
    """Return by how much a model's score of an example of D_f exceeds the retrained model's.

    `exposure`, `score` and `retrained` by example id, the most exposed first; empty where either
    model is not among the rows.
    """
    of_forget = rows[rows["set"] == "forget"]
    wide = of_forget.pivot_table(index="example_id", columns="label", values="score")
    if label not in wide or retrained not in wide:
        return {"exposure": {}, "score": {}, "retrained": {}}
    exposure = (wide[label] - wide[retrained]).nlargest(most)
    chosen = wide.loc[exposure.index]
    columns = {"exposure": exposure, "score": chosen[label], "retrained": chosen[retrained]}
    ids = exposure.index.tolist()
    return {name: dict(zip(ids, values.tolist(), strict=True)) for name, values in columns.items()}
