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
