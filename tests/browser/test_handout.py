"""The report to hand out: saved through the page, opened from disk with the network off."""

import re
from dataclasses import replace

import pytest

from tests.browser.test_links import settled
from tests.browser.test_manifolds import MAP, SELECTED, lasso, middle_of_forget_set, wait_for_map
from tests.conftest import ASKED, QUICK_MAPS
from unlearn_core.config import ForgetConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.engine.pipeline import execute
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.plan import run_configs
from unlearn_core.runs.report import report
from unlearn_core.views.handout.page import handout_html

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def saved(two_url, page, comparison, tmp_path):
    """Save the report of the comparison that is not the default through the page Metrics."""
    from urllib.parse import urlencode

    from unlearn_core.views.wording import comparison_title

    query = urlencode({"comparison": comparison_title(comparison.config)})
    page.goto(f"{two_url}/metrics?{query}")
    settled(page)
    with page.expect_download() as coming:
        page.get_by_role("button", name="Report to hand out").click()
    download = coming.value
    assert "200-examples-forget-class-3" in download.suggested_filename
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    assert 1_000_000 < path.stat().st_size < 10_000_000
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_report_opens_without_a_network_and_links_its_maps(saved, page, scheme):
    context = page.context.browser.new_context(
        viewport={"width": 1280, "height": 720}, offline=True, color_scheme=scheme
    )
    tab = context.new_page()
    told, asked = [], []
    tab.on("console", lambda message: message.type == "error" and told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(saved.as_uri())
    tab.wait_for_selector("html[data-ready]")
    wait_for_map(tab)
    n_maps = f"{MAP}.panels.length"
    assert tab.evaluate(n_maps) == 3

    lasso(tab, *middle_of_forget_set(tab, 0), 30)
    tab.wait_for_function(f"() => ({SELECTED})().length > 0")
    ids = tab.evaluate(SELECTED)
    tab.get_by_text(f"{len(ids)} selected").wait_for()
    rows = tab.locator("#selected tr")
    assert rows.count() == 1 + min(len(ids), 60)
    assert tab.locator("#selected .picture").first.is_visible()

    tab.get_by_label("Retrained", exact=True).uncheck()
    tab.wait_for_function(f"() => {n_maps} === 2")
    assert tab.evaluate(SELECTED) == ids  # the selection stays
    tab.get_by_role("button", name="Clear", exact=True).click()
    tab.wait_for_function(f"() => ({SELECTED})().length === 0")
    assert rows.count() == 0

    tab.get_by_label("Quantity").select_option("Acc(D_r)")
    tab.wait_for_function(
        "() => document.getElementById('curve').layout.yaxis.title.text === 'Acc(D<sub>r</sub>)'"
    )
    ground = "getComputedStyle(document.body).backgroundColor"
    before = tab.evaluate(ground)
    assert before == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 22, 20)"}[scheme]
    tab.get_by_role("button", name="Light or dark").click()
    assert tab.evaluate(ground) != before
    assert told == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)
    context.close()


def test_on_paper_is_what_is_unfolded_light_and_within_the_margins(saved, page):
    tab = page.context.browser.new_context(offline=True, color_scheme="dark").new_page()
    tab.goto(saved.as_uri())
    tab.wait_for_selector("html[data-ready]")
    folded = tab.locator("details:not([open])")
    n_folded = folded.count()
    assert 0 < n_folded < tab.locator("details").count()
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.wait_for_timeout(500)
    assert not any(part.is_visible() for part in folded.all())
    assert tab.locator("details[open] table").first.is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert all(part.is_visible() for part in folded.all())
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="Unfold or fold all").click()
    assert folded.count() == 0
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.wait_for_timeout(500)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    wide = "(e) => e.getBoundingClientRect().right"
    tables = [box.evaluate(wide) for box in tab.locator("table").all()]
    assert tables
    assert max(tables) <= 682
    drawn = "(e) => e.querySelectorAll('circle, path').length"
    maps = [each.evaluate(drawn) for each in tab.locator(".map-copy svg").all()]
    assert len(maps) > 1
    assert min(maps) > 100  # what lies on a canvas would not be printed
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator(".map-copy").count() == 0
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="Unfold or fold all").click()
    assert folded.count() == tab.locator("details").count()
    assert tab.pdf()[:4] == b"%PDF"


def test_a_report_of_texts_marks_the_word_of_the_request(page, tmp_path, store):
    asked = replace(ASKED, forget=ForgetConfig(kind="keyword", keyword="card"))
    for config in run_configs(asked, {"neggrad": {"epochs": 1}}):
        execute(config, store=store, device="cpu", projection=QUICK_MAPS)
    [comparison] = comparisons(store)
    dataset = load_dataset(asked.data)
    saved = tmp_path / "cards.html"
    sets = split(dataset, asked.forget)
    saved.write_text(handout_html(comparison, report(comparison), dataset, sets), "utf-8")
    tab = page.context.browser.new_context(
        viewport={"width": 1280, "height": 720}, offline=True
    ).new_page()
    tab.goto(saved.as_uri())
    tab.wait_for_selector("html[data-ready]")
    tiles = tab.locator(".mu-words")
    assert tiles.count() > 0
    for tile in tiles.all():
        assert {marked.lower() for marked in tile.locator("mark").all_inner_texts()} == {"card"}

    wait_for_map(tab)
    lasso(tab, *middle_of_forget_set(tab, 0), 60)
    tab.wait_for_function(f"() => ({SELECTED})().length > 0")
    rows = tab.locator("#selected tr td:first-child")
    tab.wait_for_function("() => document.querySelector('#selected mark')")
    for row in rows.all():
        words = re.findall(r"(?<!\w)card(?!\w)", row.inner_text(), re.IGNORECASE)
        assert row.locator("mark").all_inner_texts() == words
