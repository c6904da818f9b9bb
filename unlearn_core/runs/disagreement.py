"""Where audits disagree: how each metric ranks the methods, and which metrics each trick fools.

Computed from a report's means over seeds alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.findings import Finding
from unlearn_core.metrics.spread import Reference
from unlearn_core.runs.comparison import REFERENCES

NOT_AUDITS = ("Cost",)  # groups of metrics that say nothing about what was forgotten
LEAST_SHARED = 3  # methods that two metrics must both have ranked


def ranks(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rank of each method variant by each metric, 1 the best.

    By the distance to the retrained model's value or, where a metric says that lower or higher is
    better, by the value; equal ones share the mean of their ranks.

    Parameters
    ----------
    summary : DataFrame
        `Report.summary`: columns `label`, `method`, `metric`, `mean` and `distance`.

    Returns
    -------
    ranks : DataFrame of shape (n_variants, n_metrics)
        NaN where a metric is missing; metrics that no variant has, and costs, are left out.
    """
    table = summary[~summary["method"].isin(REFERENCES) & summary["metric"].isin(_audits())]
    if table.empty:
        return pd.DataFrame()
    ideals = table["metric"].map(lambda name: METRICS[name].ideal)
    cost = (
        table["distance"]
        .abs()
        .where(ideals == "reference", table["mean"].where(ideals == "lower", -table["mean"]))
    )
    # what differs by rounding alone is as far away
    wide = table.assign(cost=cost.round(9))
    wide = wide.pivot_table(index="label", columns="metric", values="cost", dropna=False)
    wide = wide.reindex(index=pd.unique(table["label"]), columns=pd.unique(table["metric"]))
    return wide.dropna(axis="columns", how="all").rank(axis="index", method="average")


def agreement(first: ArrayLike, second: ArrayLike) -> float:
    """Return Kendall's tau of two rankings of the same methods, over those that both have.

    tau-b, which allows for ties: 1 for the same order, -1 for the reverse.  NaN for fewer than 3
    methods, or where one ranking has all on one place.

    Examples
    --------
    >>> round(agreement([1, 2, 3, 4], [1, 3, 2, 4]), 6)
    0.666667
    """
    from scipy.stats import kendalltau

    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if len(a) < LEAST_SHARED or len(np.unique(a)) == 1 or len(np.unique(b)) == 1:
        return math.nan
    return float(kendalltau(a, b).statistic)


def agreements(ranked: pd.DataFrame) -> pd.DataFrame:
    """Return Kendall's tau between the rankings of any two metrics, (n_metrics, n_metrics)."""
    names = list(ranked.columns)
    taus = pd.DataFrame(index=names, columns=names, dtype=float)
    for first, second in combinations_with_replacement(names, 2):
        tau = agreement(ranked[first], ranked[second])
        taus.loc[first, second] = taus.loc[second, first] = tau
    return taus


def fooled(summary: pd.DataFrame, reference: Mapping[str, Reference]) -> pd.DataFrame:
    """Return what each metric makes of each trick that only hides what it should forget.

    Parameters
    ----------
    summary : DataFrame
        `Report.summary`, with `mean`, `original` and `retrained`.
    reference : mapping of str to Reference
        What the retrained models say of each metric.

    Returns
    -------
    found : DataFrame
        Columns `label`, `metric` and `found`: "fooled" where the trick matches the retrained
        model; "found" where it does not, or where a verdict counts it as still the original's
        (`Finding.is_kept`); "blind" where the original matches it too, so that the metric tells
        nothing here.  Metrics that are missing have no row.
    """
    rows = []
    numbers = (summary[name].astype(float) for name in ("mean", "original"))
    names = (summary[name].astype(str) for name in ("label", "method", "metric"))
    for label, method, metric, mean, original in zip(*names, *numbers, strict=True):
        if not method.startswith("trick_") or metric not in _audits():
            continue
        if metric not in reference or math.isnan(mean) or math.isnan(original):
            continue
        known = reference[metric]
        each = Finding(metric=metric, value=mean, original=original, reference=known)
        rows.append({"label": label, "metric": metric, "found": _word(each)})
    return pd.DataFrame(rows, columns=["label", "metric", "found"])


def _word(each: Finding) -> str:
    if each.is_kept:
        return "found"
    if not each.tells:
        return "blind"
    return "found" if each.is_off else "fooled"


def disagreement(summary: pd.DataFrame, reference: Mapping[str, Reference]) -> dict[str, Any]:
    """Return all three as JSON types, missing numbers as None.

    `ranks` by metric and label, `kendall` by two metrics, `tricks` by label with the metrics that
    it has "fooled", that have "found" it, and that are "blind".
    """
    ranked = ranks(summary)
    told = fooled(summary, reference)
    tricks = {
        str(label): {
            word: list(part.loc[part["found"] == word, "metric"])
            for word in ("fooled", "found", "blind")
        }
        for label, part in told.groupby("label", sort=False)
    }
    return {
        "ranks": _plain(ranked),
        "kendall": _plain(agreements(ranked)),
        "tricks": tricks,
    }


def _audits() -> set[str]:
    return {name for name, spec in METRICS.items() if spec.group not in NOT_AUDITS}


def _plain(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    plain: dict[str, dict[str, float | None]] = {}
    for column in table.columns:
        numbers = zip(table.index, table[column].astype(float), strict=True)
        plain[str(column)] = {
            str(row): None if math.isnan(number) else number for row, number in numbers
        }
    return plain
