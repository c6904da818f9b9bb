"""Pictures of training examples: small rows of them, and a picker that adds and removes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import streamlit as st

from pages.components import data_reads, previews, selectors
from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig
from unlearn_core.views import forget_request as requests

CHOSEN, TEXT, FAULT = "chosen_ids", "ids_text", "ids_fault"
PER_PAGE, SIZE = 18, 64
COLUMNS, COLUMNS_OF_TEXTS = 6, 3
MOST_CHOSEN = 24
ALL = "all"


def chosen_ids() -> list[int]:
    """Return the ids that were picked in this session, ascending."""
    return list(st.session_state.get(CHOSEN, ()))


def choose(ids: Iterable[int]) -> None:
    """Make these ids the chosen ones."""
    st.session_state[CHOSEN] = sorted({int(i) for i in ids})
    st.session_state.pop(FAULT, None)


def show(config: DataConfig, ids: Sequence[int], word: str = "") -> None:
    """Show the pictures of some examples in a row that wraps, each with its class and id."""
    dataset = data_reads.dataset(config)
    with st.container(horizontal=True, gap="small"):
        for i in ids:
            caption = f"id {i}, class {dataset.class_names[dataset.labels[i]]}"
            link = selectors.sample_of(config, i)
            previews.show(config, i, caption=caption, width=SIZE, link=link, word=word)


def pick(config: DataConfig) -> None:
    """Show pages of training images with a box each, and what is chosen so far."""
    dataset = data_reads.dataset(config)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choice = st.selectbox(
            "Class in the gallery",
            options=[ALL, *range(dataset.n_classes)],  # not None: to a widget that is no choice
            format_func=lambda c: "All classes" if c == ALL else dataset.class_names[c],
            key="gallery_class",
            persist_state="session",
        )
        label = None if choice == ALL else choice
        ids = requests.training_ids(dataset, label)
        last = requests.page_count(len(ids), PER_PAGE)
        page = st.number_input(
            f"Page, of {last:,}", 1, last, step=1, key=f"gallery_page_{label}_{len(ids)}"
        )
    _grid(config, requests.page_of(ids, page, PER_PAGE))
    _chosen(config, len(dataset.labels))


def _grid(config: DataConfig, ids: Sequence[int]) -> None:
    dataset, chosen = data_reads.dataset(config), set(chosen_ids())
    for i, column in zip(ids, cycle(_columns(config)), strict=False):
        with column, st.container(key=f"picked_{i}", gap=None):  # look.css: a click on it ticks it
            previews.show(config, i, width=SIZE)
            st.session_state[f"pick_{i}"] = i in chosen
            name = f"id {i}, class {dataset.class_names[dataset.labels[i]]}"
            st.checkbox(name, key=f"pick_{i}", on_change=_toggle, args=(i,))


def _columns(config: DataConfig) -> list[Any]:
    is_wide = data_reads.shows_texts(config)
    return list(st.columns(COLUMNS_OF_TEXTS if is_wide else COLUMNS, gap="small"))


def _toggle(example_id: int) -> None:
    choose(set(chosen_ids()).symmetric_difference({example_id}))


def _chosen(config: DataConfig, n_examples: int) -> None:
    """Show what is chosen, with a button each that removes it, and the ids as text."""
    ids = chosen_ids()
    if ids:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{len(ids)} chosen**", width="content")
            st.button("Remove all", key="remove_all", on_click=choose, args=((),))
        for i, column in zip(ids[:MOST_CHOSEN], cycle(_columns(config)), strict=False):
            with column:
                if i < n_examples:
                    previews.show(config, i, width=SIZE)
                st.button(
                    f"id {i}",
                    key=f"remove_{i}",
                    icon=":material/close:",
                    type="tertiary",
                    on_click=_toggle,
                    args=(i,),
                    help="Do not forget this one",
                )
        if len(ids) > MOST_CHOSEN:
            st.caption(f"The first {MOST_CHOSEN} of {len(ids)} are shown.")
    else:
        st.caption("Nothing is chosen yet. Tick examples above, or paste ids below.")
    if FAULT not in st.session_state:
        st.session_state[TEXT] = ", ".join(map(str, ids))
    st.text_area(
        "Ids of the chosen examples",
        key=TEXT,
        height=80,
        on_change=_read_text,
        help="Whole numbers with commas, spaces or lines between. An id is an example's place "
        "in the data set; hover a point on the Manifolds page to see it.",
    )
    if FAULT in st.session_state:
        st.error(st.session_state[FAULT], icon=":material/error:")


def _read_text() -> None:
    try:
        choose(requests.parse_ids(st.session_state[TEXT]))
    except InputError as error:
        st.session_state[FAULT] = str(error)
