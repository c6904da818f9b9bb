"""How much of the way from the original to the retrained model each method has left.

For every metric (value - retrained) / (original - retrained): 1 is the original, 0 the retrained
model, below 0 past it.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from unlearn_core.metrics.attack_variants import AS_PRINTED
from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.runs.report import Report
from unlearn_core.views.wording import format_value

LEFT_OUT = ("Cost", AS_PRINTED)
EDGES = (-1.0, 2.0)
COLUMNS = ["label", "method", "metric", "metric_label", "share", "shown", "is_beyond", "text"]


def way_rows(report: Report) -> tuple[pd.DataFrame, list[str]]:
    """Return one row per method variant and metric, and the labels of metrics left out.

    Columns: `label`, `method`, `metric`, `metric_label`, `share`, `shown` (the share, held inside
    `EDGES`), `is_beyond` (whether it was outside) and `text` (the numbers behind it).  Left out
    are metrics in which original and retrained differ by no more than the metric's tolerance.
    """
    table = report.summary
    rows, left_out = [], []
    for name, group in table.groupby("metric", sort=False):
        spec = METRICS.get(str(name))
        if spec is None or spec.group in LEFT_OUT:
            continue
        methods = group[~group["method"].isin(REFERENCES) & group["mean"].notna()]
        span = (methods["original"] - methods["retrained"]).abs()
        usable = methods[span > spec.tolerance]
        if len(methods) and usable.empty:
            left_out.append(spec.label)
        rows += [_row(row, spec.label) for row in usable.itertuples()]
    return pd.DataFrame(rows, columns=COLUMNS), left_out


def _row(row: Any, metric_label: str) -> dict[str, Any]:
    share = (row.mean - row.retrained) / (row.original - row.retrained)
    low, high = EDGES
    value, original, retrained = (
        format_value(row.metric, number) for number in (row.mean, row.original, row.retrained)
    )
    return {
        "label": row.label,
        "method": row.method,
        "metric": row.metric,
        "metric_label": metric_label,
        "share": share,
        "shown": min(max(share, low), high),
        "is_beyond": not low <= share <= high,
        "text": f"{value} (original {original}, retrained {retrained})",
    }
