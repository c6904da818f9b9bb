"""A canvas to draw on with mouse, pen or finger; the page sees the picture after each stroke."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from unlearn_core.views.own_picture import CANVAS

HERE = Path(__file__).parent


@cache
def _canvas() -> Any:
    return st.components.v2.component(
        "unlearn_canvas",
        html=f'<div class="canvas"><canvas width="{CANVAS}" height="{CANVAS}" tabindex="0" '
        'role="img" aria-label="Draw here"></canvas><div class="canvas-tools"></div></div>',
        css=HERE.joinpath("canvas.css").read_text(encoding="utf-8"),
        js=HERE.joinpath("canvas.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


def canvas(*, pen: int, key: str) -> str | None:
    """Show the canvas; return the drawing as a data URL, None while nothing is drawn.

    `pen` is how wide it draws at first, in pixels of its `CANVAS`.
    """
    drawn: str | None = _canvas()(
        key=key, data={"pen": pen}, on_picture_change=lambda: None
    ).picture
    return drawn or None
