"""The choice of a comparison in real browsers: each goes on where it was, alone."""

import pytest

from tests.browser.test_links import chosen, opened, settled
from unlearn_core.views.wording import comparison_title

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSON = "Handwritten digits: forget class 3 (resnet18, width 8)"


def test_a_browser_keeps_its_last_choice_and_no_other_is_led_by_it(two_url, page, comparison):
    title = comparison_title(comparison.config)
    opened(page, two_url, "metrics", title)
    tab = page.context.new_page()  # the same browser, without a choice in the address
    tab.goto(f"{two_url}/metrics")
    settled(tab)
    assert chosen(tab) == (title, title)

    other = page.context.browser.new_page()
    other.goto(f"{two_url}/metrics")
    settled(other)
    assert chosen(other) == (LESSON, None)

    opened(page, two_url, "metrics", LESSON)  # the address wins, and is the new last choice
    assert chosen(page) == (LESSON, None)
    tab.goto(f"{two_url}/metrics")
    settled(tab)
    assert chosen(tab) == (LESSON, None)


def test_another_comparison_on_manifolds_comes_with_its_usual_models(two_url, page, comparison):
    page.goto(f"{two_url}/manifolds?models=Original&models=MUDA")
    settled(page)
    page.wait_for_selector(".feature-map[data-drawn]")
    page.locator("[data-testid=stSidebar] [data-testid=stSelectbox]").click()
    page.get_by_role("option", name=comparison_title(comparison.config)).click()
    settled(page)
    page.wait_for_function("() => !location.search.includes('models=')")
    panels = "() => document.querySelector('.feature-map').featureMap.panels.map((p) => p.label)"
    page.wait_for_function(f"() => ({panels})().length === 4")
    labels = page.evaluate(panels)
    assert labels[:2] == ["Original", "Retrained"]
