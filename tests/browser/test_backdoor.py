"""The page on backdoors, from a comparison that is not the default, in a real Chromium."""

import shutil

import pytest

from tests.browser.test_links import EXCEPTION, assert_kept, opened, settled
from tests.stores import fill_store
from unlearn_core.views.wording import comparison_title

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OTHER = "Handwritten digits: forget 64 random examples (resnet18, width 8)"


@pytest.fixture
def attacked_url(serve, tmp_path, planted):
    """Start the app on the shipped runs, whose lesson is the default, and the tiny backdoor."""
    root = fill_store(tmp_path / "attacked")
    shutil.copytree(planted.store.runs, root / "runs")
    return serve(root)


def lead_to_unlearn(page, button, title):
    page.get_by_role("button", name=button).click()
    page.get_by_role("heading", name="Unlearn").first.wait_for()
    assert_kept(page, button, title)
    return page.get_by_role("combobox", name="The attacker's class")


def test_a_backdoor_is_found_planted_and_planted_anew(attacked_url, page, planted):
    title = comparison_title(planted.config)
    opened(page, attacked_url, "backdoor", OTHER)
    assert lead_to_unlearn(page, "Plant a backdoor", OTHER).input_value() == "0"

    page.get_by_role("link", name="Backdoor").click()
    page.wait_for_url("**/backdoor*")
    settled(page)
    page.get_by_role("button", name=title).click()
    page.locator(".js-plotly-plot .barlayer").first.wait_for()
    assert_kept(page, "the comparison with a backdoor", title)
    for picture in page.locator(".mu-trigger img").all():
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    whole = page.locator(".mu-trigger div").nth(1).bounding_box()
    frame = page.locator(".mu-trigger span").first.bounding_box()
    assert frame["x"] + frame["width"] <= whole["x"] + whole["width"] + 1
    assert frame["width"] == pytest.approx(whole["width"] / 4, abs=2)  # 2 of 8 pixels

    assert lead_to_unlearn(page, "Plant another", title).input_value() == "1"


def test_the_answer_is_on_the_first_screen(attacked_url, page, planted):
    page.set_viewport_size({"width": 1280, "height": 720})
    opened(page, attacked_url, "backdoor", comparison_title(planted.config))
    assert page.locator(EXCEPTION).count() == 0
    for part in (".mu-trigger", ".js-plotly-plot"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= 720, part
