"""The glossary, at hand in the sidebar of every page."""

from __future__ import annotations

import streamlit as st

from unlearn_core.views import glossary
from unlearn_core.views.symbols import as_markdown


def show() -> None:
    """Offer what sets, models, verdicts and the metrics that they rest on are, in plain words."""
    parts = {
        "Data and models": glossary.TERMS.items(),
        "Verdicts": glossary.verdict_lines(),
        "Numbers": glossary.metric_lines(),
    }
    with st.sidebar.popover("Glossary", icon=":material/menu_book:", width="stretch"):
        for title, lines in parts.items():
            told = "  \n".join(f"**{word}**: {meaning}" for word, meaning in lines)
            st.markdown(as_markdown(f"**{title}**\n\n{told}", keep="*"))
