"""One line a method: its name, what it still knows, its verdict; a click chooses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components import charts

HERE = Path(__file__).parent


@cache
def _lines() -> Any:
    return st.components.v2.component(
        "unlearn_strip",
        html='<div class="strip" role="listbox" aria-label="Methods"></div>',
        css=HERE.joinpath("strip.css").read_text(encoding="utf-8"),
        js=HERE.joinpath("strip.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


def method_strip(
    lines: Sequence[dict[str, Any]], *, selected: str, key: str, on_pick: Callable[[], None]
) -> None:
    """Show what `views.headline.strip_lines` returns.

    `on_pick` finds the clicked label in `st.session_state[key]["picked"]`.
    """
    data = charts.on_theme({"lines": list(lines), "selected": selected})
    _lines()(key=key, data=data, on_picked_change=on_pick)
