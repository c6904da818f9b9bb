"""A grid in a real Chromium: launched from the form, watched, seen as lines, a part picked."""

import re

import pytest

from tests.browser.test_launch import PATIENCE, fill
from tests.browser.test_links import EXCEPTION, settled
from tests.stores import fill_store

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CLASS = "5"  # not the one that ships


def choose(page, label, option):
    """Choose from a list, which is opened once more where the page moved and closed it."""
    settled(page)
    field = page.get_by_role("combobox", name=label).first
    field.evaluate("(box) => box.scrollIntoView({ block: 'center', behavior: 'instant' })")
    offered = page.get_by_role("option", name=option, exact=True).first
    for _ in range(3):
        page.wait_for_timeout(500)
        field.click()
        page.wait_for_timeout(500)
        if offered.is_visible():
            break
        page.keyboard.press("Escape")
    offered.click()
    page.keyboard.press("Escape")


def cells(page):
    """Return the first column of the table, as its canvas tells screen readers."""
    return page.locator("[data-testid=stDataFrame] canvas [role=gridcell][aria-colindex='1']")


def test_a_grid_is_launched_from_the_form_and_its_lines_can_be_picked(serve, page, tmp_path):
    page.goto(f"{serve(fill_store(tmp_path / 'filled'))}/unlearn")
    launch = page.get_by_role("button", name="Launch")
    launch.wait_for(timeout=PATIENCE)
    page.get_by_text("Training recipe and seeds").click()
    fill(page, "Epochs", "2")
    fill(page, "Training examples", "200")
    fill(page, "Width", "4")
    page.get_by_role("button", name="None").click()
    page.get_by_text("No method is chosen").wait_for()
    page.get_by_text(re.compile(r"^NegGrad:")).first.click()
    form = page.locator("[class*='st-key-form_neggrad']")
    form.get_by_text("Settings").click()
    choose(page, "Try several values of", "Epochs")
    page.get_by_label("Values of epochs", exact=True).first.wait_for()
    choose(page, "Try several values of", "Learning rate")
    fill(page, "Values of epochs", "1, 3")
    fill(page, "Values of learning rate", "1e-4, 1e-2")
    page.get_by_text("4 combinations: 2 of learning rate, 2 of epochs").wait_for()
    page.get_by_text("7 runs to make.").wait_for()  # original trained and measured, retrained
    launch.click()
    page.get_by_text("learning rate 0.01, epochs 3").first.wait_for()
    page.get_by_text("Nothing is running").wait_for(timeout=PATIENCE)

    page.get_by_role("button", name="See what the settings do").click()
    page.get_by_role("heading", name="Settings tried").wait_for()
    settled(page)
    assert page.locator(EXCEPTION).count() == 0
    chart = page.locator(".st-key-grid .js-plotly-plot")
    chart.locator(".scatterlayer .trace").first.wait_for()
    assert chart.locator(".scatterlayer .trace .js-line").count() == 4
    page.get_by_text("4 combinations of learning rate and epochs").wait_for()
    assert cells(page).count() == 5  # and the retrained model

    choose(page, "Only lines with", "epochs 3")
    page.get_by_text("2 of 4 combinations").wait_for()
    assert "grid_only=epochs" in page.url
    page.reload()
    page.get_by_text("2 of 4 combinations").wait_for()  # a copied link opens the same view

    settled(page)
    ground = chart.locator(".nsewdrag").first.bounding_box()
    left, top = ground["x"] + 2, ground["y"] + 2
    # over the lower half of the first axis, where the smaller learning rate is
    page.mouse.move(left, top + 0.6 * ground["height"])
    page.mouse.down()
    page.mouse.move(left + 0.12 * ground["width"], top + 0.99 * ground["height"], steps=8)
    page.mouse.up()
    page.wait_for_function(
        '() => document.querySelectorAll("[data-testid=stDataFrame] canvas '
        "[role=gridcell][aria-colindex='1']\").length === 2"
    )
