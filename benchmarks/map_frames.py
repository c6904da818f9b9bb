"""Zooming six maps of 20,000 points each, over plotly.js' scattergl with the same points.

Both are drawn by the same Chromium, one after the other, and zoom a little at every frame.  Where
there is no graphics processor, Chromium draws in software: then only the ratio says something.
"""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright
from plotly.offline import get_plotlyjs
from timing import hardware

from unlearn_core.seeding import numpy_stream
from unlearn_core.views.manifold.drawing import PANELS, script, style
from unlearn_core.views.manifold.payload import map_payload

POINTS, MAPS, SECONDS, ROUNDS = 20_000, 6, 4, 3
SWITCHES = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
FRAMES = """async ([seconds, step]) => {
    const zoom = new Function("share", step);
    let frames = 0;
    const start = performance.now();
    while (performance.now() - start < 1000 * seconds) {
        await zoom(1 - 0.5 * (performance.now() - start) / (1000 * seconds));
        await new Promise(requestAnimationFrame);
        frames += 1;
    }
    return frames / ((performance.now() - start) / 1000);
}"""
OURS = """const camera = globalThis.map.cameras[0];
camera.zoom = 1 / share;
globalThis.map.render();
globalThis.map.cloud.gl.finish();"""
PLOTLYS = """const changes = {};
for (let i = 1; i <= 6; i += 1) {
    const name = i > 1 ? String(i) : "";
    changes[`xaxis${name}.range`] = [-4 * share, 4 * share];
    changes[`yaxis${name}.range`] = [-4 * share, 4 * share];
}
return Plotly.relayout("plot", changes);"""


def payload() -> dict[str, Any]:
    """Return what the map component is sent: six maps of ten clusters."""
    random = numpy_stream(0, "benchmark")
    labels = random.integers(0, 10, POINTS)
    centres = 2 * random.normal(size=(10, 2))
    parts = []
    for number in range(MAPS):
        places = centres[labels] + 0.3 * random.normal(size=(POINTS, 2))
        part = pd.DataFrame(places.astype(np.float32), columns=["x", "y"])
        is_forget = np.arange(POINTS) % 10 == 0
        parts.append(
            part.assign(
                run=str(number), example_id=np.arange(POINTS), label=labels, prediction=labels,
                set=np.where(is_forget, "forget", "retain"), probability=np.float32(0.9),
                state="other",
            )
        )  # fmt: skip
    runs = [{"key": str(i), "label": f"Map {i}", "verdict": "matched"} for i in range(MAPS)]
    points = pd.concat(parts, ignore_index=True)
    return map_payload(points, runs, [str(label) for label in range(10)])


def ours(page: Page, content: dict[str, Any]) -> None:
    """Open a page with the maps as this program draws them."""
    page.set_content('<div id="host" style="width:1200px"><div class="feature-map"></div></div>')
    page.add_style_tag(content=style())
    page.add_script_tag(
        type="module",
        content=script(PANELS).replace("export default function", "globalThis.show = function"),
    )
    page.wait_for_function("() => globalThis.show")
    page.evaluate(
        """(map) => {
            const parentElement = document.getElementById("host");
            const selection = { ids: [], version: 1 };
            const data = { map, selection, pin: { id: null, neighbours: {} } };
            globalThis.show({ data, parentElement, setStateValue: () => {} });
            globalThis.map = parentElement.firstChild.featureMap;
        }""",
        content,
    )
    page.wait_for_selector(".feature-map[data-drawn]")


def plotlys(page: Page, content: dict[str, Any]) -> None:
    """Open a page with the same points in six subplots of plotly.js."""
    page.set_content('<div id="plot"></div>')
    page.add_script_tag(content=get_plotlyjs())
    page.evaluate(
        """(content) => {
            const floats = ({ bdata }) => new Float32Array(
                Uint8Array.from(atob(bdata), (letter) => letter.charCodeAt(0)).buffer);
            const layout = { width: 1200, height: 900, showlegend: false,
                grid: { rows: 2, columns: 3, pattern: "independent" } };
            const traces = content.panels.map((panel, i) => ({
                type: "scattergl", mode: "markers", marker: { size: 4, opacity: 0.8 },
                x: floats(panel.x), y: floats(panel.y), hoverinfo: "none",
                xaxis: i ? `x${i + 1}` : "x", yaxis: i ? `y${i + 1}` : "y" }));
            return Plotly.newPlot("plot", traces, layout);
        }""",
        content,
    )


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is not installed, and nothing else can draw the maps here.")
        return
    content = json.loads(json.dumps(payload()))
    rates: dict[str, list[float]] = {"ours": [], "plotly.js": []}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=SWITCHES)
        for _ in range(ROUNDS):
            for name, open_page, step in (("ours", ours, OURS), ("plotly.js", plotlys, PLOTLYS)):
                page = browser.new_page(viewport={"width": 1280, "height": 960})
                open_page(page, content)
                rates[name].append(page.evaluate(FRAMES, [SECONDS, step]))
                page.close()
        version = browser.version
        browser.close()
    print(hardware())
    print(f"Chromium {version}, {MAPS} maps of {POINTS:,} points, zooming for {SECONDS} s")
    for name, found in rates.items():
        print(f"{name}: {np.median(found):.1f} frames a second (median of {len(found)})")
    ratios = [a / b for a, b in zip(*rates.values(), strict=True)]
    print(f"ratio: {np.median(ratios):.1f}")


if __name__ == "__main__":
    main()
