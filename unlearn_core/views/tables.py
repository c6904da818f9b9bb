"""Tables: from a comparison's report to data frames, and from those to text and exports.

A *report* is what `runs.comparison.report` returns: plain JSON types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.spread import half_width
from unlearn_core.metrics.verdict import place
from unlearn_core.views.wording import format_value

Report = Mapping[str, Any]
FORMULA = re.compile(r"(?P<symbol>D_(?:ft|rt|f|r|t))\b|-(?=\d)")  # set names, minus signs
REFERENCES = ("original", "retrain")
MAIN = (
    "forget_accuracy",
    "retain_accuracy",
    "forget_test_accuracy",
    "retain_test_accuracy",
    "dimensional_alignment",
    "linear_probe_forget",
    "linear_probe_retain",
    "cluster_f1",
    "cluster_nmi",
    "activation_distance_l2",
    "feature_distance_retrained",
    "mia_rfa",
    "mia_muda",
    "unlearn_seconds",
    "speedup",
)


def metric_rows(report: Report) -> pd.DataFrame:
    """Return one row per run and metric.

    Columns: `method`, `label`, `seed`, `key`, `metric`, `value` (NaN where missing), `reason`,
    `retrained`, `original`, `distance` (value minus retrained) and `side` (matched, under,
    over, or off where original and retrained are alike and the value is not).
    """
    values = {(r["method"], r["seed"]): r["metrics"] for r in report["runs"]}
    within = tolerances(report)
    rows = []
    for run in report["runs"]:
        target = values.get(("retrain", run["seed"]), {})
        start = values.get(("original", run["seed"]), {})
        for name, value in run["metrics"].items():
            row = {
                "method": run["method"],
                "label": run["label"],
                "seed": run["seed"],
                "key": run["key"],
                "metric": name,
                "value": value,
                "reason": run["reasons"].get(name, ""),
                "retrained": target.get(name),
                "original": start.get(name),
            }
            found = _distance(name, value, target.get(name), start.get(name), within)
            rows.append({**row, **found})
    columns = ["value", "retrained", "original", "distance"]
    return pd.DataFrame(rows).astype(dict.fromkeys(columns, float))


def _distance(
    name: str,
    value: float | None,
    target: float | None,
    start: float | None,
    within: Mapping[str, float],
) -> dict[str, Any]:
    if value is None or target is None or name not in METRICS:
        return {"distance": None, "side": ""}
    distance = {"distance": value - target}
    spec = METRICS[name]
    if start is None or spec.ideal != "reference":
        return {**distance, "side": ""}
    return {**distance, "side": place(name, value, start, target, within[name])}


def summary(report: Report) -> pd.DataFrame:
    """Return one row per method variant and metric, over its seeds.

    Columns: `label`, `method`, `metric`, `n_seeds`, `mean`, `std` and
    `interval` (half the 95 % interval of the mean; NaN for one seed), `retrained`
    and `original` (means over the same seeds), `distance` (mean of value minus retrained), `side`
    of the mean (as in `metric_rows`, "" where there is no target), `reason` of a
    missing value, `is_nearest` (among methods: to the retrained model, or the lowest or highest
    where the metric says that this is better).  Where the retrained model of a seed is missing,
    that seed's runs do not count, unless the variant has no other.
    """
    rows = _with_target(metric_rows(report))
    grouped = rows.groupby(["label", "method", "metric"], sort=False)
    table = grouped.agg(
        n_seeds=("value", "count"),
        mean=("value", "mean"),
        std=("value", "std"),
        retrained=("retrained", "mean"),
        original=("original", "mean"),
        distance=("distance", "mean"),
        reason=("reason", "max"),
    ).reset_index()
    within = tolerances(report)
    table["interval"] = [half_width(group["value"].dropna().tolist()) for _, group in grouped]
    table["side"] = [_side_of_mean(row, within) for row in table.itertuples()]
    table["is_nearest"] = False
    methods = table[~table["method"].isin(REFERENCES)]
    for name, group in methods.groupby("metric"):
        cost = _how_far(group, METRICS[str(name)].ideal)
        if cost.notna().any():
            table.loc[group.index[cost == cost.min()], "is_nearest"] = True
    return table


def _with_target(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out a variant's seeds without a retrained model where it has others."""
    is_judged = rows["seed"].isin(rows.loc[rows["method"] == "retrain", "seed"])
    has_some = is_judged.groupby(rows["label"]).transform("any")
    return rows[is_judged | ~has_some]


def summary_records(report: Report) -> list[dict[str, Any]]:
    """Return `summary` as JSON types: one entry per method variant and metric, NaN as None.

    `low` and `high` are the ends of the 95 % confidence interval of the mean, from two seeds on.
    """
    table = summary(report)
    table["low"], table["high"] = (
        table["mean"] - table["interval"],
        table["mean"] + table["interval"],
    )
    kept = ["label", "method", "metric", "n_seeds", "mean", "std", "low", "high"]
    kept += ["retrained", "distance", "side"]
    records = table[kept].astype(object).where(table[kept].notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def summary_csv(report: Report) -> str:
    """Return `summary_records` as CSV."""
    return str(pd.DataFrame(summary_records(report)).to_csv(index=False))


def tolerances(report: Report) -> dict[str, float]:
    """Return, by metric, how far from retrained still counts as matched in this report."""
    told: dict[str, float] = report["comparison"].get("matched_within", {})
    return {name: told.get(name, spec.tolerance) for name, spec in METRICS.items()}


def _side_of_mean(row: Any, within: Mapping[str, float]) -> str:
    spec = METRICS.get(row.metric)
    known = not any(pd.isna(v) for v in (row.mean, row.original, row.retrained))
    if spec is None or spec.ideal != "reference" or row.method in REFERENCES or not known:
        return ""
    return place(row.metric, row.mean, row.original, row.retrained, within[row.metric])


def _how_far(group: pd.DataFrame, ideal: str) -> pd.Series[float]:
    """Return how far each row is from the ideal: the retrained model, or the best value."""
    if ideal == "reference":
        return group["distance"].abs()
    return group["mean"] if ideal == "lower" else -group["mean"]


def with_values(report: Report, metrics: Sequence[str]) -> list[str]:
    """Return the metrics that some run has a value of; all of them where none has."""
    found = [m for m in metrics if any(r["metrics"].get(m) is not None for r in report["runs"])]
    return found or list(metrics)


def display_table(report: Report, metrics: Sequence[str] = MAIN) -> pd.DataFrame:
    """Return the table as the papers print it: text cells, one row per method variant.

    Each cell holds the mean, the standard deviation where there are several seeds, and in
    parentheses the distance to the retrained model; the nearest is between asterisks.  Distances
    and costs, where lower or higher is better in itself, have no parentheses.
    """
    table = summary(report)
    cells = {
        (row.label, row.metric): _cell(row) for row in table.itertuples() if row.metric in metrics
    }
    labels = list(dict.fromkeys(run["label"] for run in report["runs"]))
    shown = [name for name in metrics if name in METRICS]
    data = {METRICS[name].label: [cells.get((lb, name), "–") for lb in labels] for name in shown}
    return pd.DataFrame(data, index=pd.Index(labels, name="Method"))


def _cell(row: Any) -> str:
    if row.n_seeds == 0:
        return "–"
    text = format_value(row.metric, row.mean)
    if row.n_seeds > 1:
        text += f" ± {format_value(row.metric, row.std)}"
    is_target = METRICS[row.metric].ideal == "reference"
    if is_target and row.method not in REFERENCES and not pd.isna(row.distance):
        text += f" ({format_value(row.metric, row.distance, signed=True)})"
    return f"*{text}*" if row.is_nearest else text


def to_text(table: pd.DataFrame) -> str:
    """Return the table for a terminal: methods side by side, one line per metric."""
    return str(table.T.to_string(justify="right"))


def with_verdicts(table: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return `display_table`'s table with the words of `views.verdicts` as first column."""
    words = verdicts.set_index("label")["word"]
    return pd.concat([words.reindex(table.index).rename("Verdict"), table], axis=1)


def long_csv(report: Report) -> str:
    """Return every run's every metric, one row each, as CSV; missing values with their reason."""
    return str(metric_rows(report).to_csv(index=False))


def to_markdown(table: pd.DataFrame) -> str:
    """Return the table in Markdown, the nearest values bold."""
    head = [str(table.index.name), *table.columns]
    lines = [head, ["---"] * len(head)]
    lines += [[str(i), *(_bold(c, "**", "**") for c in row)] for i, row in _rows(table)]
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in escaped) + "\n"


def to_latex(table: pd.DataFrame, note: str = "") -> str:
    """Return the table in LaTeX (booktabs), the nearest values bold, `note` as a comment."""
    head = " & ".join(_escape(c) for c in [str(table.index.name), *table.columns])
    body = [
        " & ".join([_escape(i), *(_bold(_escape(c), r"\textbf{", "}") for c in row)])
        for i, row in _rows(table)
    ]
    lines = [
        *([f"% {note}"] if note else []),
        rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *[rf"{line} \\" for line in body],
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _rows(table: pd.DataFrame) -> list[tuple[str, list[str]]]:
    return [
        (str(i), [str(c) for c in row]) for i, row in zip(table.index, table.values, strict=True)
    ]


def _bold(cell: str, before: str, after: str) -> str:
    is_marked = cell.startswith("*") and cell.endswith("*") and len(cell) > 1
    return f"{before}{cell[1:-1]}{after}" if is_marked else cell


def _escape(text: str) -> str:
    parts, end = [], 0
    for match in FORMULA.finditer(text):
        symbol = match["symbol"]
        formula = f"${symbol[0]}_{{{symbol[2:]}}}$" if symbol else "$-$"
        parts += [_escape_plain(text[end : match.start()]), formula]
        end = match.end()
    return "".join([*parts, _escape_plain(text[end:])])


def _escape_plain(text: str) -> str:
    special = {"%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#", "±": r"$\pm$", "–": "--", "|": "$|$"}
    return "".join(special.get(letter, letter) for letter in text)
