"""What changed in feature space: examples that moved most, and groups that moved together."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import data_reads, map_reads, previews, selectors
from pages.components.examples import PICTURE, follow_picture, picture_column
from pages.components.manifold import selection
from pages.components.manifold.choices import Near
from pages.components.notices import without_damaged_runs
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.manifold import displacement
from unlearn_core.views.symbols import as_markdown

MEASURES = displacement.MEASURES
MOVED_COLUMNS: dict[str, Any] = {
    "id": st.column_config.NumberColumn("Id", format="%d"),
    "set": "Set",
    "label": "Label",
    "predicted": "Predicted",
    "moved": st.column_config.NumberColumn(MEASURES["moved"], format="%.2f"),
    "new_neighbours": st.column_config.NumberColumn(MEASURES["new_neighbours"], format="percent"),
    "distance": st.column_config.NumberColumn("On the map", format="%.2f"),
}


@st.fragment
@without_damaged_runs
def show_displacement(
    comparison: Comparison, runs: list[RunArtefact], table: pd.DataFrame, near: Near
) -> None:
    """Show which examples changed most from a reference, and which changed together."""
    classes = data_reads.dataset(comparison.config.data).class_names
    st.subheader("Which examples moved most")
    names = {run.label: run for run in runs if run.key != near.reference}
    if not names:
        st.info("Choose another model above to see what moved.")
        return
    moved = displacement.displacements(table, near.reference)
    known = displacement.known_measures(moved)
    if not known:
        st.info("How far examples moved is not known of these models.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = selectors.segments(
            "By", known, format_func=MEASURES.__getitem__, default=known[0], key="moved_by"
        )
        usual = selectors.first_method(list(names.values()))
        label = selectors.choose_one(comparison, "Model", list(names), "moved_run", usual)
    run, measure = names[label], str(measure)
    left, right = st.columns([1, 2])
    with left:
        st.markdown(f"**{MEASURES[measure]}, mean of each set**")
        labels = {one.key: one.label for one in names.values()}
        means = displacement.displacement_summary(moved, labels, measure)
        st.dataframe(
            means.style.format(precision=2, na_rep="–"), key="moved_summary", hide_index=True
        )
        st.caption(f"Compared with: {near.name}. {displacement.MEANING[measure]}")
    with right:
        rows = displacement.most_moved(moved, run.key, classes, measure)
        if rows.empty:
            st.info("This is not known of the model: choose another measure or another model.")
            return
        data, ids = comparison.config.data, rows["id"].tolist()
        rows.insert(0, PICTURE, previews.column(data, ids, comparison.config.forget.keyword))
        event = st.dataframe(
            rows, key="moved_rows", hide_index=True, row_height=previews.row_height(data, 44),
            height=320,
            selection_mode="single-cell", on_select="rerun",
            column_config={PICTURE: picture_column(data), **MOVED_COLUMNS},
        )  # fmt: skip
        follow_picture(event, ids)
        _select_button("Select these on the maps", "select_moved", ids)
    if "new_neighbours" in known:
        _groups(run, table, near)


def _groups(run: RunArtefact, table: pd.DataFrame, near: Near) -> None:
    st.markdown(f"**Groups that changed neighbours together in {as_markdown(run.label)}**")
    found = map_reads.moved_groups(run, near.reference, table, near.k, near.least)
    for number, group in enumerate(found):
        left, right = st.columns([1, 9], vertical_alignment="center")
        with left:
            _select_button("Select", f"select_group_{number}", list(group.ids))
        right.markdown(as_markdown(group.words))
    if not found:
        st.caption(
            "None at this share of new neighbours; choose a lower one above the maps, or another "
            "model."
        )
    st.caption(
        f"Examples with at least {near.least:.0%} new among {near.k} neighbours, compared with "
        f"{near.name}, whose neighbours were mostly of one class and are now mostly of another; "
        "groups of five and more."
    )


def _select_button(words: str, key: str, ids: list[int]) -> None:
    if st.button(words, key=key):
        selection.select(ids)
        st.rerun()
