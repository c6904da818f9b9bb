"""What was forgotten from what, the verdicts, small maps, and a guided tour for a lesson."""

from __future__ import annotations

import streamlit as st

from pages.components import loaders, reads, selectors
from unlearn_core.views import overview as view
from unlearn_core.views.captions import recipe
from unlearn_core.views.manifold.small_maps import small_maps_figure
from unlearn_core.views.markup import STYLE, method_dot, verdict_pill
from unlearn_core.views.symbols import as_html, as_markdown
from unlearn_core.views.tour import TOUR
from unlearn_core.views.verdicts import MEANING
from unlearn_core.views.wording import request_sentence

selectors.under_app(__file__)
st.title("What did the model forget?")
comparison = selectors.chosen_comparison()
report = loaders.comparison_report(comparison.key)
config = comparison.config
sets = reads.sets(config.data, config.forget)
names = loaders.dataset(config.data).class_names
cards = view.cards(comparison, report)

st.markdown(
    f"{request_sentence(config, names)} Each method starts from the original model and tries to "
    "become the **retrained** one, which never saw those images, in less time."
)
places = st.columns(4)
for place, (symbol, meaning, size) in zip(places, view.sizes(sets), strict=False):
    place.metric(as_markdown(f"{symbol}: {meaning}"), size, border=True)
places[3].metric("Runs", view.runs_text(comparison), border=True, help=recipe(report))

with st.expander("A guided tour for a lesson", icon=":material/school:", key="tour"):
    for number, stop in enumerate(TOUR, start=1):
        text, link = st.columns([4, 1], vertical_alignment="center")
        text.markdown(f"{number}. **{stop.title}.** {stop.look}  \n*Ask: {stop.ask}*")
        link.page_link(stop.page, label="Go there", icon=stop.icon)

st.subheader("The features, before and after")
best = report.best
shown = [
    key
    for name in ("Original", "Retrained", best)
    if name is not None and (key := view.key_of(comparison, name)) is not None
]
maps = reads.small_maps(shown)
if maps.empty:
    st.info(view.why_no_maps(comparison), icon=":material/info:")
else:
    figure = small_maps_figure(maps)
    st.plotly_chart(figure, key="small_maps", config={"displayModeBar": False})
    chosen = f"Shown as best: {best}. The rule: {view.BEST_RULE}. " if best else ""
    st.caption(
        "Each point is a training image, placed by its penultimate features (UMAP); images that "
        "the model sees as alike lie together. Crosses are to be forgotten. "
        f"{view.map_recipe(comparison, shown, len(maps))} {chosen}"
    )
    st.page_link(
        "pages/manifolds.py", label="All models, full maps", icon=":material/arrow_forward:"
    )

st.subheader("The verdicts")
if not cards:
    st.info("No method has run yet. Start one on the **Unlearn** page.", icon=":material/info:")
    st.page_link("pages/unlearn.py", label="Go to Unlearn", icon=":material/arrow_forward:")
    st.stop()
for row in view.in_threes(cards):
    for place, card in zip(st.columns(3), row, strict=False):
        with place.container(border=True, height="stretch"):
            st.html(
                f"{STYLE}<b>{method_dot(card.method)}{as_html(card.label)}</b><br>"
                f"{verdict_pill(card.word)} <small>{card.agreement}</small>"
            )
            st.markdown(f"{MEANING[card.word].capitalize()}. {as_markdown(card.because)}.")
            st.html(view.numbers_html(card))
st.caption(
    "In parentheses the retrained model's numbers. How a verdict is reached stands on the Metrics "
    f"page. {recipe(report)}."
)
st.page_link("pages/metrics.py", label="All metrics", icon=":material/arrow_forward:")
