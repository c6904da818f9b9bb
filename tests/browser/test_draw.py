"""Drawing with the mouse in Chromium, on a comparison that is not the default."""

import pytest

from tests.browser.test_links import EXCEPTION, opened, settled
from unlearn_core.views.wording import comparison_title

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOARD = ".canvas canvas"
HINT = "Draw or upload something"
CHART = ".st-key-own_probabilities .js-plotly-plot"


def stroke(page, *points):
    """Draw a line through points given in shares of the board's sides."""
    box = page.locator(BOARD).bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def test_a_drawn_digit_is_answered_stroke_by_stroke_and_cleared(two_url, page, comparison):
    opened(page, two_url, "draw", comparison_title(comparison.config))
    page.get_by_text(HINT).wait_for()
    stroke(page, (0.5, 0.1), (0.5, 0.9))
    page.locator(CHART).wait_for()
    settled(page)
    first = page.locator(CHART).inner_text()
    stroke(page, (0.2, 0.1), (0.8, 0.1), (0.8, 0.9), (0.2, 0.9), (0.2, 0.1))
    page.wait_for_function(
        "([chart, before]) => document.querySelector(chart)?.innerText !== before",
        arg=[CHART, first],
    )
    assert page.locator(EXCEPTION).count() == 0
    assert page.get_by_text("What it resembles").count() == 1
    page.locator(".canvas-tools").get_by_role("button", name="Clear").click()
    page.get_by_text(HINT).wait_for()
