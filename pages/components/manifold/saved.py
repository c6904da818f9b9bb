"""Named selections: kept in the store, and the chosen one in the address."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from pages.components import reads
from pages.components.manifold import selection
from unlearn_core.checks import InputError
from unlearn_core.runs import selections
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.manifold import link

CHOSEN, NAME, FAULT = "selection", "selection_name", "selection_fault"


def start_with_linked(comparison: Comparison, shown_ids: Collection[int]) -> None:
    """Begin with what the address selects and pins, and with nothing in another comparison."""
    if st.session_state.get(selection.OF) == comparison.key:
        return
    asked = {} if selection.OF in st.session_state else st.query_params
    st.session_state[selection.OF] = comparison.key
    named = selections.saved(reads.store(), comparison.key).get(str(st.query_params.get(CHOSEN)))
    ids = link.ids_in(asked.get(link.SELECTED), shown_ids) if named is None else named
    selection.select(ids, link.pinned_in(asked.get(link.PINNED), shown_ids))


def saved_selections(comparison: Comparison) -> None:
    """Show the choice of a named selection, and what makes and removes one."""
    known = selections.saved(reads.store(), comparison.key)
    name = st.session_state.get(CHOSEN)
    if name is not None and set(known.get(name, [])) != set(selection.selected()):
        # of another comparison, removed, or others were selected since: a link must not name it
        st.session_state[CHOSEN] = None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Saved selections", list(known), index=None, key=CHOSEN, bind="query-params",
            placeholder="Choose one" if known else "None yet", on_change=_open,
            args=(comparison,), width=240,
        )  # fmt: skip
        st.button(
            "Remove", key="remove_selection", icon=":material/delete:", disabled=chosen is None,
            on_click=_remove, args=(comparison,),
        )  # fmt: skip
        st.text_input(
            "Name for what is selected", key=NAME, placeholder="such as: threes like nines",
            max_chars=selections.LONGEST_NAME, width=240,
        )  # fmt: skip
        st.button(
            "Save", key="save_selection", icon=":material/bookmark_add:", on_click=_save,
            args=(comparison,), disabled=not selection.selected(),
            help="Everybody who opens this dashboard finds it under its name.",
        )  # fmt: skip
    fault = st.session_state.pop(FAULT, None)
    if fault:
        st.warning(fault, icon=":material/warning:")


def _open(comparison: Comparison) -> None:
    name = st.session_state[CHOSEN]
    if name is not None:
        known = selections.saved(reads.store(), comparison.key)
        selection.select(known.get(name, []), selection.pinned())


def _save(comparison: Comparison) -> None:
    ids = selection.selected()
    try:
        name = selections.save(reads.store(), comparison.key, st.session_state[NAME], ids)
    except InputError as error:
        st.session_state[FAULT] = str(error)
        return
    st.session_state[CHOSEN], st.session_state[NAME] = name, ""


def _remove(comparison: Comparison) -> None:
    selections.remove(reads.store(), comparison.key, st.session_state[CHOSEN])
    st.session_state[CHOSEN] = None
