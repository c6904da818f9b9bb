"""What a person must know before they read a page: runs left out, runs that other code made.

`run_page` also turns what a page cannot be shown without into one line: a run that turns out to be
damaged is left out and the page drawn again, data that is missing or has changed is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.components import loaders, queue, selectors
from unlearn_core.checks import InputError
from unlearn_core.runs.artefact import CorruptRunError
from unlearn_core.runs.comparison import DamagedRun
from unlearn_core.views import jobs as view

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

MOST = 5


def run_page(page: StreamlitPage) -> None:
    """Show the notices and the page."""
    show_damaged(loaders.damaged_runs())
    show_other_code()
    try:
        page.run()
    except CorruptRunError as error:
        if not loaders.leave_out(error):
            raise  # it is left out already, so something else is wrong
        st.rerun()
    except InputError as error:
        st.error(str(error), icon=":material/folder_off:")


def show_damaged(damaged: tuple[DamagedRun, ...]) -> None:
    """Name the runs that are left out, a line each, and offer to make them again."""
    waiting = view.active(queue.jobs()) if damaged else set()
    damaged = tuple(run for run in damaged if run.key not in waiting)
    if not damaged:
        return
    lines = [f"**{_name(run)}** is left out: {run.reason}" for run in damaged[:MOST]]
    if len(damaged) > MOST:
        lines.append(f"{len(damaged) - MOST} more; `python -m unlearn_core verify` names all.")
    st.warning("  \n".join(lines), icon=":material/broken_image:")
    again = [run.config for run in damaged if run.config is not None]
    lost = [run.key for run in damaged if run.config is None and not run.is_shipped]
    with st.container(horizontal=True):
        if again and st.button("Make again", key="damaged_again", icon=":material/refresh:"):
            queue.submit(again)
            st.rerun()
        if lost and st.button("Remove", key="damaged_remove", icon=":material/delete:"):
            for key in lost:
                loaders.store().delete(key)
            st.rerun()


def show_other_code() -> None:
    """Say which own runs of the comparison other code has made, and offer to make them again."""
    runs = loaders.made_by_other_code(st.session_state.get(selectors.CHOSEN))
    waiting = view.active(queue.jobs()) if runs else set()
    runs = [run for run in runs if run.key not in waiting]
    if not runs:
        return
    names = [view.run_name(run.config, _labels()) for run in runs]
    shown = ", ".join(dict.fromkeys(names))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f":material/history: Made by other code than this program's: {shown}. Their numbers "
            "may differ from what it would give now.",
            width="stretch",
        )
        if st.button("Make again", key="other_code_again", type="tertiary"):
            queue.submit([run.config for run in runs], again=True)
            st.rerun()


def _name(run: DamagedRun) -> str:
    if run.config is None:
        return f"Run {run.key}"
    return f"{view.run_name(run.config, _labels())}, seed {run.config.seed}"


def _labels() -> dict[str, str]:
    return {method["name"]: method["label"] for method in loaders.catalogue()["methods"]}
