"""Every way from page to page in a real browser: the chosen comparison comes along."""

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlparse

import pytest

from tests.browser.test_launch import fill
from tests.browser.test_manifolds import SELECTED, lasso, middle_of_forget_set, wait_for_map
from unlearn_core.runs.status import write_status
from unlearn_core.runs.store import Store
from unlearn_core.views.wording import comparison_title

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *("", "unlearn", "runs"),
    *("manifolds", "alignment", "layers", "predictions", "samples", "draw", "grid", "gamma"),
    "incremental",
    *("metrics", "privacy", "bring_back", "backdoor", "fooling", "methods"),
]
LINKS = "[data-testid=stPageLink-NavLink]"
CHOICE = "[data-testid=stSidebar] [data-testid=stSelectbox] input"
EXCEPTION = "[data-testid=stException]"


def settled(page):
    """Wait until the page has been drawn to its end, and no further run of it has begun."""
    page.locator("h1").first.wait_for()
    page.locator(CHOICE).wait_for()
    for _ in range(2):
        page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState"
            " === 'notRunning'"
        )
        page.wait_for_timeout(500)


def opened(page, url, path, title):
    page.goto(f"{url}/{path}?{urlencode({'comparison': title})}")
    settled(page)


def chosen(page):
    """Return the comparison in the sidebar, and the one in the address."""
    in_address = parse_qs(urlparse(page.url).query).get("comparison", [None])[0]
    return page.locator(CHOICE).input_value(), in_address


def assert_kept(page, way, title):
    settled(page)
    assert page.locator(EXCEPTION).count() == 0, f"{way}: {page.locator(EXCEPTION).inner_text()}"
    assert chosen(page) == (title, title), way


def test_only_one_function_switches_pages_by_a_button():
    sources = (ROOT / "pages").rglob("*.py")
    found = [s.name for s in sources if re.search(r"st\.switch_page\(", s.read_text())]
    assert found == ["selectors.py"]  # the walk below knows the buttons that call it


@pytest.mark.slow
def test_the_navigation_keeps_the_chosen_comparison(two_url, page, comparison):
    title = comparison_title(comparison.config)
    opened(page, two_url, "", title)
    links = page.locator("[data-testid=stSidebarNavLink]")
    assert links.count() == len(PAGES)
    for number in [*range(1, len(PAGES)), 0]:
        links.nth(number).click()
        page.wait_for_url(re.compile(rf"{two_url}/{PAGES[number]}(\?|$)"))
        assert_kept(page, PAGES[number], title)


@pytest.mark.slow
def test_every_link_in_a_page_keeps_the_chosen_comparison(two_url, page, comparison):
    title, n_followed = comparison_title(comparison.config), 0
    for start in PAGES:
        opened(page, two_url, start, title)
        if start == "":  # what a page draws last may not be there yet
            page.locator(LINKS, has_text="All metrics").wait_for()
        n_links = page.locator(LINKS).count()
        for number in range(n_links):
            link = page.locator(LINKS).nth(number)
            target = link.get_attribute("href").rsplit("/", 1)[-1].split("?")[0]
            link.click()
            page.wait_for_url(re.compile(rf"{two_url}/{target}(\?|$)"))
            assert_kept(page, f"{start} -> {target}", title)
            n_followed += 1
            opened(page, two_url, start, title)
    assert n_followed >= 2  # all maps and all metrics


@pytest.mark.slow
@pytest.mark.parametrize("label", ["See the verdicts", "See the manifolds", "See the metrics"])
def test_the_buttons_after_a_launch_lead_to_what_was_launched(label, two_url, page):
    page.goto(f"{two_url}/unlearn")  # the sidebar has the lesson, in which a class is forgotten
    settled(page)
    page.get_by_text("Random examples", exact=True).click()
    fill(page, "How many", "64")
    settled(page)
    page.get_by_role("button", name=label).click()
    title = label.removeprefix("See the ").capitalize().replace("Verdicts", "What did the model")
    page.get_by_role("heading", name=title).first.wait_for()
    assert_kept(page, label, "Handwritten digits: forget 64 random examples (resnet18, width 8)")


@pytest.mark.slow
@pytest.mark.parametrize("label", ["See the verdicts", "See the metrics"])
def test_the_buttons_on_unlearn_replace_another_choice_while_a_run_is_watched(
    label, two_url, page, comparison, tmp_path
):
    own = Store(tmp_path / "two")
    wanted = replace(comparison.config, method="neggrad", settings={"epochs": 21})
    status = own.enqueue(wanted)
    write_status(own.work / status.key, replace(status, state="running", stage="unlearn", step=3))
    query = {"comparison": comparison_title(comparison.config), "dataset": "Handwritten digits"}
    with own.lock(status.key):
        page.goto(f"{two_url}/unlearn?{urlencode(query)}")
        page.get_by_role("button", name=label).wait_for()
        page.wait_for_timeout(2500)  # what is watched is drawn again and again
        page.get_by_role("button", name=label).click()
        title = {"See the verdicts": "What did the model", "See the metrics": "Metrics"}[label]
        page.get_by_role("heading", name=title).first.wait_for()
        settled(page)
        assert page.locator(CHOICE).input_value().startswith("Handwritten digits: forget class 3")


@pytest.mark.slow
@pytest.mark.parametrize("label", ["See the manifolds", "See the metrics"])
def test_the_buttons_on_unlearn_replace_another_choice(label, two_url, page, comparison):
    query = {"comparison": comparison_title(comparison.config), "dataset": "Handwritten digits"}
    page.goto(two_url)
    settled(page)
    page.goto(f"{two_url}/unlearn?{urlencode(query)}")  # a form about the lesson all the same
    settled(page)
    page.get_by_role("button", name=label).click()
    page.get_by_role("heading", name=label.removeprefix("See the ").capitalize()).first.wait_for()
    settled(page)
    assert page.locator(EXCEPTION).count() == 0
    assert chosen(page) == ("Handwritten digits: forget class 3 (resnet18, width 8)", None)


@pytest.mark.slow
def test_forget_exactly_these_keeps_the_comparison_beside_other_choices_in_the_address(
    two_url, page, comparison
):
    title = comparison_title(comparison.config)
    query = [("comparison", title), ("models", "Original"), ("models", "Retrained")]
    page.goto(f"{two_url}/manifolds?{urlencode([*query, ('highlight', 'Forget set')])}")
    wait_for_map(page)
    lasso(page, *middle_of_forget_set(page, 0), 60)
    page.wait_for_function(f"() => ({SELECTED})().length > 0")
    settled(page)
    ids, steps = page.evaluate(SELECTED), page.evaluate("history.length")
    page.get_by_role("button", name=re.compile("Forget exactly these")).click()
    page.get_by_role("heading", name="Unlearn").first.wait_for()
    assert_kept(page, "forget these", title)
    assert "highlight" not in page.url  # a choice of the other page alone
    assert page.evaluate("history.length") == steps + 1
    page.go_back()
    page.get_by_role("heading", name="Manifolds").first.wait_for()
    wait_for_map(page)
    assert_kept(page, "back", title)
    page.wait_for_function(f"() => ({SELECTED})().length === {len(ids)}")


@pytest.mark.slow
def test_each_page_is_one_step_of_the_history_and_each_choice_another(two_url, page, comparison):
    opened(page, two_url, "", comparison_title(comparison.config))
    steps = page.evaluate("history.length")
    for name in ("Metrics", "Samples"):
        page.get_by_role("link", name=name).first.click()
        page.get_by_role("heading", name=name).first.wait_for()
        settled(page)
        steps += 1
        assert page.evaluate("history.length") == steps, name
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("example="))
    settled(page)
    assert page.evaluate("history.length") == steps + 1
    page.go_back()
    settled(page)
    page.go_back()
    page.get_by_role("heading", name="Metrics").first.wait_for()
    assert_kept(page, "two steps back", comparison_title(comparison.config))
