"""The table of metrics on the Metrics page, and verdicts, as HTML.

What is exported, and what the command line prints, is made in `views.tables`.  Here each cell
tells its side by colour, by a symbol and, on hover, in words.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.findings import DECIDING
from unlearn_core.metrics.verdict import BUT
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.runs.report import Report
from unlearn_core.views.glossary import ATTACK, PLAIN
from unlearn_core.views.palette import VERDICT_COLOURS, VERDICT_ICONS, method_colour
from unlearn_core.views.symbols import as_html
from unlearn_core.views.wording import distance_text, draws_text, format_value, interval_text

SIDES = {
    "matched": ("matched", "as near as retrained models are to one another"),
    "doubtful": (
        "partly matched",
        "not off, but two deviations or more on the original's side (told of what was to be kept, "
        "of features and of attacks)",
    ),
    "under": ("remembers", "still on the original's side of the retrained models"),
    "over": ("over-forgotten", "past the retrained models"),
    "untold": (
        "nothing to tell",
        "as near as retrained models are, but so is the original: it does not tell here",
    ),
    # drawn like a broken model: no word of a verdict says "elsewhere"
    "off": ("broken", "away from both, where original and retrained are alike"),
}
STYLE = """<style>
.mu-scroll {overflow: auto; max-height: min(38rem, 62vh); --mu-ground: light-dark(#FFF, #171614);
  border: 1px solid rgba(128, 128, 128, .25); animation: mu-more linear;
  animation-timeline: scroll(self inline)}
@keyframes mu-more {from, 95% {mask: linear-gradient(to left, #0003, #000 4rem)} to {mask: none}}
.mu-scroll::-webkit-scrollbar {width: .6rem; height: .7rem}
.mu-scroll::-webkit-scrollbar-thumb {background: rgba(128, 128, 128, .7); border-radius: .35rem}
.mu-table {border-collapse: separate; border-spacing: 0; width: 100%; font-size: .875rem}
.mu-table thead {position: sticky; top: 0; z-index: 2; background: var(--mu-ground)}
.mu-table tbody th, .mu-table thead tr > :first-child {position: sticky; left: 0; z-index: 1;
  background: var(--mu-ground); border-right: 2px solid rgba(128, 128, 128, .4)}
.mu-table th, .mu-table td {padding: .3rem .45rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid rgba(128, 128, 128, .25); line-height: 1.25}
.mu-table thead th {vertical-align: bottom; cursor: help; font-weight: 600; white-space: normal}
.mu-table tbody th, .mu-table th.mu-left {text-align: left; font-weight: 400; line-height: 1.5}
.mu-table tbody th {white-space: normal; min-width: 11rem}
.mu-table thead th.mu-group {text-align: left; font-weight: 400; font-size: .75rem; opacity: .75;
  border-left: 1px solid rgba(128, 128, 128, .25)}
.mu-table th.mu-group span {position: sticky; left: 12.5rem}
.mu-table tbody tr.mu-last > * {border-bottom: 2px solid rgba(128, 128, 128, .6)}
.mu-table small {display: block; opacity: .8; font-size: .75rem}
.mu-table abbr {text-decoration: underline dotted; cursor: help}
.mu-pill {display: inline-block; padding: .05rem .5rem; border-radius: .75rem; white-space: nowrap;
  font-size: .8125rem}
.mu-dot {display: inline-block; width: .7rem; height: .7rem; border-radius: 2px;
  margin-right: .4rem; outline: 1px solid rgba(128, 128, 128, .7)}
.mu-table th small {display: inline}
</style>"""


def table_html(report: Report, metrics: Sequence[str]) -> str:
    """Return the papers' table of the named metrics, one row per method variant."""
    rows = {(row["label"], row["metric"]): row for row in report.summary.to_dict("records")}
    verdicts = report.verdicts
    specs = [METRICS[name] for name in metrics if name in METRICS]
    head = "".join(
        f'<th scope="col" title="{_definition(spec)}">{_heading(spec)}</th>' for spec in specs
    )
    above = "".join(
        f'<th scope="colgroup" colspan="{len(list(part))}" class="mu-group">'
        f"<span>{html.escape(group)}</span></th>"
        for group, part in groupby(specs, key=lambda spec: spec.group)
    )
    last_reference = max(
        (i for i, row in enumerate(verdicts.itertuples()) if row.method in REFERENCES), default=-1
    )
    within = {name: there.within for name, there in report.reference.items()}
    body = []
    for number, verdict in enumerate(verdicts.itertuples()):
        cells = "".join(
            _cell(rows[verdict.label, spec.name], within if verdict.word == "reference" else {})
            if (verdict.label, spec.name) in rows
            else "<td>–</td>"
            for spec in specs
        )
        mark = ' class="mu-last"' if number == last_reference else ""
        body.append(
            f'<tr{mark}><th scope="row" title="{html.escape(str(verdict.because))}">'
            f"{method_dot(str(verdict.method))}{html.escape(str(verdict.label))}<br>"
            f"{verdict_pill(_said(verdict))} {_small(str(verdict.agreement))}</th>{cells}</tr>"
        )
    return (
        f'{STYLE}<div class="mu-scroll"><table class="mu-table"><thead>'
        f"<tr><td></td>{above}</tr><tr>"
        f'<th scope="col" class="mu-left">Method and verdict</th>'
        f"{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _said(verdict: Any) -> str:
    return f"{verdict.word}{BUT}" if verdict.n_caveats else str(verdict.word)


def verdict_pill(said: str) -> str:
    """Return a verdict as a coloured pill with its symbol; needs `STYLE` on the page.

    `said` is its word, with its "but" where it has one (`Verdict.spoken`).
    """
    word = said.removesuffix(BUT)
    colour = VERDICT_COLOURS.get(word, VERDICT_COLOURS["unknown"])
    icon = VERDICT_ICONS.get(word, "")
    return (
        f'<span class="mu-pill" style="background: {colour}26; border: 1px solid {colour}">'
        f"{icon} {html.escape(said)}</span>"
    )


def method_dot(method: str) -> str:
    """Return a square in the method's colour; needs `STYLE` on the page."""
    return f'<span class="mu-dot" style="background: {method_colour(method)}"></span>'


def side_legend() -> str:
    """Return what colours and symbols of the cells mean."""
    return "".join(
        f'<span style="margin-right: 1.2rem">{_swatch(word)} {html.escape(meaning)}</span>'
        for word, meaning in SIDES.values()
    )


def _swatch(word: str) -> str:
    colour = VERDICT_COLOURS[word]
    return f'<span class="mu-pill" style="background: {colour}26">{VERDICT_ICONS[word]}</span>'


def _cell(row: Mapping[Any, Any], within: Mapping[str, float]) -> str:
    """Return a number of the table; `within` is by metric how far from it counts as alike."""
    name = str(row["metric"])
    if not row["n_seeds"]:
        reason = html.escape(str(row["reason"]) or "not measured", quote=True)
        return f'<td title="{reason}"><abbr title="{reason}">–</abbr></td>'
    text, over = html.escape(format_value(name, row["mean"])), interval_text(row)
    if over:
        text += f" ± {format_value(name, row['std'])}"
    text = f"<b>{text}</b>" if row["is_nearest"] else text
    word, meaning = SIDES.get(row["side"], ("", ""))
    told = ". ".join(filter(None, (meaning, over, draws_text(row))))
    title = f' title="{told}"' if told else ""
    if not word:
        is_target = name in within and METRICS[name].ideal == "reference"
        near = format_value(name, within[name], signed=True) if is_target else ""
        return f"<td{title}>{text}{_small(near and f'(alike within {near[1:]})')}</td>"
    return (
        f'<td style="background: {VERDICT_COLOURS[word]}26"{title}>{text}'
        f"{_small(f'({distance_text(row)}) {VERDICT_ICONS[word]}')}</td>"
    )


def _small(text: str) -> str:
    return f"<small>{html.escape(text)}</small>" if text else ""


def _heading(spec: Any) -> str:
    """Return a metric's symbol; of the attack that verdicts rest on also its plain name."""
    if spec.name not in DECIDING["attacks"]:
        return as_html(spec.label)
    return f"{html.escape(ATTACK)}{_small(f'({spec.label})')}"


def _definition(spec: Any) -> str:
    ideal = {"reference": "as the retrained model", "lower": "lower", "higher": "higher"}
    plain = PLAIN.get(spec.name, "")
    text = f"{plain} {' '.join(spec.definition.split())} Better: {ideal[spec.ideal]}.".strip()
    return html.escape(text, quote=True)
