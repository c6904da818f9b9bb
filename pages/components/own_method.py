"""Bring your own method: a Python file, checked and kept, on a person's own machine alone."""

from __future__ import annotations

import streamlit as st

from pages.components import catalogue_reads, queue, reads
from unlearn_core.checks import InputError
from unlearn_core.runs import own_methods
from unlearn_core.views.own_files import NOT_HERE, RUNS_CODE
from unlearn_core.views.symbols import as_markdown

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
ROUND, TOLD = "own_method_round", "own_method_told"


def is_own_machine() -> bool:
    """Say whether only this machine reaches the server, and this page's browser runs on it."""
    is_bound = st.get_option("server.address") in LOOPBACK
    is_passed_on = any(st.context.headers.get(name) for name in FORWARDED)
    return is_bound and not is_passed_on and st.context.ip_address is None


def offer() -> None:
    """Show where a method's file is given, and check and keep it when asked."""
    with st.expander("Add your own method", icon=":material/code:", key="own_method"):
        if not is_own_machine():
            st.info(NOT_HERE, icon=":material/lock:")
            return
        st.warning(RUNS_CODE, icon=":material/warning:")
        turn = st.session_state.setdefault(ROUND, 0)
        given = st.file_uploader(
            "A method's file", type="py", max_upload_size=1, key=f"own_method_{turn}"
        )
        if told := st.session_state.pop(TOLD, None):
            st.success(as_markdown(told), icon=":material/check_circle:")
        if given is None:
            return
        st.code(given.getvalue().decode("utf-8", errors="replace"), height=200)
        is_trusted = st.checkbox(
            "I have read it and let it run on this machine", key=f"trust_method_{turn}"
        )
        if st.button(
            "Check and keep it", key="keep_method", disabled=not is_trusted,
            icon=":material/fact_check:",
        ):  # fmt: skip
            _add(given.name, given.getvalue())


def _add(name: str, content: bytes) -> None:
    try:
        with st.spinner("Running the checks of the contract…"):
            faults = own_methods.add(reads.store(), name, content)
    except (InputError, OSError) as error:
        faults = [queue.refusal(error)]
    for line in faults:
        st.error(line, icon=":material/error:")
    if not faults:
        catalogue_reads.forget_sources()
        st.session_state[TOLD] = f"Kept: {name}. Its methods stand in the list above."
        st.session_state[ROUND] += 1
        st.rerun()
