"""Fooling the metrics: tricks against every audit, and where audits disagree."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, lesson, reads, selectors
from unlearn_core.views import fooling
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.symbols import as_markdown

selectors.under_app(__file__)
st.title("Fooling the metrics")
comparison = selectors.chosen_comparison()
report = reads.comparison_report(comparison.key)
recipe = as_markdown(f"{comparison_caption(report)}.")
st.markdown(
    "A trick changes what a model answers and leaves what it knows. An audit that calls it as good "
    "as **retrained** is fooled, and proves nothing about a method either. Which audits are?"
)
rows = fooling.found_rows(report)
if rows.empty:
    st.info(
        "No trick has run on this comparison beside an original and a retrained model. Choose the "
        "tricks among the methods on the **Unlearn** page.",
        icon=":material/info:",
    )
    selectors.link_to_unlearn()
else:
    everything = st.toggle("All audits, the papers' variants too", key="audits_all",
                           bind="query-params")  # fmt: skip
    if not lesson.is_on():  # whose answer it is
        for line in fooling.answer_lines(rows, everything=everything):
            st.markdown(f"- {as_markdown(line, keep='*')}")
    charts.html(fooling.fooled_html(rows, everything=everything))
    st.caption(
        "Fooled: the trick's number is as near to retrained as retrained models are to one "
        "another. Cannot tell: the original's is so too, and then the audit says nothing on this "
        "request; unless they lie two deviations apart and the trick keeps most of that, which "
        f"verdicts count too. Rest the pointer on an audit for what it asks. {recipe}"
    )

st.subheader("Where audits disagree")
taus = fooling.usual_agreements(report)
figure = fooling.agreement_figure(taus)
if figure is None:
    st.info("It takes three methods that two audits can rank.", icon=":material/info:")
    st.stop()
st.markdown(
    "Every audit ranks the methods, the nearest to retrained first. 1: two audits rank them alike; "
    "0: one says nothing about the other; below 0: what one holds good, the other holds bad."
)
charts.chart(figure, key="agreement", config={"displayModeBar": False})
apart = "; ".join(fooling.apart_lines(taus))
st.caption(
    f"Kendall's tau over {len(report.ranking)} methods and variants. Furthest apart: "
    f"{as_markdown(apart)}. {recipe}"
)
