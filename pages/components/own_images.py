"""Bring your own images: a zip archive or a folder, checked and kept in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import queue
from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.data import archive, uploads
from unlearn_core.views.own_files import kept_text
from unlearn_core.views.symbols import as_markdown

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

ROUND, TOLD = "own_images_round", "own_images_told"
ADDED = "images_added"  # the data set that shall be chosen now
LAYOUT = (
    "One folder per class, with images in it (PNG, JPEG, BMP or WebP): `cats/1.png`, "
    "`dogs/1.png`. With `train/` and `test/` around them you say which images are for testing; "
    "otherwise a fifth of each class is. Images become square, at most 64 pixels. They stay on "
    "this machine; the page **Runs** removes them."
)


def offer() -> None:
    """Show where images are given, and add them when asked; the page then shows them chosen."""
    with st.expander(
        "Use your own images", icon=":material/add_photo_alternate:", key="own_images"
    ):
        st.caption(LAYOUT)
        # another key empties the boxes: what they held is kept now
        turn = st.session_state.setdefault(ROUND, 0)
        left, right = st.columns(2)
        packed = left.file_uploader("A zip archive", type="zip", key=f"own_zip_{turn}")
        files = right.file_uploader(
            "Or a folder", accept_multiple_files="directory", key=f"own_folder_{turn}"
        )
        if told := st.session_state.pop(TOLD, None):
            st.success(as_markdown(told), icon=":material/check_circle:")
        if packed is None and not files:
            return
        name = packed.name.removesuffix(".zip") if packed is not None else _top(files)
        name = st.text_input("Call them", value=name, max_chars=uploads.LONGEST, key="own_name")
        if st.button("Check and keep them", key="keep_images", icon=":material/fact_check:"):
            _add(name or "images", packed, files)


def _add(name: str, packed: UploadedFile | None, files: Sequence[UploadedFile]) -> None:
    def entries() -> list[archive.Entry]:
        if packed is not None:
            return archive.in_zip(packed.name, packed)
        return archive.one_by_one((file.name, file.getvalue()) for file in files)

    upload = _kept(lambda: uploads.keep(name, entries()))
    if upload is not None:
        st.session_state[TOLD] = kept_text(upload)
        st.session_state[ROUND] += 1
        st.session_state[ADDED] = f"{uploads.DATASET}{uploads.SEPARATOR}{upload.content}"
        st.rerun()


def _kept(keep: Callable[[], uploads.Upload]) -> uploads.Upload | None:
    try:
        with st.spinner("Looking at every image…"):
            return keep()
    except (InputError, KnownFailureError, OSError) as error:
        st.error(queue.refusal(error), icon=":material/error:")
        return None


def _top(files: Sequence[UploadedFile]) -> str:
    """Return the name of the folder that was given."""
    return str(files[0].name).split("/")[0]
