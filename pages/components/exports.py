"""Download buttons for a comparison's table and report."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from unlearn_core.runs.report import Report
from unlearn_core.views import tables
from unlearn_core.views.captions import origin_note


def export_buttons(report: Report, metrics: Sequence[str], stem: str) -> None:
    """Offer the table of `metrics` as LaTeX and Markdown, and everything as CSV and JSON.

    `stem` begins the names of the files.
    """
    table = tables.with_verdicts(tables.display_table(report, metrics), report)
    note = origin_note(report)
    everything = json.dumps({**report.plain(), "summary": report.summary_records()}, indent=1)
    files = {
        "CSV": (
            tables.long_csv(report), "every-run.csv", "text/csv",
            "Every run and all metrics, one row each, with verdicts.",
        ),
        "CSV over seeds": (
            tables.summary_csv(report), "over-seeds.csv", "text/csv",
            "Mean, standard deviation, interval, distance to retrained and verdict of each method; "
            "all metrics.",
        ),
        "LaTeX": (
            tables.to_latex(table, note), "table.tex", "text/x-tex",
            "The groups of metrics chosen above, cut into tables that fit a page.",
        ),
        "Markdown": (
            tables.to_markdown(table, f"{note}."), "table.md", "text/markdown",
            "The groups of metrics chosen above.",
        ),
        "JSON": (
            everything, "report.json", "application/json",
            "The whole report, as the command line writes it.",
        ),
    }  # fmt: skip
    with st.container(horizontal=True):
        for label, (content, ending, mime, explained) in files.items():
            st.download_button(
                label,
                data=content,
                file_name=f"{stem}-{ending}",
                mime=mime,
                help=explained,
                icon=":material/download:",
                key=f"export_{ending.replace('.', '_')}",
                on_click="ignore",
            )
