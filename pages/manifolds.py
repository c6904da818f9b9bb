"""Manifolds: the same examples as several models see them, side by side."""

import pandas as pd
import streamlit as st

from pages.components import charts, reads, selectors
from pages.components.manifold import selection
from pages.components.manifold.displacement import show_displacement
from pages.components.manifold.feature_map import assets, feature_map
from pages.components.manifold.steps import show_unlearning_steps
from pages.components.notices import without_damaged_runs
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.captions import maps_caption
from unlearn_core.views.manifold import points
from unlearn_core.views.manifold.payload import map_payload

HIGHLIGHTS = points.HIGHLIGHTS
LAYOUTS = {"aligned": "Aligned to the original", "own": "Each model's own layout"}
PARTS = {"both": "Train and test", "train": "Train", "test": "Test"}
COLOURS = {"label": "True class", "prediction": "Predicted class"}

selectors.under_app(__file__)
comparison = selectors.chosen_comparison()
dataset = reads.dataset(comparison.config.data)
classes = dataset.class_names
with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Manifolds")
    help_box = st.popover("How to read this", icon=":material/help:")
st.write(
    "Each map shows the same examples as one model sees them: near each other means alike to "
    "that model. Compare where the examples to forget lie, above all with the retrained model."
)
with help_box:
    st.markdown(
        "- A point is one example, placed by UMAP from the model's penultimate features. "
        "**Diamonds** are the examples to forget.\n"
        "- If forgetting worked as retraining would, the diamonds lie as they do in the "
        "*retrained* map: scattered or beside other classes. A tight cluster of diamonds far "
        "from the rest means that the features still know them.\n"
        "- *Correctly forgotten*: examples to forget that the model no longer classifies as "
        "their label. *Still recognised*: those it still does. *Collateral*: other examples "
        "that the original classified right and this model does not.\n"
        "- Aligned maps start from the original's layout and are turned onto it, so places can be "
        "compared. Distances on a map have no unit and only near neighbours can be trusted."
    )


@st.fragment
@without_damaged_runs
def maps(runs: list[RunArtefact], table: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        mode = st.segmented_control(
            "Highlight", list(HIGHLIGHTS), format_func=HIGHLIGHTS.__getitem__, default="all",
            key="highlight", bind="query-params", required=True,
        )  # fmt: skip
        part = st.segmented_control(
            "Examples", list(PARTS), format_func=PARTS.__getitem__, default="both",
            key="examples", bind="query-params", required=True,
        )  # fmt: skip
        layout = st.segmented_control(
            "Layout", list(LAYOUTS), format_func=LAYOUTS.__getitem__, default="aligned",
            key="layout", bind="query-params", required=True,
        )  # fmt: skip
        colour = st.segmented_control(
            "Colour", list(COLOURS), format_func=COLOURS.__getitem__, default="label",
            key="colour", bind="query-params", required=True,
        )  # fmt: skip
    panels = [
        {
            "key": run.key,
            "label": run.label,
            "verdict": comparison.verdict(run).word,
            "facts": run.map_facts,
        }
        for run in runs
    ]
    notes = points.highlight_counts(table, mode, part)
    payload = map_payload(
        table, panels, classes, layout=layout, mode=mode, part=part, colour=colour, notes=notes
    )
    ids = selection.selected(comparison)
    sets = reads.sets(comparison.config.data, comparison.config.forget)
    feature_map(
        {**charts.on_theme(payload), "pictures": comparison.key},
        selected=ids,
        version=st.session_state[selection.SELECTION_VERSION],
        key=selection.MAP,
        on_select=selection.on_map_selection,
    )
    st.caption(maps_caption(panels, layout, points.n_examples(sets)))
    names = {run.key: run.label for run in runs}
    selection.selection_panel(comparison, table, names)


runs = selectors.choose_runs(comparison)
table, reasons = reads.map_points(comparison, runs)
for run in runs:
    if run.key in reasons:
        st.warning(f"**{run.label}** has no map here: {reasons[run.key]}.", icon=":material/map:")
mapped = [run for run in runs if run.key not in reasons]
if table is None:
    st.info("None of the chosen models has a map. Choose others, or run them on the Unlearn page.")
    selectors.link_to_unlearn()
    st.stop()
shown_ids = tuple(table["example_id"].drop_duplicates().tolist())
assets({**reads.picture_sheet(comparison.config.data, shown_ids), "key": comparison.key})
maps(mapped, table)
original = comparison.reference("original", mapped[0].config.seed)
show_displacement(comparison, mapped, table, original.key if original else "")
show_unlearning_steps(comparison, mapped)
