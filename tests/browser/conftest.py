"""A running server and a real Chromium; tests are skipped where there is none."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.stores import fill_store

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
START_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_healthy(url):
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts the app on a store and returns its address."""
    servers = []

    def start(root):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        log = (tmp_path / f"server-{port}.log").open("wb")
        environment = {**os.environ, "UNLEARN_CACHE": str(root)}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        servers.append((server, log))
        end = time.monotonic() + START_SECONDS
        while not is_healthy(url):
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"The server did not start: {Path(log.name).read_text()}")
            time.sleep(0.1)
        return url

    yield start
    for server, log in servers:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


@pytest.fixture
def app_url(serve, tmp_path):
    """Start the app on the shipped runs and return its address."""
    return serve(fill_store(tmp_path / "filled"))


@pytest.fixture
def all_url(serve, tmp_path):
    """Start the app on all shipped runs, of which clothes open first."""
    (tmp_path / "all").mkdir()
    return serve(fill_store(tmp_path / "all", None))


@pytest.fixture
def two_url(serve, tmp_path, comparison):
    """Start the app on the shipped runs, whose lesson is the default, and the tiny comparison."""
    root = fill_store(tmp_path / "two")
    (root / "runs").symlink_to(comparison.store.runs)
    return serve(root)


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
