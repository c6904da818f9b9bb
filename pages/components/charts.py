"""Charts and HTML in the colours of the reader's theme: what is black on light is white on dark."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from unlearn_core.views.layout import enlarged
from unlearn_core.views.palette import on_ground
from unlearn_core.views.symbols import table_as_markdown

LARGE = "large_type"


def is_dark() -> bool:
    """Say whether the reader's page is dark; a change runs the page again (`scheme`)."""
    return st.context.theme.type == "dark"


def on_theme(content: dict[str, Any]) -> dict[str, Any]:
    """Return JSON types with the colours that can be seen on the reader's page."""
    if not is_dark():
        return content
    recoloured: dict[str, Any] = json.loads(on_ground(json.dumps(content), is_dark=True))
    return recoloured


def enlarge(is_wanted: bool) -> None:
    """Let the charts of this run have large type, for a class to read from afar, or usual type."""
    st.session_state[LARGE] = is_wanted


def chart(figure: go.Figure, *, key: str, **options: Any) -> Any:
    """Show a figure; `options` are those of `st.plotly_chart`, whose answer is returned."""
    shown: Any = enlarged(figure) if st.session_state.get(LARGE) else figure
    if is_dark():
        shown = json.loads(on_ground(str(shown.to_json()), is_dark=True))
    return st.plotly_chart(shown, key=key, **options)


def table(content: pd.DataFrame) -> None:
    """Show a small table whole, with D_f and its like as formulas in heads and cells."""
    st.table(table_as_markdown(content), border="horizontal", width="content", hide_index=True)


def html(text: str) -> None:
    """Show HTML whose colours are those of `views.palette`."""
    st.html(on_ground(text, is_dark=is_dark()))
