"""Feature distance and CKA by depth, against the original and the retrained model."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, data_reads, reads, selectors
from unlearn_core.views import layers
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.names import SET_NAMES
from unlearn_core.views.symbols import as_markdown

selectors.under_app(__file__)
st.title("Layers")
comparison = selectors.chosen_comparison()
report = reads.comparison_report(comparison.key)
st.markdown(
    "Where in the network was something changed? A method that only turns the last layer leaves "
    "all others as they were in the **original**. One that forgets as retraining does comes near "
    "the **retrained** model in the later layers, above all on the examples to forget."
)
runs = selectors.choose_runs(comparison)
rows = layers.layer_rows(comparison, runs)
if rows.empty:
    st.info(
        "No layers were compared for these models: choose one beside the original and the "
        "retrained model, or run one on the **Unlearn** page.",
        icon=":material/info:",
    )
    selectors.link_to_unlearn()
    st.stop()
names = layers.sets_in(rows)
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = selectors.segments(
        "Examples", names, format_func=SET_NAMES.__getitem__, default=names[0],
        key="layer_set", wrap=True,
    )  # fmt: skip
    measure = selectors.segments(
        "Measure", list(layers.MEASURES), format_func=lambda key: layers.MEASURES[key].name,
        default="cka", key="layer_measure", wrap=True,
    )  # fmt: skip
of_set = rows[rows["set"] == name]
st.markdown(layers.MEASURES[str(measure)].meaning)
charts.chart(layers.layers_figure(of_set, str(measure)), key="layers")
sets = data_reads.sets(comparison.config.data, comparison.config.forget)
st.caption(
    f"{as_markdown(layers.layers_caption(of_set, sets, str(name)))}; seed {runs[0].config.seed}. "
    f"{as_markdown(comparison_caption(report))}."
)
st.subheader("Where it happened")
if told := layers.answer_text(of_set):
    st.markdown(as_markdown(told, keep="*"))
charts.table(layers.extremes(of_set))
st.caption(
    "The layer with the smallest CKA to that model, which stands in parentheses: 1 is alike but "
    "for a turn, whatever weights both started from."
)
