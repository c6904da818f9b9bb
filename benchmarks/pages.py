"""What a page costs: the server's time, bytes on the wire, and time until nothing changes any more.

A real Chromium switches to every page and then does on some of them what a person does: chooses,
draws a loop on six maps of 4,000 points, asks for other seeds.  Goals: a page within 1 s, a
selection within 0.5 s.  It needs playwright and Chromium, and runs on what ships with the project.

The server's time is from the browser's request to the end of the script, as the websocket tells.
A page has settled with its last change: nothing in it changes for a second after.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, Response, WebSocket, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # noqa: TID251 - what is on the wire
from timing import hardware

from tests.browser.server import CHROMIUM, ROOT, SWITCHES, served

QUIET, LONGEST = 1.0, 60.0  # seconds
GOALS = {"page": 1.0, "selection": 0.5}  # seconds until it has settled
WATCH = """() => {
  globalThis.lastChange = performance.now();
  new MutationObserver(() => (globalThis.lastChange = performance.now())).observe(
    document.documentElement, { subtree: true, childList: true, attributes: true });
}"""
LOOP = """() => {
  const map = document.querySelector(".feature-map").featureMap;
  const stage = map.stage.getBoundingClientRect();
  const { left, top, width, height } = map.boxes[0];
  return { x: stage.left + left + width / 2, y: stage.top + top + height / 2, r: width / 3 };
}"""


@dataclass
class Wire:
    """What went over the wire since `clear`, in bytes, and when the server's script ran."""

    n_bytes: int = 0
    asked: float = 0.0
    finished: float = 0.0

    def clear(self) -> None:
        """Begin with another action."""
        self.n_bytes, self.asked, self.finished = 0, 0.0, 0.0

    def listen(self, socket: WebSocket) -> None:
        """Follow what goes over a connection to the server."""
        socket.on("framesent", self.sent)
        socket.on("framereceived", self.received)

    def sent(self, _: object) -> None:
        """Note when the browser first asked for something."""
        self.asked = self.asked or time.perf_counter()

    def answered(self, response: Response) -> None:
        """Count a file that was fetched."""
        self.n_bytes += int(response.headers.get("content-length", 0))

    def received(self, payload: bytes | str) -> None:
        """Count what the server sent, and note when its script had ended."""
        self.n_bytes += len(payload)
        if isinstance(payload, bytes):
            message = ForwardMsg.FromString(payload)
            if message.WhichOneof("type") == "script_finished":
                self.finished = time.perf_counter()

    @property
    def server_seconds(self) -> float:
        """From the first request to the end of the last script; 0 where none ran."""
        return max(self.finished - self.asked, 0.0) if self.asked else 0.0


@dataclass(frozen=True)
class Cost:
    """Seconds of the server, bytes, and seconds until nothing changed any more."""

    server: float
    n_bytes: int
    settled: float


@contextmanager
def shipped() -> Iterator[str]:
    """Start the app on the shipped runs and yield its address."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "demo").symlink_to(ROOT / "cache" / "demo")
        with served(Path(scratch), Path(scratch, "server.log")) as url:
            yield url


def measured(page: Page, wire: Wire, act: Callable[[], object]) -> Cost:
    """Return what one action costs."""
    wire.clear()
    page.evaluate("() => (globalThis.lastChange = performance.now())")
    begun = page.evaluate("() => performance.now()")
    act()
    end = time.perf_counter() + LONGEST
    while time.perf_counter() < end:
        page.wait_for_timeout(100)
        state = "() => [performance.now(), globalThis.lastChange]"
        now, last = page.evaluate(state)
        is_busy = page.locator("[data-test-script-state=running]").count()
        if now - last > 1000 * QUIET and not is_busy:
            return Cost(wire.server_seconds, wire.n_bytes, max(last - begun, 0.0) / 1000)
    raise SystemExit(f"A page had not settled after {LONGEST:.0f} s.")


def lasso(page: Page) -> None:
    """Draw a loop on the first map, up to where the button is let go."""
    place = page.evaluate(LOOP)
    x, y, r = place["x"], place["y"], place["r"]
    page.mouse.move(x + r, y)
    page.mouse.down()
    for dx, dy in ((0, 1), (-1, 0), (0, -1), (1, 0)):
        page.mouse.move(x + r * dx, y + r * dy, steps=3)


def to(page: Page, name: str) -> None:
    """Click a page's link in the sidebar."""
    page.locator("[data-testid=stSidebarNavLink]", has_text=name).first.click()


def interactions(page: Page) -> dict[str, tuple[str, Callable[[], object]]]:
    """Return what a person does, by name: the page where it is done, and how."""
    box = page.locator(".st-key-highlight input")
    return {
        "selection: a loop on six maps": ("Manifolds", page.mouse.up),
        "highlight on the maps": (
            "Manifolds",
            lambda: (box.click(), page.keyboard.press("ArrowDown"), page.keyboard.press("Enter")),
        ),
        "a verdict on Overview": (
            "Overview", lambda: page.locator(".st-key-verdict button").first.click(),
        ),
        "a method on Overview": ("Overview", lambda: page.locator(".strip button").nth(5).click()),
        "a quantity on Alignment": (
            "Alignment",
            lambda: page.locator(".st-key-probe [aria-checked=false]").first.click(),
        ),
        "a group on Metrics": (
            "Metrics", lambda: page.locator(".st-key-metric_groups button").nth(3).click(),
        ),
        "the next example on Samples": (
            "Samples", lambda: page.get_by_role("button", name="Next").click(),
        ),
    }  # fmt: skip


def told(name: str, costs: list[Cost]) -> str:
    """Return the medians of an action in one line, and whether they hold its goal."""
    server, settled = (
        statistics.median(getattr(cost, part) for cost in costs) for part in ("server", "settled")
    )
    n_bytes = statistics.median(cost.n_bytes for cost in costs)
    goal = GOALS.get(name.split(":")[0])
    missed = "" if goal is None or settled <= goal else f"  above {goal:g} s"
    return f"{name:42} {server:6.2f} s  {n_bytes / 1e3:9,.0f} kB  {settled:6.2f} s{missed}"


def main() -> None:
    """Print a line a page and interaction."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    if CHROMIUM is None:
        raise SystemExit("This needs Chromium.")
    print(f"{'':42} {'server':>8}  {'bytes':>12}  {'settled':>8}   medians, n={rounds}")
    with shipped() as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page, wire = browser.new_page(viewport={"width": 1280, "height": 720}), Wire()
        page.set_default_timeout(1000 * LONGEST)
        page.on("websocket", wire.listen)
        page.on("response", wire.answered)
        page.goto(url)
        page.locator("h1").first.wait_for()
        page.evaluate(WATCH)
        texts = page.locator("[data-testid=stSidebarNavLink]").all_inner_texts()
        names = [text.splitlines()[-1] for text in texts]
        visit(page, wire, names, rounds)
        act(page, wire, names[-1], rounds)
        browser.close()
    print(hardware())


def visit(page: Page, wire: Wire, names: Sequence[str], rounds: int) -> None:
    """Print what a switch to each page costs: the first, which fills the caches, and later ones."""
    to(page, names[-1])
    page.wait_for_timeout(3000)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names:
            cost = measured(page, wire, lambda name=name: to(page, name))  # type: ignore[misc]
            if number:
                costs[name].append(cost)
            else:
                print(told(f"first visit of {name}", [cost]), flush=True)
    for name in names:
        print(told(f"page: {name}", costs[name]), flush=True)


def act(page: Page, wire: Wire, away: str, rounds: int) -> None:
    """Print what each interaction costs, done on its page as it is at first."""
    for name, (place, do) in interactions(page).items():
        costs = []
        for _ in range(rounds):
            to(page, away)
            measured(page, wire, lambda place=place: to(page, place))  # type: ignore[misc]
            if name.startswith("selection"):
                clear = page.locator(".st-key-clear_selected button")
                if clear.count():  # what was selected before is kept from page to page
                    measured(page, wire, clear.click)
                page.locator(".map-stage").scroll_into_view_if_needed()
                lasso(page)
            costs.append(measured(page, wire, do))
        print(told(name, costs), flush=True)


if __name__ == "__main__":
    main()
