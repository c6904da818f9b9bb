"""A click on a picture itself, in Chromium: it opens the example, or ticks it in the gallery."""

import re

import pytest

from tests.browser.test_links import EXCEPTION, opened, settled
from unlearn_core.views.wording import comparison_title

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_picture_in_a_table_opens_its_example_in_the_same_comparison(two_url, page, comparison):
    opened(page, two_url, "predictions", comparison_title(comparison.config))
    table = page.locator(".st-key-cell_examples [data-testid=stDataFrame]")
    table.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = table.bounding_box()
    # the second row's: the first may be the one that Samples shows anyway, which no address names
    page.mouse.click(box["x"] + 35, box["y"] + 35 + 52 + 26)
    page.wait_for_url(re.compile(r"/samples\?.*example=\d+"))
    settled(page)
    assert page.locator(EXCEPTION).count() == 0
    assert comparison_title(comparison.config) in page.locator(
        ".st-key-comparison_title p"
    ).inner_text()  # fmt: skip


def test_a_click_on_a_picture_of_the_gallery_ticks_it_and_another_click_unticks_it(app_url, page):
    page.goto(f"{app_url}/unlearn")
    settled(page)
    page.get_by_text("Chosen examples", exact=True).click()
    settled(page)
    picture = page.locator("[class*=st-key-picked_] img").nth(4)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(*middle)
    page.get_by_text("1 chosen").wait_for()
    settled(page)
    page.mouse.click(*middle)
    page.get_by_text("Nothing is chosen yet").wait_for()
