"""A running server and a real Chromium; tests are skipped where there is none."""

from contextlib import ExitStack

import pytest

from tests.browser.server import CHROMIUM, SWITCHES, served
from tests.stores import fill_store


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts the app on a store and returns its address."""
    with ExitStack() as servers:

        def start(root):
            return servers.enter_context(served(root, tmp_path / f"server-{root.name}.log"))

        yield start


# A file's tests share one server, as people do: each has a browser of its own, and makes no run.


@pytest.fixture(scope="module")
def app_url(tmp_path_factory):
    """Start the app on the shipped runs and return its address."""
    yield from _served(fill_store(tmp_path_factory.mktemp("browser") / "filled"))


@pytest.fixture(scope="module")
def all_url(tmp_path_factory):
    """Start the app on all shipped runs, of which clothes open first."""
    yield from _served(fill_store(tmp_path_factory.mktemp("all"), None))


@pytest.fixture(scope="module")
def two_url(tmp_path_factory, comparison):
    """Start the app on the shipped runs, whose lesson is the default, and the tiny comparison."""
    root = fill_store(tmp_path_factory.mktemp("browser") / "two")
    (root / "runs").symlink_to(comparison.store.runs)
    yield from _served(root)


def _served(root):
    with served(root, root.parent / f"server-{root.name}.log") as url:
        yield url


@pytest.fixture
def page():
    """Open an empty tab of a real Chromium, 1440 by 900, that cannot reach the network."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        tab = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        tab.set_default_timeout(60_000)
        tab.route("**/*", _only_this_machine)
        yield tab
        browser.close()


def _only_this_machine(route):
    address = route.request.url
    if address.startswith(("http://127.0.0.1:", "data:", "blob:")):
        route.continue_()
    else:
        route.abort()
