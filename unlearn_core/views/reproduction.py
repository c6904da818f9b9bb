"""A printed table and what was measured for it, side by side."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.views.wording import format_value

GROUP = ["dataset", "model", "scenario"]


def side_by_side(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return one table of text cells for each data set, network and scenario.

    Methods down, metrics across; a cell holds "printed / measured", with an asterisk at a printed
    number that is known to be doubtful, and a dash where there is none.

    Parameters
    ----------
    rows : DataFrame
        What `papers.reproduce.reproduce` returns: `method`, `metric`, `value`, `measured`,
        `erratum` and the columns of `GROUP`.
    """
    tables = {}
    for (dataset, model, scenario), part in rows.groupby(GROUP, sort=False):
        cells = {(r.method, _title(str(r.metric))): _cell(r) for r in part.itertuples()}
        methods, titles = (list(dict.fromkeys(names)) for names in zip(*cells, strict=True))
        tables[f"{dataset}, {model}, {scenario}"] = pd.DataFrame(
            {title: [cells.get((method, title), "") for method in methods] for title in titles},
            index=pd.Index(methods, name="printed / measured"),
        )
    return tables


def reasons(rows: pd.DataFrame) -> list[str]:
    """Return why numbers were not measured, one line a reason with the metrics it concerns."""
    missing = rows[rows["reason"] != ""]
    return [
        f"not measured: {', '.join(dict.fromkeys(map(_title, part['metric'])))}: {reason}"
        for reason, part in missing.groupby("reason", sort=False)
    ]


def errata(rows: pd.DataFrame) -> list[str]:
    """Return what is known to be wrong with printed numbers, one line for each remark."""
    doubtful = rows[rows["erratum"] != ""]
    return [
        f"* {', '.join(dict.fromkeys(map(_title, part['metric'])))} of "
        f"{', '.join(dict.fromkeys(part['method']))}: {remark}"
        for remark, part in doubtful.groupby("erratum", sort=False)
    ]


def _title(metric: str) -> str:
    name, _, part = metric.partition("@")
    title = METRICS[name].label if name in METRICS else name
    return f"{title} {part}".strip()


def _cell(row: Any) -> str:
    mark = "*" if row.erratum else ""
    return f"{_number(row.metric, row.value)}{mark} / {_number(row.metric, row.measured)}"


def _number(metric: str, value: float) -> str:
    name = metric.partition("@")[0]
    if math.isnan(value):
        return "–"
    return format_value(name, value)
