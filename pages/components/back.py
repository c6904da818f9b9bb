"""One step back in the browser leads to the page before."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

JS = Path(__file__).with_suffix(".js")


@cache
def _component() -> Any:
    code = JS.read_text(encoding="utf-8")
    return st.components.v2.component("unlearn_back", js=code, isolate_styles=False)


def to_page_before() -> None:
    """Let the address that a page writes by itself take no step of the browser's history."""
    _component()(key="back", height=1)
