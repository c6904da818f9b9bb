"""What every audit makes of the tricks that only hide, and which audits disagree."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby

import pandas as pd
import plotly.graph_objects as go

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.findings import DECIDING
from unlearn_core.runs.disagreement import agreements, fooled, ranks
from unlearn_core.runs.report import Report
from unlearn_core.views.audits import least_agreement
from unlearn_core.views.glossary import ATTACK, PLAIN
from unlearn_core.views.markup import STYLE
from unlearn_core.views.metric_definitions import group_of
from unlearn_core.views.palette import VERDICT_COLOURS
from unlearn_core.views.symbols import as_html

# what an audit may say of a trick: on the page, its sign, its colour
ANSWERS = {
    "fooled": ("fooled", "✗", VERDICT_COLOURS["broken"]),
    "found": ("not fooled", "✓", VERDICT_COLOURS["matched"]),
    "blind": ("cannot tell", "=", VERDICT_COLOURS["too few to tell"]),
}
OTHERS = (
    "mia_muda", "mia_efficacy", "mia_scrub", "rmia_auc", "relearn_k", "relearn_gap",
    "cka_retrained", "activation_distance_l2", "tow", "zrf",
)  # fmt: skip
# shown unless all are asked for
USUAL = (*dict.fromkeys(name for part in DECIDING.values() for name in part), *OTHERS)
AIMS = ("forget_accuracy", "backdoor_asr")  # the answers that a trick is made to hide
HEIGHT = 560
FEW = 4  # audits that a sentence names


def found_rows(report: Report) -> pd.DataFrame:
    """Return `label`, `metric` and `found` of every trick and audit; see `disagreement.fooled`."""
    return fooled(report.summary, report.reference)


def answer_lines(rows: pd.DataFrame, *, everything: bool) -> list[str]:
    """Return one sentence a trick, in Markdown: how many audits it fools and which find it.

    They are the audits of `fooled_html`.
    """
    lines = []
    shown = rows if everything else rows[rows["metric"].isin(USUAL)]
    for label, part in shown.groupby("label", sort=False):
        words = part.set_index("metric")["found"]
        told = words[words != "blind"]
        deciding = [METRICS[name].label for name in USUAL if words.get(name) == "found"]
        is_seen = any(words.get(name) == "found" for name in AIMS)
        failed = "does not even answer as the retrained model does, and " if is_seen else ""
        n_fooled = int((told == "fooled").sum())
        lines.append(
            f"**{label}** {failed}fools **{n_fooled} of {len(told)}** audits of this "
            f"table that can tell here. Not fooled{', among others' * (len(deciding) > FEW)}: "
            f"{', '.join(deciding[:FEW]) or 'none'}."
        )
    return lines


def fooled_html(rows: pd.DataFrame, *, everything: bool) -> str:
    """Return a table with a row an audit, by groups, and a column a trick."""
    labels = list(dict.fromkeys(rows["label"]))
    cells = {(row["metric"], row["label"]): row["found"] for row in rows.to_dict("records")}
    known = dict.fromkeys(rows["metric"])
    names = [name for name in known if everything or name in USUAL]
    order = {group: place for place, group in enumerate(dict.fromkeys(map(_group, known)))}
    body = []
    for group, part in groupby(sorted(names, key=lambda n: order[_group(n)]), key=_group):
        body.append(
            f'<tr><td colspan="{len(labels) + 1}" style="text-align: left">'
            f"<small>{html.escape(group)}</small></td></tr>"
        )
        body += [_row(name, [cells.get((name, label), "") for label in labels]) for name in part]
    head = "".join(f'<th scope="col">{html.escape(label)}</th>' for label in labels)
    return (
        f'{STYLE}<div class="mu-scroll" style="max-height: none">'
        '<table class="mu-table"><thead><tr>'
        f'<th scope="col" class="mu-left">Audit</th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _row(name: str, found: Sequence[str]) -> str:
    title = html.escape(PLAIN.get(name) or " ".join(METRICS[name].definition.split()))
    label = as_html(METRICS[name].label)
    plain = f"{html.escape(ATTACK)} ({label})" if name in DECIDING["attacks"] else label
    return (
        f'<tr><th scope="row" title="{title}">{plain}</th>'
        f"{''.join(_cell(word) for word in found)}</tr>"
    )


def _cell(word: str) -> str:
    if word not in ANSWERS:
        return "<td>–</td>"
    text, sign, colour = ANSWERS[word]
    return f'<td style="background: {colour}26">{text} {sign}</td>'


def _group(name: str) -> str:
    return group_of(METRICS[name])


def usual_agreements(report: Report) -> pd.DataFrame:
    """Return how alike the usual audits rank the methods; see `disagreement.agreements`."""
    ranked = ranks(report.summary)
    names = [name for name in USUAL if name in ranked.columns]
    return agreements(ranked[names]) if names else pd.DataFrame()


def agreement_figure(taus: pd.DataFrame) -> go.Figure | None:
    """Draw what `usual_agreements` returns, Kendall's tau; None without a ranking."""
    known = [name for name in taus.columns if taus[name].notna().any()]
    if len(known) < 2:
        return None
    taus = taus.loc[known, known]
    labels = [as_html(METRICS[name].label) for name in known]
    figure = go.Figure(
        go.Heatmap(
            z=taus.to_numpy(),
            x=labels,
            y=labels,
            zmin=-1,
            zmax=1,
            colorscale=[[0, "#D55E00"], [0.5, "#EEEEEE"], [1, "#0072B2"]],
            text=taus.round(1).to_numpy(),
            texttemplate="%{text}",
            hovertemplate="%{y}, %{x}: %{z:.2f}<extra></extra>",
            colorbar={"title": "tau"},
        )
    )
    figure.update_layout(height=HEIGHT, margin={"l": 110, "r": 10, "t": 10, "b": 90})
    figure.update_yaxes(autorange="reversed")
    return figure


def apart_lines(taus: pd.DataFrame) -> list[str]:
    """Return the pairs of audits that rank the methods most unlike, as sentences."""
    pairs = least_agreement(taus)
    return [f"{tau:+.2f}: {first} and {second}" for tau, first, second in pairs]
