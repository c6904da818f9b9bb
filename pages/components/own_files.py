"""What a person brought, as a part of the page Runs: images, weights and methods, and removal."""

from __future__ import annotations

import streamlit as st

from pages.components import catalogue_reads, queue, reads
from unlearn_core.checks import InputError
from unlearn_core.runs import own_files as files
from unlearn_core.views import own_files as views


def show() -> None:
    """Show what was brought, and remove what is ticked once that is confirmed."""
    found = catalogue_reads.own_files()
    st.subheader("What you brought", anchor=False)
    if not found:
        st.caption(
            "Nothing yet. Images, trained weights and methods that you give on the **Unlearn** "
            "page are kept in the store and listed here."
        )
        return
    event = st.dataframe(
        views.files_table(found), key="own_files", hide_index=True, selection_mode="single-row",
        on_select="rerun", column_config={
            "MB": st.column_config.NumberColumn(format="%.2f"),
            "Added": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
    )  # fmt: skip
    listed = list(found)
    ticked = [listed[row] for row in event["selection"]["rows"] if row < len(listed)]
    if not ticked:
        st.caption("Tick one to remove it.")
        return
    [file] = ticked
    with st.container(border=True):
        st.markdown(views.removal_text(file, found[file]))
        if st.button(
            "Remove for good", key="remove_own_file", type="primary", icon=":material/delete:"
        ):
            _remove(file)


def _remove(file: files.OwnFile) -> None:
    try:
        files.remove(reads.store(), file)
    except (InputError, OSError) as error:
        st.error(queue.refusal(error), icon=":material/error:")
        return
    catalogue_reads.forget_sources()
    st.toast(f"Removed: {file.name}", icon=":material/delete:")
    st.rerun()
