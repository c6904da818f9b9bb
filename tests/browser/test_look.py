"""What fits: titles near the top, nothing cut off, and a clicked cell that opens, in Chromium."""

import pytest

from tests.browser.test_links import CHOICE, EXCEPTION, PAGES, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = [(1280, 720), (800, 720), (853, 480)]  # the last is 1280 by 720 at 150 %
TEXT = "[data-testid=stMetricLabel] p, [data-testid=stMetricValue] div, [role=radiogroup] button p"
CUT_OFF = """(text) => [...document.querySelectorAll(text)]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow !== "visible"
    || e.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map((e) => e.textContent)"""


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_titles_stand_near_the_top_and_nothing_is_cut_off(app_url, page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for path in PAGES:
        page.goto(f"{app_url}/{path}")
        settled(page)
        assert page.locator(EXCEPTION).count() == 0, path
        page.wait_for_function("() => document.querySelector('h1').getBoundingClientRect().y < 60")
        assert page.evaluate(CUT_OFF, TEXT) == [], path


def test_a_dark_browser_gets_dark_pages_with_charts_to_be_seen(app_url, page):
    page.emulate_media(color_scheme="dark")
    page.goto(app_url)
    settled(page)
    ground = page.evaluate(
        "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert max(int(part) for part in ground[4:-1].split(",")[:3]) < 64
    page.locator(".js-plotly-plot .point").first.wait_for()
    black = "path[style*='rgb(0, 0, 0)'].point"
    assert page.locator(black).count() == 0


def test_charts_follow_a_system_that_turns_dark_while_a_page_is_open(app_url, page):
    page.emulate_media(color_scheme="light")
    page.goto(f"{app_url}/predictions")
    settled(page)
    ink = "() => document.querySelector('.js-plotly-plot .textpoint text').style.fill"
    page.locator(".js-plotly-plot .textpoint text").first.wait_for()
    assert page.evaluate(ink) == "rgb(34, 34, 34)"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({ink})() === 'rgb(238, 238, 238)'")


def test_a_clicked_cell_opens_its_images(app_url, page):
    page.goto(f"{app_url}/predictions")
    settled(page)
    page.get_by_text("Original", exact=True).first.wait_for()
    cell = page.locator(".js-plotly-plot").first.locator(".points path.point").nth(3)
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("() => location.search.includes('answered_class=3')")
    settled(page)
    assert "matrix_model=Original" in page.url
    assert page.get_by_text("answers 3 to", exact=False).count() >= 1
    page.wait_for_function(
        """() => {
            const { top, bottom } = document.querySelector(".st-key-opened_cell")
              .getBoundingClientRect();
            return top >= 0 && bottom <= innerHeight;
        }"""
    )


def test_the_list_of_comparisons_can_be_read_to_its_end(all_url, page):
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{all_url}/methods")
    settled(page)
    page.locator(CHOICE).click()
    options = page.get_by_role("option")
    options.first.wait_for()
    assert options.count() > 5
    cut = "(e) => [...e.querySelectorAll('*')].some((x) => x.scrollWidth > x.clientWidth)"
    assert not [option.inner_text() for option in options.all() if option.evaluate(cut)]
    title = page.locator(".st-key-comparison_title")
    assert title.evaluate("(e) => getComputedStyle(e).opacity") == "0"  # the box's own text shows


def test_numbers_stay_in_their_cards_on_a_narrow_screen(app_url, page):
    page.set_viewport_size({"width": 800, "height": 720})
    page.goto(app_url)
    settled(page)
    tables = page.locator(".mu-numbers")
    tables.first.wait_for()
    beyond = """(e) => e.getBoundingClientRect().right
        - e.closest("[data-testid=stColumn]").getBoundingClientRect().right"""
    assert all(table.evaluate(beyond) <= 0 for table in tables.all())
