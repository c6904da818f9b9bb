"""Eigenvalue spectra of chosen models, with their effective ranks."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, run_reads, selectors
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.names import REFERENCE_NAMES
from unlearn_core.views.overview import key_of
from unlearn_core.views.spectra import rank_table, sizes_text, spectra_figure
from unlearn_core.views.symbols import as_markdown

MOST_SPECTRA = 6
NOT_KEPT = (
    "No usable features were kept of these models: those of large comparisons do not ship. Runs "
    "made on this machine have them."
)


def show_spectra(comparison: Comparison, report: Report) -> None:
    """Show the spectra of the models that a reader chooses; first original, retrained and best."""
    st.subheader("Spectrum of the features")
    st.markdown(
        "Each curve shows how the features' energy is spread over directions, from the strongest. "
        "Dotted lines mark the effective rank: about how many directions carry the features."
    )
    compared = (*REFERENCE_NAMES.values(), report.best or "")
    runs = {run.key: f"{run.label}, seed {run.config.seed}" for run in comparison.runs}
    usual = list(filter(None, (key_of(comparison, name) for name in compared)))
    selectors.restart(comparison, "spectrum_runs", usual)
    chosen = st.multiselect(
        "Models",
        list(runs),
        default=usual,
        format_func=lambda key: runs[key],
        max_selections=MOST_SPECTRA,
        key="spectrum_runs",
        bind="query-params",
    )
    spectra = run_reads.spectra(chosen) if chosen else None
    if spectra is None or spectra.empty:
        st.info(NOT_KEPT if chosen else "Choose a model above.", icon=":material/info:")
        return
    charts.chart(spectra_figure(spectra), key="spectra")
    charts.table(rank_table(spectra))
    st.caption(
        f"Eigenvalues of $F^\\top F$, uncentred, over their sum; penultimate features "
        f"of {as_markdown(sizes_text(spectra))} training examples. "
        f"{as_markdown(comparison_caption(report))}."
    )
