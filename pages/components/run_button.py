"""The button of a page that makes what it lacks; runs need the data set itself."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from pages.components import data_reads
from unlearn_core.config import DataConfig

NOT_HERE = (
    "Only the labels of this data set ship. A run downloads its files first; where that cannot be "
    "done, or they are others than these runs were made from, it ends and says so."
)


def run_button(
    label: str, data: DataConfig, *, key: str, kind: Literal["primary", "secondary"] = "secondary"
) -> bool:
    """Show the button, and where only labels are here what a run needs besides."""
    is_wanted = st.button(label, key=key, type=kind, icon=":material/play_arrow:")
    if data_reads.only_labels(data):
        st.caption(NOT_HERE)
    return is_wanted
