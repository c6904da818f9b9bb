"""What is chosen once for all pages: the comparison, and from it the seed and the runs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components import loaders
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.wording import comparison_title

CHOSEN = "comparison"
UNDER_APP = "under_app"


def under_app(page: str) -> None:
    """Start again under `app.py` where Streamlit ran the file `page` on its own.

    Until `st.navigation` has run once in a server, Streamlit takes a folder called `pages` for its
    older kind of app: the first visit of a new server to a page's own address runs that page
    alone, without the navigation and the choice of a comparison.
    """
    if UNDER_APP not in st.session_state:
        st.session_state[UNDER_APP] = True
        home, name = st.Page("pages/overview.py", default=True), Path(page).name
        here = [] if name == "overview.py" else [st.Page(f"pages/{name}")]
        st.navigation([home, *here], position="hidden")  # ends the older kind
        st.rerun()


def choose_comparison() -> None:
    """Show the choice of a comparison in the sidebar; it lives in the URL."""
    found = loaders.all_comparisons()
    with st.sidebar:
        if not found:
            st.caption("No finished comparison yet.")
            return
        st.selectbox(
            "Comparison",
            options=list(found),
            format_func=lambda key: comparison_title(found[key].config),
            key=CHOSEN,
            bind="query-params",
            help="One data set, model and forget request, with every run on it.",
        )


def chosen_comparison() -> Comparison:
    """Return the chosen comparison, or end the page with what to do next."""
    found = loaders.all_comparisons()
    if not found:
        st.info(
            "There are no finished runs yet. Choose what to forget on the **Unlearn** page and "
            "start one; on the digits it takes about a minute.",
            icon=":material/play_circle:",
        )
        st.page_link("pages/unlearn.py", label="Go to Unlearn", icon=":material/arrow_forward:")
        st.stop()
    key = st.session_state.get(CHOSEN)
    return found[key] if key in found else next(iter(found.values()))
