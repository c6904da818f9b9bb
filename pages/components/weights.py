"""Which of the chosen models can answer anew: those with weights here, and making the others."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components import queue, run_reads
from pages.components.run_button import run_button
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.symbols import as_markdown


def with_weights(runs: Sequence[RunArtefact]) -> list[RunArtefact]:
    """Return the runs whose weights are here; of the others say so, and offer to make them."""
    absent = [run for run in runs if run_reads.weights_of(run) is None]
    if absent:
        names = ", ".join(run.label for run in absent)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                f"Shipped without weights, so they cannot answer yet: {as_markdown(names)}.",
                icon=":material/play_arrow:",
            )
            is_wanted = run_button("Make them here", absent[0].config.data, key="weights_run")
        if is_wanted and queue.submit([run.config for run in absent], weights=True):
            st.rerun()
    return [run for run in runs if run not in absent]
