"""Tables: from a comparison's report to text cells, and from those to text and exports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.runs.report import Report
from unlearn_core.views.wording import format_value

FORMULA = re.compile(r"(?P<symbol>D_(?:ft|rt|f|r|t))\b|-(?=\d)")  # set names, minus signs
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


def summary_csv(report: Report) -> str:
    """Return the report's numbers over seeds as CSV."""
    return pd.DataFrame(report.summary_records()).to_csv(index=False)


def with_values(report: Report, metrics: Sequence[str]) -> list[str]:
    """Return the metrics that some run has a value of; all of them where none has."""
    found = [m for m in metrics if any(r["metrics"].get(m) is not None for r in report.runs)]
    return found or list(metrics)


def display_table(report: Report, metrics: Sequence[str] = MAIN) -> pd.DataFrame:
    """Return the table as the papers print it: text cells, one row per method variant.

    Each cell holds the mean, the standard deviation where there are several seeds, and in
    parentheses the distance to the retrained model; the nearest is between asterisks.  Distances
    and costs, where lower or higher is better in itself, have no parentheses.
    """
    table = report.summary
    cells = {
        (row.label, row.metric): _cell(row) for row in table.itertuples() if row.metric in metrics
    }
    labels = list(dict.fromkeys(run["label"] for run in report.runs))
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


def with_verdicts(table: pd.DataFrame, report: Report) -> pd.DataFrame:
    """Return `display_table`'s table with the words of the verdicts as first column."""
    words = report.verdicts.set_index("label")["word"]
    return pd.concat([words.reindex(table.index).rename("Verdict"), table], axis=1)


def long_csv(report: Report) -> str:
    """Return every run's every metric, one row each, as CSV; missing values with their reason."""
    return report.rows.to_csv(index=False)


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
