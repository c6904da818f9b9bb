"""The lesson end to end in Chromium, on a comparison that is not the default."""

import re

import pytest

from tests.browser.test_links import EXCEPTION, settled
from tests.browser.test_overview import DIGITS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BAR = ".st-key-lesson_bar"
SIDEBAR = "[data-testid=stSidebar]"
TARGETS = [
    *(".feature-map[data-drawn]", ".mu-scroll", ".mu-scroll"),
    *(".st-key-history_dimensional_alignment", ".st-key-gamma", ".st-key-forget_kind"),
]
TITLES = ["Manifolds", "Metrics", "Fooling the metrics", "Alignment", "Gamma ablation", "Unlearn"]
UNDER_THE_BAR = """([target, bar]) => {
  const top = document.querySelector(target).getBoundingClientRect().top;
  const under = document.querySelector(bar).getBoundingClientRect();
  return under.top === 0 && top >= under.bottom && top < under.bottom + 60;
}"""


def at_stop(page, number, n_stops=6):
    """Wait until a stop is shown with what it speaks of under the bar."""
    page.locator(BAR).get_by_text(f"Step {number} of {n_stops}").wait_for()
    page.locator("h1", has_text=TITLES[number - 1]).first.wait_for()
    page.locator(TARGETS[number - 1]).first.wait_for()
    page.wait_for_function(UNDER_THE_BAR, arg=[TARGETS[number - 1], BAR])
    assert page.locator(EXCEPTION).count() == 0
    assert not page.locator(SIDEBAR).is_visible()
    assert f"lesson={number}" in page.url


WHOLE_IN_SIGHT = """(target) => {
  const { bottom } = document.querySelector(target).getBoundingClientRect();
  return bottom <= innerHeight;
}"""


def press(page, name):
    page.locator(BAR).get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_lesson_leads_to_each_stop_answers_survives_a_reload_and_ends(all_url, page, scheme):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{all_url}/?comparison={DIGITS}")
    settled(page)
    page.get_by_role("button", name="Lesson").click()
    for number in range(1, 7):
        at_stop(page, number)
        page.locator(BAR).get_by_text("Answer", exact=True).click()
        page.wait_for_function("() => location.search.includes('lesson_answer=')")
        page.locator(BAR).get_by_text(re.compile(r"\d")).nth(1).wait_for()
        if number == 1:  # the maps make room for the answer
            page.wait_for_function(WHOLE_IN_SIGHT, arg=".map-stage")
        if number == 3:
            page.reload()
            at_stop(page, number)
            page.locator(BAR).get_by_text("that can tell here").first.wait_for()
        if number < 6:
            press(page, "Next")
    assert page.locator(BAR).get_by_role("button", name="Next").is_disabled()
    press(page, "Back")
    at_stop(page, 5)
    press(page, "End")
    page.locator(BAR).wait_for(state="detached")
    page.locator(SIDEBAR).wait_for()
    settled(page)
    assert "lesson" not in page.url
    page.wait_for_function("() => !document.documentElement.style.getPropertyValue('--lesson-bar')")
    assert "comparison=" in page.url
    page.reload()
    settled(page)
    assert page.locator(BAR).count() == 0


def test_the_bar_stays_in_sight_while_a_page_is_scrolled(all_url, page):
    page.goto(f"{all_url}/metrics?comparison={DIGITS}&lesson=2")
    at_stop(page, 2)
    page.mouse.move(700, 600)
    page.mouse.wheel(0, 1200)
    page.wait_for_timeout(500)
    assert page.locator(BAR).bounding_box()["y"] == 0
