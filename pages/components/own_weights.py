"""Bring your own trained weights: the original of a comparison, in place of one trained here."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import catalogue_reads, queue, reads
from unlearn_core.checks import InputError
from unlearn_core.config import RunConfig
from unlearn_core.runs import given_weights
from unlearn_core.views.own_files import safe_name, weights_name

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

CHOSEN = "weights"
ADDED, ROUND = "weights_added", "own_weights_round"
TRAINED_HERE = "trained here"
TYPES = ["safetensors", "pt", "pth", "bin", "ckpt"]
WHAT = (
    "A safetensors file, or a state dict that `torch.save` wrote (read with `weights_only=True`, "
    "so it runs no code). Its names and shapes must be those of the network chosen above. Only the "
    "retrained model is trained then, by the recipe above: make it like the recipe of your weights."
)


def choose(config: RunConfig) -> RunConfig | None:
    """Show the choice of the original's weights; return the config with it, or None."""
    kept = {one.content: weights_name(one) for one in catalogue_reads.given_weights()}
    if wanted := st.session_state.pop(ADDED, None):
        st.session_state[CHOSEN] = wanted
    if st.session_state.get(CHOSEN, "") not in ("", *kept):
        st.session_state[CHOSEN] = ""  # a file that was removed
    with st.expander("Use your own trained weights", icon=":material/weight:", key="own_weights"):
        st.caption(WHAT)
        content = st.selectbox(
            "The original is",
            ["", *kept],
            format_func=lambda one: kept.get(one, TRAINED_HERE),
            key=CHOSEN,
            bind="query-params",
            persist_state="session",
        )
        _offer(config)
    given = replace(config, model=replace(config.model, weights=content))
    fault = catalogue_reads.weights_fault(given) if content else ""
    if fault:
        st.error(fault, icon=":material/error:")
        return None
    return given


def _offer(config: RunConfig) -> None:
    turn = st.session_state.setdefault(ROUND, 0)
    given = st.file_uploader("A file of weights", type=TYPES, key=f"own_weights_{turn}")
    if given is None or not st.button(
        "Check and keep it", key="keep_weights", icon=":material/fact_check:"
    ):
        return
    plain = replace(config, model=replace(config.model, weights=""))
    try:
        with st.spinner("Comparing names and shapes…"):
            content = _fitted(plain, given)
    except (InputError, OSError) as error:
        st.error(queue.refusal(error), icon=":material/error:")
        return
    st.session_state[ADDED], st.session_state[ROUND] = content, st.session_state[ROUND] + 1
    st.rerun()


def _fitted(config: RunConfig, given: UploadedFile) -> str:
    """Let a process of its own check the file; return the hash under which it is kept."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, safe_name(given.name))
        file.write_bytes(given.getbuffer())
        try:
            return given_weights.fitted(reads.store(), config, file, given.name)
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from error
