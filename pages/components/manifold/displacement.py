"""Which examples moved: a table of the examples farthest from their place in the original."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import previews, reads
from pages.components.manifold import selection
from pages.components.notices import without_damaged_runs
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.manifold import displacement

MOVED_COLUMNS: dict[str, Any] = {
    "id": st.column_config.NumberColumn("Id", format="%d"),
    "set": "Set",
    "label": "True class",
    "predicted": "Predicted",
    "distance": st.column_config.NumberColumn("Distance", format="%.2f"),
}


@st.fragment
@without_damaged_runs
def show_displacement(
    comparison: Comparison, runs: list[RunArtefact], table: pd.DataFrame, original: str
) -> None:
    """Show which examples lie farthest from their place on the original's map."""
    classes = reads.dataset(comparison.config.data).class_names
    st.subheader("Which examples moved most")
    names = {run.key: run.label for run in runs if run.key != original}
    if original not in table["run"].tolist() or not names:
        st.info("Choose the original and at least one other model to see what moved.")
        return
    moved = displacement.displacements(table, original)
    left, right = st.columns([2, 3])
    with left:
        st.markdown("**Mean distance moved, by set**")
        st.dataframe(
            displacement.displacement_summary(moved, names).style.format(precision=2, na_rep="–"),
            key="moved_summary", hide_index=True,
        )  # fmt: skip
        st.caption(
            "From the place on the original's map to the place on the model's aligned map, in map "
            "units. UMAP stretches distances, so compare sets and models rather than numbers."
        )
    with right:
        run = st.selectbox("Model", list(names), format_func=names.__getitem__, key="moved_run")
        rows = displacement.most_moved(moved, run, classes)
        data = comparison.config.data
        rows.insert(0, "image", previews.column(data, rows["id"].tolist()))
        st.dataframe(
            rows, key="moved_rows", hide_index=True, row_height=44, height=320,
            column_config={"image": previews.column_config(data, width=60), **MOVED_COLUMNS},
        )  # fmt: skip
        if st.button("Select these on the maps", key="select_moved"):
            selection.select(rows["id"].tolist())
            st.rerun()
