"""What was forgotten from what, the verdicts, small maps, and a guided tour for a lesson."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, notices, reads, selectors
from unlearn_core.views import overview
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.manifold.small_maps import (
    small_maps_caption,
    small_maps_figure,
    why_no_maps,
)
from unlearn_core.views.markup import STYLE, method_dot, verdict_pill
from unlearn_core.views.names import REFERENCE_NAMES
from unlearn_core.views.symbols import as_html, as_markdown
from unlearn_core.views.tour import TOUR
from unlearn_core.views.verdicts import MEANING, evidence_text
from unlearn_core.views.wording import request_sentence

selectors.under_app(__file__)
st.title("What did the model forget?")
comparison = selectors.chosen_comparison()
report = reads.comparison_report(comparison.key)
config = comparison.config
sets = reads.sets(config.data, config.forget)
names = reads.dataset(config.data).class_names
cards = overview.verdict_cards(comparison, report)

st.markdown(
    f"{request_sentence(config, names)} Each method starts from the original model and tries to "
    "become the **retrained** one, which never saw those images, in less time."
)
columns = st.columns(4)
for column, (symbol, meaning, size) in zip(columns, overview.sizes(sets), strict=False):
    column.metric(as_markdown(f"{symbol}: {meaning}"), size, border=True)
columns[3].metric(
    "Runs", overview.runs_text(comparison), border=True, help=comparison_caption(report)
)

with st.expander("A guided tour for a lesson", icon=":material/school:", key="tour"):
    for number, stop in enumerate(TOUR, start=1):
        text, link = st.columns([4, 1], vertical_alignment="center")
        text.markdown(f"{number}. **{stop.title}.** {stop.look}  \n*Ask: {stop.ask}*")
        link.page_link(stop.page, label="Go there", icon=stop.icon)

st.subheader("The features, before and after")
best = report.best
compared = [
    key
    for name in (*REFERENCE_NAMES.values(), best)
    if name is not None and (key := overview.key_of(comparison, name)) is not None
]
maps = reads.small_map_rows(compared)
if maps.empty:
    st.info(why_no_maps(comparison), icon=":material/info:")
else:
    figure = small_maps_figure(maps)
    charts.chart(figure, key="small_maps", config={"displayModeBar": False})
    rule = f"Shown as best: {best}. The rule: {overview.BEST_RULE}. " if best else ""
    st.caption(
        "Each point is a training image, placed by its penultimate features (UMAP); images that "
        "the model sees as alike lie together. Diamonds are to be forgotten. "
        f"{small_maps_caption(comparison, compared, len(maps))} {rule}"
    )
    st.page_link(
        "pages/manifolds.py", label="All models, full maps", icon=":material/arrow_forward:"
    )

st.subheader("The verdicts")
if not cards:
    st.info("No method has run yet. Start one on the **Unlearn** page.", icon=":material/info:")
    st.page_link("pages/unlearn.py", label="Go to Unlearn", icon=":material/arrow_forward:")
    st.stop()
notices.show_underfitted(report)
notices.show_hardly_changed(comparison)
for row in overview.in_threes(cards):
    for column, card in zip(st.columns(3), row, strict=False):
        with column.container(border=True, height="stretch"):
            st.html(
                f"{STYLE}<b>{method_dot(card.method)}{as_html(card.label)}</b><br>"
                f"{verdict_pill(card.word)} <small>{card.agreement}</small>"
            )
            st.markdown(f"{MEANING[card.word].capitalize()}. {as_markdown(card.because)}.")
            st.html(overview.numbers_html(card))
st.caption(
    f"In parentheses the retrained models' numbers. {as_markdown(evidence_text(report))} How a "
    f"verdict is reached stands on the Metrics page. {comparison_caption(report)}."
)
st.page_link("pages/metrics.py", label="All metrics", icon=":material/arrow_forward:")
