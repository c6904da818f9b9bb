"""Scroll to what a click has opened, where that is drawn elsewhere on the page."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

CODE = Path(__file__).with_name("into_sight.js")


def bring(target: str, opened: str) -> None:
    """Let the browser show the element of a CSS selector, once for each `opened` that is not ""."""
    _component()(key=f"into_sight_{target}", data={"target": target, "opened": opened}, height=1)


@cache
def _component() -> Any:
    code = CODE.read_text(encoding="utf-8")
    return st.components.v2.component("unlearn_into_sight", js=code, isolate_styles=False)
