"""Who may talk to the server, and to whom its pages talk."""

import base64
import socket
from urllib.parse import urlparse

import pytest

from tests.browser.server import CHROMIUM, SWITCHES
from tests.browser.test_links import PAGES, settled

pytestmark = pytest.mark.browser


def handshake(url, host):
    """Ask for the connection that drives the dashboard as a page of `host` would."""
    address = urlparse(url)
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}:{address.port}",
        f"Origin: http://{host}:{address.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    ]
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(connection.recv(1024).split()[1])


@pytest.mark.slow
def test_only_names_of_this_machine_may_open_the_dashboard(serve, tmp_path):
    url = serve(tmp_path / "empty")
    assert {host: handshake(url, host) for host in ("127.0.0.1", "localhost", "[::1]")} == {
        "127.0.0.1": 101,
        "localhost": 101,
        "[::1]": 101,
    }
    for host in ("rebound.example", "127.0.0.1.rebound.example", "192.168.0.7"):
        assert handshake(url, host) == 403, host


@pytest.mark.slow
def test_a_foreign_name_that_resolves_to_this_machine_sees_no_dashboard(serve, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    port = urlparse(serve(tmp_path / "empty")).port
    rule = "--host-resolver-rules=MAP rebound.example 127.0.0.1"
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES, rule])
        seen = {}
        for host in ("rebound.example", "localhost"):
            page = browser.new_page()
            page.goto(f"http://{host}:{port}")
            page.wait_for_timeout(8000)
            seen[host] = page.get_by_role("link", name="Unlearn").count() > 0
        browser.close()
    assert seen == {"rebound.example": False, "localhost": True}


@pytest.mark.slow
def test_a_visit_to_every_page_asks_no_other_server(app_url, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for name in PAGES:
        page.goto(f"{app_url}/{name}")
        settled(page)
        page.wait_for_timeout(500)
    foreign = [url for url in asked if not url.startswith((app_url, "data:", "blob:"))]
    assert asked
    assert not foreign
