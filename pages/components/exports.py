"""Download buttons: a comparison's tables, and a report and a zip to hand out."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from pages.components import data_reads
from unlearn_core.checks import InputError
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views import tables
from unlearn_core.views.captions import origin_note
from unlearn_core.views.handout.archive import archive
from unlearn_core.views.handout.page import handout_html, may_be_shown
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import file_stem

CSV_FILES = {  # the buttons' names, and what the zip calls the same files
    "CSV": "metrics-every-run.csv",
    "CSV over seeds": "metrics-over-seeds.csv",
}


def export_buttons(report: Report, shown: Report, metrics: Sequence[str], stem: str) -> None:
    """Offer the table of `metrics` as LaTeX and Markdown, and everything as CSV and JSON.

    `shown` is the part of the report that the table shows; `stem` begins the names of the files,
    each of which is made when it is asked for.
    """

    def table() -> tables.TextTable:
        return tables.with_verdicts(tables.display_table(shown, metrics), shown)

    def everything() -> str:
        return json.dumps({**report.plain(), "summary": report.summary_records()}, indent=1)

    note = origin_note(report)
    files = {
        "CSV": (
            lambda: tables.long_csv(report), "every-run.csv", "text/csv",
            "Every run and all metrics, one row each, with verdicts.",
        ),
        "CSV over seeds": (
            lambda: tables.summary_csv(report), "over-seeds.csv", "text/csv",
            "Mean, standard deviation, interval, distance to retrained and verdict of each method; "
            "all metrics.",
        ),
        "LaTeX": (
            lambda: tables.to_latex(table(), note), "table.tex", "text/x-tex",
            "The metrics and methods chosen above, cut into tables that fit a page.",
        ),
        "Markdown": (
            lambda: tables.to_markdown(table(), f"{note}."), "table.md", "text/markdown",
            "The metrics and methods chosen above.",
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


def handout_buttons(comparison: Comparison, report: Report) -> None:
    """Offer the report to hand out and the zip of all numbers; both are made when asked for."""
    config, stem = comparison.config, file_stem(comparison)
    try:
        dataset, sets = data_reads.dataset(config.data), data_reads.sets(config.data, config.forget)
    except InputError as error:  # all else on a page may be there without the data
        st.caption(f"A report to hand out needs the data itself. {as_markdown(str(error))}")
        return
    contents = comparison, report, dataset, sets
    without = "" if may_be_shown(comparison) else " Without pictures, which must not be handed on."
    with st.container(horizontal=True):
        st.download_button(
            "Report to hand out",
            data=lambda: handout_html(*contents).encode(),
            file_name=f"{stem}-report.html",
            mime="text/html",
            help="One file with maps, curves, tables and verdicts; it opens without a network or "
            f"this program.{without}",
            icon=":material/description:",
            key="handout_html",
            on_click="ignore",
        )
        st.download_button(
            "All numbers (zip)",
            data=lambda: archive(*contents),
            file_name=f"{stem}.zip",
            mime="application/zip",
            help="Every run, metric, example and step as CSV and JSON, with a README of the "
            "columns.",
            icon=":material/folder_zip:",
            key="handout_zip",
            on_click="ignore",
        )
