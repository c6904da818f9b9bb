"""A card a method, and the definitions of the metrics."""

from __future__ import annotations

import streamlit as st

from pages.components import catalogue_reads, selectors
from unlearn_core.views import method_cards
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.markup import STYLE, method_dot
from unlearn_core.views.metric_definitions import grouped, groups, is_public, with_link
from unlearn_core.views.symbols import as_html, as_markdown

selectors.under_app(__file__)
st.title("Methods")
st.markdown(
    "$D_f$ is the training data to forget, $D_r$ the rest of it, $D'_r$ a part of $D_r$ as large "
    "as $D_f$; $D_t$ is the test data, of which $D_{ft}$ belongs to the forgotten class and "
    "$D_{rt}$ to the others. No method ever sees test data."
)
catalogue = catalogue_reads.catalogue()
report = selectors.chosen_report()
entries = {entry["name"]: entry for entry in catalogue["methods"]}

wanted = st.pills(
    "Show only",
    list(method_cards.FILTERS),
    selection_mode="multi",
    format_func=lambda name: method_cards.FILTERS[name],
    key="method_filter",
    bind="query-params",
)
costs = method_cards.measured_costs(report) if report else {}
cards = method_cards.chosen_cards(catalogue["methods"], wanted)
if not cards:
    st.info("No method passes all of these filters. Take one away.", icon=":material/filter_alt:")
for card in cards:
    with st.container(border=True, key=f"card_{card.name}"):
        trick = " :orange-badge[trick, not unlearning]" if card.is_trick else ""
        st.html(
            f'{STYLE}<div style="font-size: 1.25rem; font-weight: 600">'
            f"{method_dot(card.name)}{as_html(card.label)}</div>"
        )
        st.markdown(f"**{as_markdown(card.idea)}**{trick}")
        for paragraph in card.details:
            st.markdown(as_markdown(paragraph))
        cost = costs.get(card.name)
        facts = [
            f"**Needs:** {as_markdown(card.needs)}",
            f"**Measured cost:** {cost or 'no run in the chosen comparison'}",
        ]
        if is_public(card.source):
            facts.append(f"**Source:** {with_link(card.source)}")
        st.markdown("  \n".join(facts))
        with st.expander("Settings and departures", icon=":material/tune:"):
            if card.origin:
                st.markdown(with_link(as_markdown(card.origin)))
            settings = method_cards.settings_table(entries[card.name])
            if settings.empty:
                st.caption("No settings of its own: it repeats the recipe of the original.")
            else:
                st.dataframe(settings, hide_index=True, key=f"settings_{card.name}")
if report:
    st.caption(f"Measured on: {comparison_caption(report)}.")

st.header("Metrics", anchor="metrics")
for group in groups():
    with st.expander(group, icon=":material/straighten:", key=f"metrics_{group}"):
        for metric in grouped([group]):
            st.markdown(
                f"**{as_markdown(metric.label)}**: {metric.plain} {as_markdown(metric.text)} "
                f"{metric.better} {metric.origin}"
            )
