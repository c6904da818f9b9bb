"""Who forgot: the answer in a sentence, a line a method, pictures and maps; the rest below."""

from __future__ import annotations

import streamlit as st

from pages.components import (
    catalogue_reads,
    charts,
    data_reads,
    lesson,
    map_reads,
    notices,
    previews,
    queue,
    reads,
    selectors,
)
from pages.components.exports import handout_buttons
from pages.components.strip.method_strip import method_strip
from unlearn_core.views import answers, backdoor, headline, overview
from unlearn_core.views.captions import comparison_caption, seeds_text
from unlearn_core.views.examples import answers_table, kept_sets, with_outputs
from unlearn_core.views.manifold.points import why_no_maps
from unlearn_core.views.manifold.small_maps import (
    small_maps_caption,
    small_maps_figure,
)
from unlearn_core.views.markup import STYLE, method_dot, verdict_pill
from unlearn_core.views.names import REFERENCE_NAMES
from unlearn_core.views.symbols import as_html, as_markdown
from unlearn_core.views.verdicts import evidence_text, judged_text, targets_text

METHOD, VERDICT, STRIP = "method", "verdict", "strip"
MAPS_HEIGHT = 216  # pixels; with what stands above, all of it is within 1280 by 720

selectors.under_app(__file__)
with st.container(horizontal=True, vertical_alignment="center"):
    st.title("What did the model forget?", width="stretch")
    place = st.empty()
comparison = selectors.chosen_comparison()
report = reads.comparison_report(comparison.key)
config = comparison.config
sets = data_reads.sets(config.data, config.forget)
dataset = data_reads.dataset(config.data)
is_backdoor = config.forget.kind == "backdoor"
cards = overview.verdict_cards(comparison, report)


def on_pick() -> None:
    """Show the clicked method beside the references."""
    st.session_state[METHOD] = st.session_state[STRIP]["picked"]


request = headline.request_text(config, dataset.class_names, sets)
if not cards:
    st.markdown(f"{request} {headline.WHY}")
    if comparison.key in queue.comparisons_in_work():
        st.info(
            "The first method is still at work. Its verdict stands here once it has finished; "
            "follow it on the **Unlearn** page.",
            icon=":material/hourglass_top:",
        )
    else:
        st.info("No method has run yet. Start one on the **Unlearn** page.", icon=":material/info:")
    selectors.link_to_unlearn()
    st.stop()
place.button(
    "Lesson", icon=":material/school:", key="lesson_begin", on_click=lesson.begin,
    help="Leads a class from page to page: what to look at, what to ask, and the answer from "
    "the numbers of this comparison. In large type.",
)  # fmt: skip
by_label = {card.label: card for card in cards}
with st.container(gap="xsmall", key="first_screen"):
    with st.container(key="headline"):
        st.markdown(f"{request} **{headline.tally(cards)}**")
    st.caption(f"{headline.WHY} {judged_text(report)}")
    counts = headline.word_counts(cards)
    left, right = st.columns([9, 4], vertical_alignment="center")
    with left, st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Show only", width="content", help=headline.ORDER)
        selectors.restart(comparison, VERDICT, None)
        selectors.stand_in_address(VERDICT, counts)
        word = st.pills(
            "Only the methods that", list(counts), format_func=lambda w: f"{w} {counts[w]}",
            key=VERDICT, label_visibility="collapsed", wrap=True,
        )  # fmt: skip
    with right, st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Look at", width="content")
        shown = selectors.choose_one(
            comparison, "Method to look at", list(by_label), METHOD, cards[0].label, hidden=True
        )
    left, right = st.columns([2, 3])
    with left:
        lines = headline.strip_lines(
            cards, word, is_backdoor=is_backdoor, about=catalogue_reads.method_sentences()
        )
        method_strip(lines, selected=shown, key=STRIP, on_pick=on_pick)
    keys = {name: overview.key_of(comparison, name) for name in (*REFERENCE_NAMES.values(), shown)}
    runs = [run for run in comparison.runs if run.key in keys.values()]
    with right:
        ids = answers.some_forgotten(kept_sets(runs, sets))
        shown_captions = None
        if is_backdoor:
            clean = data_reads.clean_dataset(config.data)
            shown_captions = backdoor.poisoned_captions(clean, dataset, ids)
        charts.html(
            answers.answers_html(
                runs,
                answers_table(with_outputs(runs), ids, dataset, sets),
                previews.tiles(config.data, ids, config.forget.keyword),
                selectors.sample_links(comparison, ids),
                captions=shown_captions,
                before_label=answers.label_word(config.forget),
            )
        )
        maps = map_reads.small_map_rows([run.key for run in runs])
        if maps.empty:
            st.info(why_no_maps(comparison), icon=":material/info:")
        else:
            figure = small_maps_figure(maps, compact=MAPS_HEIGHT)
            charts.chart(figure, key="small_maps", config={"displayModeBar": False})
        st.caption(
            f"{headline.chosen_text(by_label[shown])} Each point is a training example: what a "
            "model finds alike lies together, diamonds are to be forgotten. "
            f"{as_markdown(backdoor.poisoned_note(config.forget, dataset.class_names))} "
            "A map shows two dimensions; a verdict rests on all."
        )

st.subheader("What was compared")
columns = st.columns(4)
for column, (symbol, meaning, size) in zip(columns, overview.sizes(sets), strict=False):
    column.metric(f"{meaning} ({as_markdown(symbol)})", size, border=True)
columns[3].metric(
    f"Runs, {seeds_text(comparison.seeds)}", len(comparison.runs), border=True,
    help=comparison_caption(report),
)  # fmt: skip
if not maps.empty:
    st.caption(
        f"The maps are UMAPs of penultimate features. "
        f"{small_maps_caption(comparison, [run.key for run in runs], len(maps))} "
        f"Shown first: {cards[0].label}. The rule: {overview.BEST_RULE}."
    )
    st.page_link(
        "pages/manifolds.py", label="All models, full maps", icon=":material/arrow_forward:"
    )

st.subheader("Why each method has its verdict")
st.caption(
    "Behind ± stands one deviation of retrained models. Beyond three a number is off; from two on, "
    "on the original's side, a feature counts against a method that has most of its way left."
)
notices.show_weak_yardstick(report)
notices.show_hardly_changed(comparison)
for row in overview.in_threes(cards):
    for column, card in zip(st.columns(3), row, strict=False):
        with column.container(border=True, height="stretch"):
            charts.html(
                f"{STYLE}<b>{method_dot(card.method)}{as_html(card.label)}</b><br>"
                f"{verdict_pill(card.spoken)} <small>{card.agreement}</small>"
            )
            st.html(overview.reason_html(card))
            st.html(overview.numbers_html(card))
st.caption(
    f"{as_markdown(f'{targets_text(report)} {evidence_text(report)}')} How a verdict is "
    f"reached stands on the Metrics page. {comparison_caption(report)}."
)
st.page_link("pages/metrics.py", label="All metrics", icon=":material/arrow_forward:")

st.subheader("Take it with you")
handout_buttons(comparison, report)
