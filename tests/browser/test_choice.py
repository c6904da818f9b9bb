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


def test_the_chosen_comparison_can_be_read_in_full_in_its_box(two_url, page, comparison):
    page.set_viewport_size({"width": 1280, "height": 720})
    title = comparison_title(comparison.config)
    opened(page, two_url, "metrics", title)
    told = page.locator(".st-key-comparison_title p")
    assert told.inner_text() == title
    text, box = told.bounding_box(), page.locator(".st-key-comparison [role=group]").bounding_box()
    assert box["y"] <= text["y"]
    assert text["y"] + text["height"] <= box["y"] + box["height"] <= 720
    assert box["x"] <= text["x"]
    assert text["x"] + text["width"] <= box["x"] + box["width"] - 24  # beside the arrow


def test_a_reload_keeps_the_form_on_unlearn(two_url, page, comparison):
    opened(page, two_url, "unlearn", comparison_title(comparison.config))
    page.get_by_role("button", name="None", exact=True).click()
    settled(page)
    page.locator("label", has_text="MUDA").first.click()
    settled(page)
    page.wait_for_function("() => location.search.includes('form=')")
    page.reload()
    settled(page)
    page.locator("[data-testid=stCheckbox]").first.wait_for()
    assert page.locator("[data-testid=stCheckbox] input:checked").count() == 1


def test_launch_stays_in_sight_while_methods_are_chosen(two_url, page, comparison):
    opened(page, two_url, "unlearn", comparison_title(comparison.config))
    page.locator("label", has_text="Head-only finetune").first.scroll_into_view_if_needed()
    settled(page)
    box = page.get_by_role("button", name="Launch").bounding_box()
    assert 0 <= box["y"] < 300
    assert page.get_by_role("heading", name="1 · Data and model").bounding_box()["y"] < 0
