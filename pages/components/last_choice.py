"""The comparison that this browser chose last, kept by the browser in a cookie."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

COOKIE = "unlearn_comparison"
# Streamlit reads cookies but writes none
JS = """export default function ({ data }) {
  const age = data.value ? 31536000 : 0;
  document.cookie = `${data.name}=${data.value ?? ""}; path=/; max-age=${age}; SameSite=Strict`;
}"""


@cache
def _writer() -> Any:
    return st.components.v2.component("unlearn_last_choice", js=JS, isolate_styles=False)


def read() -> str | None:
    """Return what the browser kept when it opened this session; None where it kept nothing."""
    return st.context.cookies.get(COOKIE)


def keep(key: str | None) -> None:
    """Let the browser keep this comparison; None lets it forget, so that the default counts."""
    _writer()(key="last_choice", data={"name": COOKIE, "value": key}, height=1)
