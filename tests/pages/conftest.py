"""Stores for page tests: `UNLEARN_CACHE` points to the shipped demo, or to nothing.

`shipped_store` is for tests that only read it and replace nothing that is cached: they share one
store and Streamlit's caches. `filled_store` is a store of its own with nothing cached.
"""

import pytest

from tests.stores import fill_store


@pytest.fixture(scope="session")
def shipped_root(tmp_path_factory):
    return fill_store(tmp_path_factory.mktemp("pages") / "shipped")


@pytest.fixture
def shipped_store(shipped_root, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(shipped_root))
    return shipped_root


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
