"""Bring your own images or texts: an archive, a table or a folder, checked and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import queue
from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.data import archive, uploads
from unlearn_core.views.own_files import kept_text
from unlearn_core.views.symbols import as_markdown

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

ROUND, TOLD = "own_data_round", "own_data_told"
ADDED = "data_added"  # the data set that shall be chosen now
PACKED = ("zip", "csv")
LAYOUT = (
    "One folder per class, with images in it (PNG, JPEG, BMP or WebP) or texts (`.txt` in UTF-8): "
    "`cats/1.png`, `dogs/1.png`. Texts may also come as a table (CSV) with the columns `text` and "
    "`label`. With `train/` and `test/` around the folders, or `train.csv` and `test.csv`, you say "
    "which are for testing; otherwise a fifth of each class is. Images become square, at most 64 "
    "pixels. All stays on this machine; the page **Runs** removes it."
)


def offer() -> None:
    """Show where data is given, and add it when asked; the page then shows it chosen."""
    with st.expander("Use your own images or texts", icon=":material/upload_file:", key="own_data"):
        st.caption(LAYOUT)
        # another key empties the boxes: what they held is kept now
        turn = st.session_state.setdefault(ROUND, 0)
        left, right = st.columns(2)
        packed = left.file_uploader(
            "A zip archive, or a table of texts", type=PACKED, key=f"own_file_{turn}"
        )
        files = right.file_uploader(
            "Or a folder", accept_multiple_files="directory", key=f"own_folder_{turn}"
        )
        if told := st.session_state.pop(TOLD, None):
            st.success(as_markdown(told), icon=":material/check_circle:")
        if packed is None and not files:
            return
        name = packed.name.rpartition(".")[0] if packed is not None else _top(files)
        name = st.text_input("Call it", value=name, max_chars=uploads.LONGEST, key="own_name")
        if st.button("Check and keep it", key="keep_data", icon=":material/fact_check:"):
            _add(name or "data", packed, files)


def _add(name: str, packed: UploadedFile | None, files: Sequence[UploadedFile]) -> None:
    try:
        with st.spinner("Looking at every file…"):
            upload = uploads.keep(name, _entries(packed, files))
    except (InputError, KnownFailureError, OSError) as error:
        st.error(queue.refusal(error), icon=":material/error:")
        return
    st.session_state[TOLD] = kept_text(upload)
    st.session_state[ROUND] += 1
    st.session_state[ADDED] = upload.choice
    st.rerun()


def _entries(packed: UploadedFile | None, files: Sequence[UploadedFile]) -> list[archive.Entry]:
    if packed is None:
        return archive.one_by_one((file.name, file.getvalue()) for file in files)
    if packed.name.lower().endswith(".zip"):
        return archive.in_zip(packed.name, packed)
    return archive.one_by_one([(packed.name, packed.getvalue())])


def _top(files: Sequence[UploadedFile]) -> str:
    """Return the name of the folder that was given."""
    return str(files[0].name).split("/")[0]
