"""The whole way in a real browser: launch on an empty store, watch, and find the result."""

import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 300_000  # milliseconds; the first job starts a worker, loads torch and compiles umap


def fill(page, label, value):
    field = page.get_by_label(label, exact=True).first
    field.fill(value)
    field.press("Enter")


def test_a_run_launched_on_an_empty_store_is_watched_and_found_in_the_table(serve, page, tmp_path):
    page.goto(serve(tmp_path / "empty"))
    page.get_by_role("link", name="Gamma ablation").wait_for()  # the app's own navigation is there
    page.get_by_role("link", name="Unlearn").first.click()
    launch = page.get_by_role("button", name="Launch")
    launch.wait_for(timeout=PATIENCE)  # the methods are listed in a process of their own
    page.get_by_text("Training recipe and seeds").click()
    fill(page, "Epochs", "2")
    fill(page, "Training examples", "200")
    fill(page, "Width", "4")
    page.get_by_role("button", name="None").click()
    page.get_by_text("No method is chosen").wait_for()  # a person sees the boxes empty, then ticks
    page.get_by_text(re.compile(r"^NegGrad:")).first.click()
    page.get_by_text("4 runs to make.").wait_for()
    launch.click()
    page.get_by_text("queued, place 1").first.wait_for()

    page.reload()  # a new session: what runs is known from disk
    page.get_by_role("button", name="Cancel").first.wait_for()
    page.get_by_text("Nothing is running").wait_for(timeout=PATIENCE)

    page.get_by_role("link", name="Metrics", exact=True).click()
    table = page.locator("table").first
    table.wait_for()
    assert {"Original", "Retrained", "NegGrad"} <= set(table.inner_text().split())
