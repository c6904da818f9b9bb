"""The text of a handout: headline, verdicts with their reasons, tables, rule, and provenance.

Whatever a person named (classes, folders, plugins) is escaped here or where it is put into HTML.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import pandas as pd

from unlearn_core.data import DATASETS, Dataset
from unlearn_core.metrics.base import METRICS
from unlearn_core.records import Sets
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views import headline, overview
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.glossary import PLAIN
from unlearn_core.views.markup import method_dot, side_legend, table_html, verdict_pill
from unlearn_core.views.metric_definitions import BETTER, group_of, groups, is_public, names_in
from unlearn_core.views.symbols import as_html, emphasised_as_html
from unlearn_core.views.tables import missing_rows, with_values
from unlearn_core.views.verdicts import evidence_text, rule_text

OPEN_GROUPS = 3  # of the metrics' tables; the others unfold


def headline_html(comparison: Comparison, report: Report, dataset: Dataset, sets: Sets) -> str:
    """Return what was forgotten from what, and how many methods managed, in words."""
    request = headline.request_text(comparison.config, dataset.class_names, sets)
    cards = overview.verdict_cards(comparison, report)
    told = headline.tally(cards) if cards else "No method has run yet."
    return (
        f"<p class='lead'>{emphasised_as_html(request)} <b>{as_html(told)}</b></p>"
        f"<p>{as_html(headline.WHY)} {as_html(evidence_text(report))}</p>"
    )


def verdicts_html(comparison: Comparison, report: Report) -> str:
    """Return one row a method, the best first: its verdict, why, and three numbers."""
    rows = "".join(
        f'<tr><th scope="row">{method_dot(card.method)}{as_html(card.label)}<br>'
        f"{verdict_pill(card.spoken)} <small>{as_html(card.agreement)}</small></th>"
        f"<td>{overview.reason_html(card)}</td>"
        f"<td class='numbers'>{overview.numbers_html(card, rest='under All numbers')}</td></tr>"
        for card in overview.verdict_cards(comparison, report)
    )
    if not rows:
        return "<p>No method has run on this comparison yet.</p>"
    return (
        "<table class='verdicts'><thead><tr><th scope='col'>Method and verdict</th>"
        "<th scope='col'>What it means, and why</th>"
        "<th scope='col'>Numbers (retrained)</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def tables_html(report: Report) -> str:
    """Return a table for each group of metrics, with what the metrics mean and why some miss."""
    parts, shown = [], 0
    for group in groups():
        names = [n for n in names_in([group]) if _is_known(report, n)]
        if not names:
            continue
        shown += 1
        unfolded = " open" if shown <= OPEN_GROUPS else ""
        parts.append(
            f"<details{unfolded}><summary>{html.escape(group)}</summary>"
            f"{table_html(report, names)}{_definitions(group, names)}</details>"
        )
    how = (
        "In parentheses the distance to the mean of the retrained models (of percentages, in "
        "points), and in σ, their deviations, where there are several; beside their own number how "
        "far from it still counts as alike; in bold the nearest of each "
        "column, or the best where lower or higher is better in itself."
    )
    return f"<p>{side_legend()}</p><p>{how}</p>{''.join(parts)}{_missing(report)}"


def rule_html(report: Report) -> str:
    """Return how a verdict is reached, with the numbers in force."""
    lines = [line for line in rule_text(report).splitlines() if line]
    return "".join(f"<p>{emphasised_as_html(line)}</p>" for line in lines)


def provenance_html(comparison: Comparison, report: Report) -> str:
    """Return what the numbers were made from: data, model, recipe, seeds, versions, keys."""
    about, spec = report.comparison, DATASETS.get(comparison.config.data.name)
    environments = [run["environment"] for run in report.runs]
    packages = {
        f"{name} {version}"
        for each in environments
        for name, version in each["packages"].items()
        if version
    }
    lines = {
        "Data": f"{spec.label}, {spec.source}" if spec else about["dataset"],
        "Content of the data (hash)": _each(run["data_content"] for run in report.runs),
        "Model, training, seeds": comparison_caption(report),
        "Precision": about["precision"],
        "Python": _each(each["python"] for each in environments),
        "Packages": _each(packages),
        "Devices": _each(each["device"] for each in environments),
        "Commit": _each(each["commit"] or "not known" for each in environments),
        "Key of the comparison": f"{about['key']} (schema {about['schema']})",
    }
    head = "".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td>{as_html(text)}</td></tr>"
        for name, text in lines.items()
    )
    return f"<table class='provenance'><tbody>{head}</tbody></table>{_runs_html(report)}"


def _is_known(report: Report, name: str) -> bool:
    return any(run["metrics"].get(name) is not None for run in report.runs)


def _each(texts: Iterable[str]) -> str:
    return ", ".join(sorted(set(texts)))


def _definitions(group: str, names: Sequence[str]) -> str:
    items = []
    for spec in (METRICS[name] for name in names if group_of(METRICS[name]) == group):
        source = f" Source: {spec.source}." if is_public(spec.source) else ""
        text = f"{PLAIN.get(spec.name, '')} {' '.join(spec.definition.split())}".strip()
        items.append(
            f"<dt>{as_html(spec.label)}</dt>"
            f"<dd>{as_html(f'{text} {BETTER[spec.ideal]}{source}')}</dd>"
        )
    return f"<dl>{''.join(items)}</dl>"


def _missing(report: Report) -> str:
    names = with_values(report, list(METRICS))
    rows = missing_rows(report, {name: METRICS[name].label for name in names if name in METRICS})
    if rows.empty:
        return ""
    return (
        f"<details><summary>Missing values and why ({len(rows)})</summary>"
        f"{_plain_table(rows)}</details>"
    )


def _runs_html(report: Report) -> str:
    rows = [
        {
            "Run": run["key"],
            "Method": run["label"],
            "Seed": run["seed"],
            "Verdict": run["verdict"],
            "Seconds": f"{run['seconds']:.2f}",
            "Settings": ", ".join(f"{name}={value}" for name, value in run["settings"].items()),
        }
        for run in report.runs
    ]
    return (
        f"<details><summary>All {len(rows)} runs, with their keys and settings</summary>"
        f"{_plain_table(pd.DataFrame(rows))}</details>"
    )


def _plain_table(rows: pd.DataFrame) -> str:
    head = "".join(f"<th scope='col'>{as_html(str(name))}</th>" for name in rows.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{as_html(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows.itertuples(index=False)
    )
    return f"<table class='plain'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
