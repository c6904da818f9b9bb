"""Tables of a comparison for export and the command line, and of missing values and costs.

The table that the Metrics page shows is made in `views.markup`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.report import Report
from unlearn_core.views.wording import distance_text, format_value

FORMULA = re.compile(r"(?P<symbol>D_(?:ft|rt|f|r|t))\b|-(?=\d)")  # set names, minus signs
LATEX_WIDTH = 135  # letters of a line; more than 90 of small type are scaled down
MAIN = (
    "forget_accuracy",
    "retain_accuracy",
    "forget_test_accuracy",
    "retain_test_accuracy",
    "backdoor_asr",
    "triggered_accuracy",
    "perplexity_forget",
    "perplexity_retain",
    "perplexity_forget_test",
    "perplexity_retain_test",
    "dimensional_alignment",
    "linear_probe_forget",
    "linear_probe_retain",
    "prototype_forget",
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
    """Return the report's numbers over seeds as CSV, each with the verdict on its method."""
    table = pd.DataFrame(report.summary_records())
    words = report.verdicts.set_index("label")["word"]
    return table.assign(verdict=table["label"].map(words)).to_csv(index=False)


def with_values(report: Report, metrics: Sequence[str]) -> list[str]:
    """Return the metrics that some run has a value of; all of them where none has."""
    known = [m for m in metrics if any(r["metrics"].get(m) is not None for r in report.runs)]
    return known or list(metrics)


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table of text cells, one row per method variant, and which of the cells are bold."""

    cells: pd.DataFrame
    is_bold: pd.DataFrame

    @property
    def starred(self) -> pd.DataFrame:
        """The cells for plain text: the bold ones stand between asterisks."""
        return self.cells.mask(self.is_bold, "*" + self.cells + "*")


def display_table(report: Report, metrics: Sequence[str] = MAIN) -> TextTable:
    """Return the table as the papers print it, with the nearest value of each column bold.

    Each cell holds the mean, the standard deviation where there are several seeds, and in
    parentheses the distance to the retrained models' mean, also in their deviations where there
    are several.  Distances and costs, where lower or higher is better in itself, have no
    parentheses.
    """
    summary = {(row.label, row.metric): row for row in report.summary.itertuples()}
    labels = list(dict.fromkeys(run["label"] for run in report.runs))
    texts: dict[str, list[str]] = {}
    is_bold: dict[str, list[bool]] = {}
    for name in metrics:
        if name not in METRICS:
            continue
        column = [summary.get((label, name)) for label in labels]
        texts[METRICS[name].label] = [_cell(row) for row in column]
        is_bold[METRICS[name].label] = [row is not None and bool(row.is_nearest) for row in column]
    index = pd.Index(labels, name="Method")
    return TextTable(cells=pd.DataFrame(texts, index), is_bold=pd.DataFrame(is_bold, index))


def _cell(row: Any) -> str:
    if row is None or row.n_seeds == 0:
        return "–"
    text = format_value(row.metric, row.mean)
    if not pd.isna(row.std):
        text += f" ± {format_value(row.metric, row.std)}"
    if row.side:
        text += f" ({distance_text(row._asdict())})"
    return text


def with_verdicts(table: TextTable, report: Report) -> TextTable:
    """Return `display_table`'s table with the words of the verdicts as first column."""
    words = report.verdicts.set_index("label")["word"].reindex(table.cells.index)
    return TextTable(
        cells=pd.concat([words.rename("Verdict"), table.cells], axis=1),
        is_bold=table.is_bold.assign(Verdict=False)[["Verdict", *table.is_bold.columns]],
    )


def long_csv(report: Report) -> str:
    """Return every run's every metric, one row each, as CSV; missing values with their reason.

    `verdict` is that on the run itself, which may differ from that over its seeds.
    """
    words = {run["key"]: run["verdict"] for run in report.runs}
    return report.rows.assign(verdict=report.rows["key"].map(words)).to_csv(index=False)


def missing_rows(report: Report, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per metric and reason for which values are missing.

    `labels` maps the names of the metrics of interest to how they are written.
    Columns: `Metric`, `Missing for`, `Reason`.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for run in report.runs:
        for name, reason in run["reasons"].items():
            if name in labels:
                concerned = groups.setdefault((labels[name], reason), [])
                if run["label"] not in concerned:
                    concerned.append(run["label"])
    rows = [(metric, ", ".join(runs), reason) for (metric, reason), runs in groups.items()]
    return pd.DataFrame(rows, columns=["Metric", "Missing for", "Reason"])


def cost_rows(report: Report) -> pd.DataFrame:
    """Return one row per run: what it cost and where it was made.

    Columns: `Method`, `Seed`, `Seconds`, `Trained parameters`, `Device`, `Threads`, `Python`,
    `Versions`, `Commit`, `Run`.
    """
    rows = []
    for run in report.runs:
        environment = run["environment"]
        packages = environment["packages"]
        versions = [f"{name} {version}" for name, version in packages.items() if version]
        rows.append(
            {
                "Method": run["label"],
                "Seed": run["seed"],
                "Seconds": run["metrics"].get("unlearn_seconds"),
                "Trained parameters": run["metrics"].get("trainable_parameters"),
                "Device": environment["device"],
                "Threads": environment["threads"],
                "Python": environment["python"],
                "Versions": ", ".join(versions),
                "Commit": environment["commit"],
                "Run": run["key"],
            }
        )
    table = pd.DataFrame(rows)
    counts = {"Seconds": "Float64", "Trained parameters": "Int64"}
    return table.astype({name: kind for name, kind in counts.items() if name in table})


def to_text(table: pd.DataFrame) -> str:
    """Return the table for a terminal: methods side by side, one line per metric."""
    return str(table.T.to_string(justify="right"))


def to_markdown(table: TextTable, note: str = "") -> str:
    """Return the table in Markdown, with `note` as a paragraph below."""
    cells = table.cells.mask(table.is_bold, "**" + table.cells + "**").reset_index()
    lines = [list(cells.columns), ["---"] * len(cells.columns), *cells.to_numpy().tolist()]
    escaped = [[str(cell).replace("|", r"\|") for cell in line] for line in lines]
    rows = "\n".join("| " + " | ".join(line) + " |" for line in escaped) + "\n"
    return f"{rows}\n{note}\n" if note else rows


def to_latex(table: TextTable, note: str = "") -> str:
    """Return the table in LaTeX, with `note` as caption.

    It is cut into tables of so few columns that each fits between the margins of a page; what is
    wider still is scaled down.
    """
    first = [name for name in table.cells.columns if name == "Verdict"]
    parts = _narrow_parts(table.cells.reset_index(), ["Method", *first])
    floats = [
        _latex_float(table, [*first, *part], f"{note} ({number} of {len(parts)})")
        for number, part in enumerate(parts, start=1)
    ]
    return "% needs \\usepackage{booktabs,graphicx}\n" + "\n".join(floats)


def _narrow_parts(cells: pd.DataFrame, first: Sequence[str]) -> list[list[str]]:
    """Return the columns in parts that fit a line with those that come `first`, one at least."""
    widths = {name: max(map(len, [name, *cells[name]])) + 3 for name in cells.columns}
    room = LATEX_WIDTH - sum(widths[name] for name in first)
    parts: list[list[str]] = [[]]
    for name in cells.columns.drop(list(first)):
        if parts[-1] and sum(widths[other] for other in [*parts[-1], name]) > room:
            parts.append([])
        parts[-1].append(name)
    return parts


def _latex_float(table: TextTable, columns: Sequence[str], caption: str) -> str:
    cells = table.cells[list(columns)].reset_index()
    is_bold = table.is_bold.reset_index(drop=True).reindex(columns=cells.columns, fill_value=False)
    style = cells.style.format(_escape).format_index(_escape, axis="columns").hide(axis="index")
    style = style.apply(lambda _: is_bold.replace({True: "textbf:--rwrap;", False: ""}), axis=None)
    texts = [name for name in cells.columns if name in ("Method", "Verdict")]
    form = "l" * len(texts) + "r" * (len(cells.columns) - len(texts))
    latex = style.to_latex(hrules=True, column_format=form).strip()
    fit = r"\ifdim\width>\linewidth \linewidth\else\width\fi"
    return "\n".join(
        [
            r"\begin{table}[p]\centering\footnotesize",
            rf"\resizebox{{{fit}}}{{!}}{{%",
            f"{latex}}}",
            rf"\caption{{{_escape(caption)}.}}",
            r"\end{table}",
            "",
        ]
    )


def _escape(cell: object) -> str:
    text = str(cell)
    parts: list[str] = []
    end = 0
    for match in FORMULA.finditer(text):
        symbol = match["symbol"]
        formula = f"${symbol[0]}_{{{symbol[2:]}}}$" if symbol else "$-$"
        parts += [_escape_plain(text[end : match.start()]), formula]
        end = match.end()
    return "".join([*parts, _escape_plain(text[end:])])


def _escape_plain(text: str) -> str:
    special = {
        "σ": r"$\sigma$",
        "%": r"\%",
        "_": r"\_",
        "&": r"\&",
        "#": r"\#",
        "±": r"$\pm$",
        "–": "--",
        "|": "$|$",
    }
    return "".join(special.get(letter, letter) for letter in text)
