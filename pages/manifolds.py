"""Manifolds: the same examples as several models see them, side by side."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import charts, data_reads, map_reads, reads, selectors
from pages.components.manifold import choices, saved, selection
from pages.components.manifold.displacement import show_displacement
from pages.components.manifold.feature_map import feature_map, pictures
from pages.components.manifold.steps import show_unlearning_steps
from pages.components.notices import without_damaged_runs
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.backdoor import poisoned_note
from unlearn_core.views.captions import maps_caption, seeds_apart_text
from unlearn_core.views.manifold import neighbourhoods, points
from unlearn_core.views.manifold.payload import map_payload
from unlearn_core.views.symbols import as_markdown

DRAWN = "map_drawn"  # in the session: points, how they are shown and on what, what is sent of it

selectors.under_app(__file__)
comparison = selectors.chosen_comparison()
dataset = data_reads.dataset(comparison.config.data)
top = st.container(horizontal=True, vertical_alignment="bottom")
with top:
    st.title("Manifolds")
    choices.how_to_read()
st.write(
    "The same examples as each model sees them: near each other means alike to that model. Compare "
    "where those to forget (diamonds) lie, above all with the retrained model."
)


def drawn_before(
    table: pd.DataFrame, view: choices.View, near: choices.Near
) -> dict[str, Any] | None:
    """Return what the maps show if nothing but what is selected has changed since."""
    last = st.session_state.get(DRAWN)
    if last is None or last[0] is not table or last[1:4] != (view, near, charts.is_dark()):
        return None
    payload: dict[str, Any] = last[4]
    return payload


@st.fragment
@without_damaged_runs
def maps(runs: list[RunArtefact], table: pd.DataFrame, near: choices.Near) -> None:
    view = choices.choose_view(comparison, runs, table, near.least)
    shown, given = view.shown, table
    shares: dict[str, float] = {}
    if shown.layout == "linear":
        table, shares = map_reads.linear_map(comparison, view.runs, table)
        if not shares:
            st.info("No usable features of these models were kept. Choose another layout.")
            return
    table = table[table["run"].isin([run.key for run in view.runs])]
    panels = [
        {
            "key": run.key,
            "label": run.label,
            "verdict": comparison.verdict(run).spoken,
            "facts": run.map_facts,
            "share": shares.get(run.key, float("nan")),
        }
        for run in view.runs
    ]
    trail = None
    if view.is_pair:
        table, trail = map_reads.between(view.runs, table, near.k, near.least)
    payload = drawn_before(given, view, near)
    if payload is None:
        notes = points.highlight_counts(table, shown.mode, shown.part, near.least)
        payload = map_payload(table, panels, dataset.class_names, shown, trail=trail, notes=notes)
        payload = {**charts.on_theme(payload), "pictures": comparison.key}
        st.session_state[DRAWN] = (given, view, near, charts.is_dark(), payload)
    sets = data_reads.sets(comparison.config.data, comparison.config.forget)
    names = {run.key: run.label for run in view.runs}
    neighbours = map_reads.map_neighbours(view.runs, selection.pinned(), near.k)
    feature_map(
        payload,
        selected=selection.selected(),
        version=st.session_state[selection.SELECTION_VERSION],
        pinned=selection.pinned(),
        neighbours=neighbours,
        key=selection.MAP,
        on_select=selection.on_map_selection,
        on_pin=selection.on_map_pin,
    )
    selection.pinned_line(comparison, names, neighbours)
    apart = seeds_apart_text(reads.comparison_report(comparison.key), view.runs)
    is_label = shown.colour == "label"
    colours = poisoned_note(comparison.config.forget, dataset.class_names) if is_label else ""
    told = maps_caption(panels, shown.layout, points.n_examples(sets))
    st.caption(as_markdown(" ".join(filter(None, (colours, apart, told))), keep="*"))
    st.subheader("Selected examples")
    saved.saved_selections(comparison)
    selection.selection_panel(comparison, table, names)


runs = selectors.choose_runs(comparison)
table, reasons = map_reads.map_points(comparison, runs)
for run in runs:
    if run.key in reasons:
        st.warning(f"**{run.label}** has no map here: {reasons[run.key]}.", icon=":material/map:")
mapped = [run for run in runs if run.key not in reasons]
if table is None:
    st.info("None of the chosen models has a map. Choose others, or run them on the Unlearn page.")
    selectors.link_to_unlearn()
    st.stop()
shown_ids = tuple(table["example_id"].drop_duplicates().tolist())
seen = data_reads.picture_sheet(comparison.config.data, shown_ids, comparison.config.forget.keyword)
pictures({**seen, "key": comparison.key})
saved.start_with_linked(comparison, shown_ids)
with top:
    near = choices.choose_neighbourhood(comparison, mapped)
table = neighbourhoods.with_changes(table, map_reads.map_changes(mapped, near.reference, near.k))
maps(mapped, table, near)
show_displacement(comparison, mapped, table, near)
show_unlearning_steps(comparison, mapped)
