"""Whether a data set is on this machine, and its download where that can be done."""

from __future__ import annotations

import streamlit as st

from pages.components import data_reads
from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig
from unlearn_core.data import DataNotFoundError, fetch_dataset, get_dataset
from unlearn_core.views.symbols import as_markdown


def is_available(config: DataConfig) -> bool:
    """Tell whether the data can be used; if not, show in one line why not."""
    try:
        data_reads.whole_dataset(config)
    except InputError as error:
        st.error(as_markdown(str(error)), icon=":material/folder_off:")
        if isinstance(error, DataNotFoundError) and get_dataset(config.name).fetch:
            _offer_download(config.name)
        return False
    return True


def _offer_download(name: str) -> None:
    if not st.button("Download it", key=f"fetch_{name}", icon=":material/download:"):
        return
    try:
        with st.spinner("Downloading…"):
            fetch_dataset(name)
    except InputError as error:
        st.error(as_markdown(str(error)), icon=":material/cloud_off:")
    else:
        st.rerun()
