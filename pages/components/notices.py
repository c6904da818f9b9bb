"""What a person must know before they read a page: runs left out, runs that other code made.

`run_page` also turns what a page cannot be shown without into one line: a run that turns out to be
damaged is left out and the page drawn again, data that is missing or has changed is named.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import streamlit as st

from pages.components import catalogue_reads, data_reads, lesson, queue, reads, selectors
from unlearn_core.checks import InputError
from unlearn_core.runs.artefact import CorruptRunError
from unlearn_core.runs.comparison import Comparison, DamagedRun
from unlearn_core.runs.report import Report
from unlearn_core.views import jobs as job_views
from unlearn_core.views import notices as text
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import capital

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

P = ParamSpec("P")
R = TypeVar("R")


def run_page(page: StreamlitPage) -> None:
    """Show the bar of a lesson, the notices and the page."""
    try:
        without_damaged_runs(lesson.show)(page)
        show_damaged(reads.damaged_runs())
        show_other_code()
        show_kept_part()
        for line in catalogue_reads.catalogue().get("left_out", []):
            st.warning(line, icon=":material/extension_off:")
        without_damaged_runs(page.run)()
    except InputError as error:
        st.error(as_markdown(str(error)), icon=":material/folder_off:")


def without_damaged_runs(show: Callable[P, R]) -> Callable[P, R]:
    """Draw the page anew, without the run, where one turns out to be damaged while it is read.

    For a page as a whole, and for each fragment, whose errors do not reach the page.
    """

    @wraps(show)
    def guarded(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return show(*arguments, **options)
        except CorruptRunError as error:
            if not reads.leave_out(error):
                raise  # it is left out already, so something else is wrong
            st.rerun()

    return guarded


def show_damaged(damaged: tuple[DamagedRun, ...]) -> None:
    """Name the runs that are left out, a line each, and offer to make them again."""
    waiting = job_views.active(queue.jobs()) if damaged else set()
    damaged = tuple(run for run in damaged if run.key not in waiting)
    if not damaged:
        return
    st.warning(
        text.damaged_text(damaged, catalogue_reads.method_labels()), icon=":material/broken_image:"
    )
    again = [run.config for run in damaged if run.config is not None]
    lost = [run.key for run in damaged if run.config is None and not run.is_shipped]
    with st.container(horizontal=True):
        is_wanted = again and st.button(
            "Make again", key="damaged_again", icon=":material/refresh:"
        )
        if is_wanted and queue.submit(again):
            st.rerun()
        if lost and st.button("Remove", key="damaged_remove", icon=":material/delete:"):
            try:
                for key in lost:
                    reads.store().delete(key)
            except OSError as error:
                st.error(queue.refusal(error), icon=":material/error:")
            else:
                st.rerun()


def show_other_code() -> None:
    """Say which own runs of the comparison other code has made, and offer to make them again."""
    runs = reads.made_by_other_code(st.session_state.get(selectors.CHOSEN))
    waiting = job_views.active(queue.jobs()) if runs else set()
    runs = [run for run in runs if run.key not in waiting]
    if not runs:
        return
    is_wanted = _offered(
        "history", text.other_code_text(runs, catalogue_reads.method_labels()), "Make again"
    )
    if is_wanted and queue.submit([run.config for run in runs], again=True):
        st.rerun()


def show_kept_part() -> None:
    """Say that only a part of what the comparison was made from is here, where that is so."""
    comparison = reads.all_comparisons().get(str(st.session_state.get(selectors.CHOSEN)))
    if comparison is None:
        return
    data, lines = comparison.config.data, [text.kept_part_text(comparison)]
    if data_reads.only_labels(data):
        missing = "texts" if data_reads.shows_texts(data) else "pictures"
        lines.insert(0, text.missing_examples_text(missing))
    with st.sidebar:  # below the choice of the comparison, which they are about
        for line in filter(None, lines):
            st.caption(f":material/filter_alt: {line}")


def show_unmeasured(comparison: Comparison) -> None:
    """Say which own runs of the comparison lack a metric of now, and offer to compute it."""
    runs = [run for run in comparison.unmeasured() if not reads.store().is_shipped(run.key)]
    if not runs:
        return
    is_wanted = _offered(
        "straighten", text.unmeasured_text(runs, catalogue_reads.method_labels()), "Measure"
    )
    if is_wanted and queue.measure([run.key for run in runs]):
        st.rerun()


def show_weak_yardstick(report: Report) -> None:
    """Say where the original has not fitted its training data, or retraining itself loses much."""
    if report.comparison["costly"]:
        line = capital(report.comparison["costly"])
        st.info(f"{line}. What a method keeps beyond that is no fault.", icon=":material/scale:")
    if report.comparison["underfitted"]:
        line = capital(report.comparison["underfitted"])
        st.warning(f"{line}. No verdict rests on its features.", icon=":material/trending_down:")


def show_hardly_changed(comparison: Comparison) -> None:
    """Say which methods hardly changed the original, where any did."""
    words = text.hardly_changed_text(comparison)
    if words:
        st.warning(words, icon=":material/hourglass_disabled:")


def _offered(icon: str, words: str, action: str) -> bool:
    """Show one line with a button for what helps; say whether it was pressed."""
    left, right = st.columns([8, 1], vertical_alignment="center")
    left.caption(f":material/{icon}: {words}")
    return right.button(action, key=f"notice_{icon}", type="tertiary")
