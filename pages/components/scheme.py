"""The system's colours may change while a page is open; then what is drawn on it is drawn anew."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

JS = """export default function ({ setStateValue }) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => setTimeout(() => setStateValue("dark", dark.matches), 300); // Streamlit first
  dark.addEventListener("change", tell);
  return () => dark.removeEventListener("change", tell);
}"""


@cache
def _component() -> Any:
    return st.components.v2.component("unlearn_scheme", js=JS, isolate_styles=False)


def follow() -> None:
    """Run the page again when the system turns dark or light: Streamlit itself does not."""
    _component()(key="scheme", height=1, on_dark_change=lambda: None)
