"""The lesson: a bar that stays from stop to stop, on a page without sidebar and in large type.

Which stop it is stands in the address, so a reload and a copied link find it again.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components import charts, data_reads, reads, run_reads, selectors
from unlearn_core.views import lesson
from unlearn_core.views.symbols import as_markdown

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

PARAMETER = "lesson"  # in the address: the stop's number
GO, ANSWER = "lesson_go", "lesson_answer"
SET_UP = "lesson_set_up"  # in the session: a stop's page was shown with what the stop chooses
FRAME = "outline: 3px solid #D55E00; outline-offset: 4px; border-radius: 4px"
HERE = Path(__file__).parent
LOOK, SCROLL = HERE.joinpath("lesson.css"), HERE.joinpath("lesson.js")


def begin() -> None:
    """Go to the first stop, as a button's callback."""
    _go(1)


def is_on() -> bool:
    """Say whether a lesson leads through the pages, whose answers should not stand on them."""
    return PARAMETER in st.session_state


def show(page: StreamlitPage) -> None:
    """Show the bar above a page while a lesson is on."""
    number = _number()
    charts.enlarge(number is not None)
    if number is None or not reads.all_comparisons():
        return
    material = _material()
    stops = lesson.stops(material)
    number, stop = lesson.stop_at(stops, number)
    is_here = Path(stop.page).stem == page.url_path
    if GO in st.session_state and not is_here:
        selectors.go_to(stop.page, **{PARAMETER: str(number)})
    if is_here:
        _set_up(material, stop)
    if st.query_params.get(PARAMETER) != str(number):  # each write is a step of the browser's Back
        st.query_params[PARAMETER] = str(number)
    st.html(LOOK)
    with st.container(key="lesson_bar", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Step {number} of {len(stops)} · {stop.title}**", width="stretch")
            is_asked = is_here and st.toggle(
                "Answer", key=ANSWER, bind="query-params", width="content"
            )
            _buttons(number, len(stops), is_here=is_here)
        if is_here:
            st.markdown(f"{as_markdown(stop.look)} **{as_markdown(stop.ask)}**")
        if is_asked:
            st.markdown(as_markdown(stop.answer(material), keep="*#-"))
    if is_here:
        st.html(f"<style>{stop.target} {{ {FRAME} }}</style>")
        told = {"target": stop.target, "stop": number, "answered": st.session_state[ANSWER]}
        _scroller()(key="lesson_scroll", data=told, height=1)


def _set_up(material: lesson.Material, stop: lesson.Stop) -> None:
    """Choose on the page what the stop speaks of, once; after a reload a link's own choices stay.

    In the run that draws the page: from another no address would have the choices.
    """
    is_sent = st.session_state.pop(GO, None) is not None
    if is_sent or SET_UP not in st.session_state:
        choices = stop.choices(material)
        kept = {} if is_sent else st.query_params
        selectors.preset(material.comparison, {k: v for k, v in choices.items() if k not in kept})
    st.session_state[SET_UP] = True


def _number() -> int | None:
    """Return the number of the stop: of a button, of the address, or where the lesson was last.

    A switch to another page clears the address.
    """
    wanted = st.session_state.get(GO) or st.query_params.get(PARAMETER)
    if wanted is None:
        wanted = st.session_state.get(PARAMETER)
    if not str(wanted).isdecimal() or int(str(wanted)) < 1:
        st.session_state.pop(PARAMETER, None)
        st.query_params.pop(PARAMETER, None)
        return None
    st.session_state[PARAMETER] = int(str(wanted))
    return int(str(wanted))


def _material() -> lesson.Material:
    comparison = selectors.chosen_comparison()
    return lesson.Material(
        comparison=comparison,
        report=reads.comparison_report(comparison.key),
        class_names=data_reads.dataset(comparison.config.data).class_names,
        comparisons=list(reads.all_comparisons().values()),
        histories=partial(run_reads.histories, comparison),
        nearest=run_reads.nearest_classes,
        answered=run_reads.answered_classes,
        report_of=lambda each: reads.comparison_report(each.key),
    )


def _buttons(number: int, last: int, *, is_here: bool) -> None:
    if not is_here:
        st.button("Return to this step", key="lesson_return", icon=":material/undo:",
                  on_click=_go, args=(number,), type="primary")  # fmt: skip
    st.button("Back", key="lesson_back", icon=":material/arrow_back:", disabled=number == 1,
              on_click=_go, args=(number, -1))  # fmt: skip
    st.button(
        "Next", key="lesson_next", icon=":material/arrow_forward:", disabled=number == last,
        on_click=_go, args=(number, 1), type="primary" if is_here else "secondary",
    )  # fmt: skip
    st.button("End", key="lesson_end", icon=":material/close:", on_click=_end)


def _go(number: int, by: int = 0) -> None:
    st.session_state[GO] = number + by
    st.session_state[ANSWER] = False


def _end() -> None:
    st.session_state.pop(PARAMETER, None)
    st.query_params.pop(PARAMETER, None)


@cache
def _scroller() -> Any:
    code = SCROLL.read_text(encoding="utf-8")
    return st.components.v2.component("unlearn_lesson", js=code, isolate_styles=False)
