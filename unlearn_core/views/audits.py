"""Where audits disagree, as text: ranks of the methods, agreement of metrics, what fools which."""

from __future__ import annotations

import math
from itertools import combinations

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.disagreement import agreements, fooled, ranks
from unlearn_core.runs.report import Report

APART = 6  # pairs of metrics that are named


def text(report: Report) -> str:
    """Return three tables for a terminal: ranks, metrics that agree least, and tricks."""
    ranked = ranks(report.summary)
    if ranked.empty:
        return "No method to rank."
    parts = [
        "Rank of each method by each metric (1: nearest to retrained, or best)",
        _named(ranked.T).to_string(float_format=lambda rank: f"{rank:g}", na_rep="–"),
        *_least_agreement(agreements(ranked)),
        *_tricks(fooled(report.summary, report.reference)),
    ]
    return "\n".join(["", *parts])


def least_agreement(taus: pd.DataFrame) -> list[tuple[float, str, str]]:
    """Return tau and labels of the pairs of metrics that agree least, the least first."""
    numbers, names = taus.to_numpy(float), [_label(name) for name in taus.columns]
    pairs = [(float(numbers[i, j]), i, j) for i, j in combinations(range(len(names)), 2)]
    known = sorted(pair for pair in pairs if not math.isnan(pair[0]))[:APART]
    return [(tau, names[i], names[j]) for tau, i, j in known]


def _least_agreement(taus: pd.DataFrame) -> list[str]:
    lines = [f"{tau:5.2f}  {first}, {second}" for tau, first, second in least_agreement(taus)]
    if not lines:
        return []
    return [
        "",
        "Kendall's tau of the metrics that agree least (1: same order, -1: reverse)",
        *lines,
    ]


def _tricks(found: pd.DataFrame) -> list[str]:
    if found.empty:
        return []
    table = found.set_index(["metric", "label"])["found"].unstack("label")  # noqa: PD010
    table = table.reindex(pd.unique(found["metric"])).fillna("–")
    head = "What each metric makes of the tricks (blind: it does not tell the original either)"
    return ["", head, _named(table).to_string()]


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with one row a metric under the metrics' labels, without other headings."""
    return table.set_axis([_label(name) for name in table.index], axis=0).rename_axis(columns=None)


def _label(name: object) -> str:
    return METRICS[str(name)].label
