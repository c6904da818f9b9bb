"""The first screen in Chromium: all of it at 1280 by 720, on a comparison that opens by choice."""

import pytest

from tests.browser.test_links import EXCEPTION, opened, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DIGITS = "Handwritten digits: forget class 3 (resnet18, width 8)"
BOTTOM = """(selector) => Math.max(...[...document.querySelectorAll(selector)]
  .map((e) => e.getBoundingClientRect().bottom))"""
SCREEN = [".st-key-headline", ".strip button", ".mu-answers", ".st-key-small_maps .js-plotly-plot"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_answer_the_pictures_and_the_maps_are_on_the_first_screen(all_url, page, scheme):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme=scheme)
    for title in (None, DIGITS):  # the first is a new server's first visit
        if title:
            opened(page, all_url, "", title)
        else:
            page.goto(all_url)
            settled(page)
        page.locator(".st-key-small_maps .point").first.wait_for()
        width = page.locator("[data-testid=stSidebar]").bounding_box()["width"]
        assert width == 220
        for part in SCREEN:
            assert 0 < page.evaluate(BOTTOM, part) <= 720, part
        assert page.locator(".strip button").count() == 22
        assert page.evaluate("() => { const s = document.querySelector('.strip');"
                             " return s.scrollHeight - s.clientHeight }") <= 1  # fmt: skip


def test_a_click_on_a_line_shows_that_method_beside_the_references(all_url, page):
    opened(page, all_url, "", DIGITS)
    page.locator(".strip button", has_text="SCRUB").click()
    page.wait_for_function("() => location.search.includes('method=SCRUB')")
    settled(page)
    assert page.locator(EXCEPTION).count() == 0
    assert page.locator(".mu-answers tbody th").all_inner_texts()[-1].strip() == "SCRUB"
    chosen = page.locator(".strip button[aria-selected=true]")
    assert chosen.locator(".strip-name").inner_text() == "SCRUB"


def test_names_of_methods_can_be_read_on_a_narrow_screen(all_url, page):
    page.set_viewport_size({"width": 800, "height": 900})
    opened(page, all_url, "", DIGITS)
    for name in page.locator(".strip-name").all()[:3]:
        assert name.bounding_box()["width"] > 100
