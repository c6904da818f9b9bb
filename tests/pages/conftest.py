"""Stores for page tests: `UNLEARN_CACHE` points to the shipped demo, or to nothing."""

import pytest

from tests.stores import fill_store


@pytest.fixture(autouse=True)
def _no_cached_reads():
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def filled_store(tmp_path, monkeypatch):
    root = fill_store(tmp_path / "filled")
    monkeypatch.setenv("UNLEARN_CACHE", str(root))
    return root


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    root = tmp_path / "empty"
    monkeypatch.setenv("UNLEARN_CACHE", str(root))
    return root


@pytest.fixture(autouse=True)
def _pages_under_the_app(monkeypatch):
    """Run pages under `app.py`, as a server does once `st.navigation` has run in it.

    AppTest forgets that at every run, and then takes the folder `pages` for the older kind of app.
    """
    pages_manager = pytest.importorskip("streamlit.runtime.pages_manager").PagesManager
    begin = pages_manager.__init__

    def begin_under_the_app(self, *arguments, **options):
        pages_manager.uses_pages_directory = False
        begin(self, *arguments, **options)

    monkeypatch.setattr(pages_manager, "__init__", begin_under_the_app)
