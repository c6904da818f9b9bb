"""Take the pictures of every page in `docs/screenshots`, in light and in dark.

They show what ships with the project::

    make screenshots                                          # all pages
    python docs/take_screenshots.py manifolds draw            # some
    python docs/take_screenshots.py backdoor --runs FOLDER --comparison TITLE    # of other runs

It needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.browser.server import CHROMIUM, ROOT, SWITCHES, served

PAGES = (  # in the order of the sidebar
    *("overview", "unlearn", "runs", "manifolds", "alignment", "layers", "predictions", "samples"),
    *("draw", "grid", "gamma", "incremental", "metrics", "privacy", "bring_back", "backdoor"),
    *("fooling", "methods"),
)
SHOWN = {  # else what opens first
    "draw": "Handwritten digits: forget class 3 (resnet18, width 8)",
    "backdoor": "Handwritten digits: forget the backdoor to class 7 (resnet18, width 8)",
}
SIZE = {"width": 1280, "height": 800}
STROKE = ((0.3, 0.2), (0.66, 0.22), (0.46, 0.46), (0.7, 0.6), (0.56, 0.8), (0.3, 0.78))  # a 3
COLOURS = 256


@contextmanager
def shipped(runs: Path | None) -> Iterator[str]:
    """Start the app on what ships, and on a folder of runs, and yield its address."""
    with tempfile.TemporaryDirectory() as store:
        Path(store, "demo").symlink_to(ROOT / "cache" / "demo")
        if runs is not None:
            Path(store, "runs").symlink_to(runs.resolve())
        with served(Path(store), Path(store, "server.log")) as url:
            yield url


def wait(page: Page) -> None:
    """Wait until the page is drawn to its end."""
    page.locator("h1").first.wait_for()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState"
        " === 'notRunning' && !document.querySelector('[data-testid=stSkeleton]')"
    )
    page.wait_for_timeout(3000)


def draw(page: Page) -> None:
    """Draw a three, and wait for the answers."""
    box = page.locator(".canvas canvas").first.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in STROKE]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()
    page.wait_for_timeout(8000)
    wait(page)


def take(page: Page, path: Path) -> None:
    """Write what the page shows, in few colours."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def main() -> None:
    """Take a picture of each page that is asked for, in both schemes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", metavar="page", help=f"of {', '.join(PAGES)}; or all")
    parser.add_argument("--runs", type=Path, help="a store's folder `runs`, beside what ships")
    parser.add_argument("--comparison", help="which one to show, as the sidebar names it")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "screenshots")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.pages) - set(PAGES)):
        parser.error(f"no page {unknown[0]!r}; there are {', '.join(PAGES)}")
    if CHROMIUM is None:
        raise SystemExit("This needs Chromium.")
    with shipped(asked.runs) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        for scheme in ("light", "dark"):
            page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()  # type: ignore[arg-type]
            page.set_default_timeout(120_000)
            for name in asked.pages or PAGES:
                title = asked.comparison or SHOWN.get(name)
                chosen = f"?{urlencode({'comparison': title})}" if title else ""
                page.goto(f"{url}/{'' if name == 'overview' else name}{chosen}")
                wait(page)
                if name == "draw":
                    draw(page)
                take(page, asked.to / scheme / f"{name}.png")
                print(f"{scheme}: {name}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
