"""The maps in a real Chromium: what only a mouse and WebGL can show."""

import math

import pytest

pytestmark = pytest.mark.browser

PLACES = """panel => {
    const map = document.querySelector(".feature-map").featureMap;
    const box = map.plot.getBoundingClientRect();
    const suffix = panel ? String(panel + 1) : "";
    const across = map.plot._fullLayout["xaxis" + suffix];
    const up = map.plot._fullLayout["yaxis" + suffix];
    return Array.from(map.ids, (id, i) => ({
        id, isForget: map.data.forget_sets[map.sets[i]],
        x: box.left + across._offset + across.l2p(map.panels[panel].x[i]),
        y: box.top + up._offset + up.l2p(map.panels[panel].y[i]),
    }));
}"""
SELECTED = """() => {
    const map = document.querySelector(".feature-map")?.featureMap;
    if (!map?.plot.data) return [[]];
    return map.panels.map((_, panel) => map.traces.flatMap((trace, i) =>
        trace.panel === panel
            ? (map.plot.data[i].selectedpoints ?? []).map((p) => map.ids[trace.positions[p]])
            : []).sort((a, b) => a - b));
}"""
RANGE = "() => document.querySelector('.feature-map-plot')._fullLayout.xaxis2.range"


def open_maps(page, url):
    page.goto(url)
    page.get_by_role("link", name="Manifolds").click()
    page.wait_for_selector(".feature-map[data-drawn]")
    page.locator(".feature-map-plot").scroll_into_view_if_needed()
    page.wait_for_timeout(500)


def lasso(page, x, y, radius):
    page.mouse.move(x + radius, y)
    page.mouse.down()
    for degrees in range(0, 361, 20):
        angle = math.radians(degrees)
        page.mouse.move(x + radius * math.cos(angle), y + radius * math.sin(angle), steps=2)
    page.mouse.up()


def middle_of_forget_set(page, panel):
    places = [p for p in page.evaluate(PLACES, panel) if p["isForget"]]
    middle = sorted(places, key=lambda p: p["x"])[len(places) // 2]
    return middle["x"], middle["y"]


def test_a_lasso_selects_the_same_examples_in_every_map_and_takes_them_to_unlearn(page, app_url):
    open_maps(page, app_url)
    lasso(page, *middle_of_forget_set(page, 0), 30)
    page.wait_for_function(f"() => ({SELECTED})()[0].length > 0")
    panels = page.evaluate(SELECTED)
    assert len(panels) >= 2
    assert all(ids == panels[0] for ids in panels)
    page.get_by_text(f"{len(panels[0])} selected:").wait_for()
    page.get_by_test_id("stDataFrame").first.wait_for()
    page.get_by_role("button", name="Forget exactly these").click()
    page.get_by_role("heading", name="Unlearn").first.wait_for()
    page.wait_for_selector(".feature-map", state="detached")
    page.get_by_role("link", name="Manifolds").click()
    page.wait_for_selector(".feature-map[data-drawn]")
    page.wait_for_function(f"() => ({SELECTED})()[0].length === {len(panels[0])}")
    page.get_by_role("button", name="Clear selection").click()
    page.wait_for_function(f"() => ({SELECTED})().every((ids) => !ids.length)")


def test_hovering_shows_the_picture_and_the_prediction(page, app_url):
    open_maps(page, app_url)
    x, y = middle_of_forget_set(page, 1)
    page.mouse.move(x - 40, y - 40)
    page.mouse.move(x, y, steps=8)
    tip = page.locator(".feature-map-tip")
    tip.wait_for(state="visible")
    assert "true class" in tip.inner_text()
    assert "Retrained" in tip.inner_text()
    page.wait_for_function(
        "() => document.querySelector('.feature-map-picture')"
        "?.style.backgroundImage.includes('data:image/png')"
    )


def test_zoom_is_linked_and_survives_another_highlight(page, app_url):
    open_maps(page, app_url)
    whole = page.evaluate(RANGE)
    page.locator(".feature-map-plot [data-title='Zoom']").click()
    x, y = middle_of_forget_set(page, 0)
    page.mouse.move(x - 40, y - 40)
    page.mouse.down()
    page.mouse.move(x + 40, y + 40, steps=8)
    page.mouse.up()
    page.wait_for_function(f"() => ({RANGE})()[0] > {whole[0]}")  # drawn in the first map
    page.wait_for_timeout(500)
    zoomed = page.evaluate(RANGE)
    drawn = page.locator(".feature-map").get_attribute("data-drawn")
    page.get_by_text("Still recognised", exact=True).first.click()
    page.wait_for_function(
        f"() => document.querySelector('.feature-map').dataset.drawn !== '{drawn}'"
    )
    assert page.evaluate(RANGE) == pytest.approx(zoomed)
