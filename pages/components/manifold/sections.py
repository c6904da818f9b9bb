"""The lower half of the Manifolds page: what moved most, and the map during unlearning."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import loaders, map_loaders, selectors
from pages.components.manifold import selection as map_selection
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.manifold import points as views
from unlearn_core.views.manifold.steps import step_figure

MOVED_COLUMNS: dict[str, Any] = {
    "image": st.column_config.ImageColumn("Image", width=60),
    "id": st.column_config.NumberColumn("Id", format="%d"),
    "set": "Set",
    "label": "True class",
    "predicted": "Predicted",
    "distance": st.column_config.NumberColumn("Distance", format="%.2f"),
}


@st.fragment
@loaders.without_damaged_runs
def moved_most(
    comparison: Comparison, runs: list[RunArtefact], table: pd.DataFrame, original: str
) -> None:
    """Show which examples lie farthest from their place on the original's map."""
    classes = map_loaders.class_names(comparison.config.data)
    st.subheader("Which examples moved most")
    names = {run.key: run.label for run in runs if run.key != original}
    if original not in table["run"].tolist() or not names:
        st.info("Choose the original and at least one other model to see what moved.")
        return
    moved = views.displacements(table, original)
    left, right = st.columns([2, 3])
    with left:
        st.markdown("**Mean distance moved, by set**")
        st.dataframe(
            views.displacement_summary(moved, names).style.format(precision=2, na_rep="–"),
            key="moved_summary", hide_index=True,
        )  # fmt: skip
        st.caption(
            "From the place on the original's map to the place on the model's aligned map, in map "
            "units. UMAP stretches distances, so compare sets and models rather than numbers."
        )
    with right:
        run = st.selectbox("Model", list(names), format_func=names.__getitem__, key="moved_run")
        rows = views.most_moved(moved, run, classes)
        rows.insert(0, "image", map_loaders.thumbnails(comparison.config.data, rows["id"].tolist()))
        st.dataframe(
            rows, key="moved_rows", hide_index=True, row_height=44, height=320,
            column_config=MOVED_COLUMNS,
        )  # fmt: skip
        if st.button("Select these on the maps", key="select_moved"):
            map_selection.select(rows["id"].tolist())
            st.rerun()


@st.fragment
@loaders.without_damaged_runs
def during(comparison: Comparison, runs: list[RunArtefact]) -> None:
    """Show the map at each step of one method, with the probes beside."""
    classes = map_loaders.class_names(comparison.config.data)
    st.subheader("During unlearning")
    methods = [run for run in runs if run.config.method not in ("original", "retrain")]
    retrained = [run for run in runs if run.config.method == "retrain"]
    made = {run.key: run.label for run in (*methods, *retrained)}
    if not made:
        st.info("Choose a method above to see its steps.")
        return
    selectors.restart(comparison, "steps_run", next(iter(made)))
    key = st.selectbox("Method", list(made), format_func=made.__getitem__, key="steps_run")
    steps = map_loaders.steps(key, loaders.store().fingerprint())
    if steps is None:
        st.info(f"No map of the steps was kept for {made[key]}.")
        return
    ids = steps["example_id"].drop_duplicates().tolist()
    history = loaders.history(key, loaders.store().fingerprint())
    figure = step_figure(steps, map_loaders.looks(comparison, ids), history, classes)
    st.plotly_chart(figure, key="steps_map", width="stretch")
    st.caption(
        f"Penultimate features of {len(ids)} tracked examples, a fixed sample of every set. Each "
        "step's map starts from the one before and is turned onto it; the axes are the same at "
        "every step. Diamonds are the examples to forget. Probes use the tracked examples only."
    )
