"""Download buttons for a comparison's table and report."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from unlearn_core.runs.report import Report
from unlearn_core.views import tables
from unlearn_core.views.captions import comparison_caption


def export_buttons(report: Report, metrics: Sequence[str]) -> None:
    """Offer the table of `metrics` as LaTeX and Markdown, and everything as CSV and JSON."""
    table = tables.with_verdicts(tables.display_table(report, metrics), report)
    name = f"unlearning-{report.comparison['key']}"
    files = {
        "CSV": (tables.long_csv(report), "csv", "text/csv", "Every run and metric, one row each."),
        "CSV over seeds": (
            tables.summary_csv(report),
            "summary.csv",
            "text/csv",
            "Mean, standard deviation, interval and distance to retrained of each method.",
        ),
        "LaTeX": (
            tables.to_latex(table, comparison_caption(report)),
            "tex",
            "text/x-tex",
            "The table above, for booktabs.",
        ),
        "Markdown": (tables.to_markdown(table), "md", "text/markdown", "The table above."),
        "JSON": (
            json.dumps({**report.plain(), "summary": report.summary_records()}, indent=1),
            "json",
            "application/json",
            "The whole report, as the command line writes it.",
        ),
    }
    with st.container(horizontal=True):
        for label, (content, ending, mime, explained) in files.items():
            st.download_button(
                label,
                data=content,
                file_name=f"{name}.{ending}",
                mime=mime,
                help=explained,
                icon=":material/download:",
                key=f"export_{ending.replace('.', '_')}",
                on_click="ignore",
            )
