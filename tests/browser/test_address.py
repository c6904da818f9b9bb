"""A copied link opens the same view in another browser: every choice of every page, in Chromium."""

import pytest

from tests.browser.test_links import EXCEPTION, PAGES, opened, settled
from tests.browser.test_manifolds import (
    CAMERA,
    MAP,
    SELECTED,
    lasso,
    middle_of_forget_set,
    open_maps,
    wait_for_map,
)
from unlearn_core.views.wording import comparison_title

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KINDS = {
    "stButtonGroup": "group",
    "stSelectbox": "select",
    "stMultiSelect": "multi",
    "stNumberInput": "number",
    "stSlider": "slider",
    "stCheckbox": "toggle",
    "stTextInput": "text",
}
# what each keyed choice in the page's main part shows, by key
STATE = """(kinds) => {
  const found = {};
  for (const [test, kind] of Object.entries(kinds)) {
    for (const box of document.querySelectorAll(`[data-testid=stMain] [data-testid=${test}]`)) {
      const holder = box.closest('[class*="st-key-"]');
      const key = [...(holder?.classList ?? [])].find((name) => name.startsWith("st-key-"));
      if (!key) continue;
      const input = box.querySelector("input");
      const value = {
        group: () => [...box.querySelectorAll("button")]
          .filter((b) => [b.getAttribute("aria-checked"), b.getAttribute("aria-pressed")]
            .includes("true") || /Active/.test(b.getAttribute("kind") ?? "")
            || /Active/.test(b.dataset.testid ?? ""))
          .map((b) => b.innerText.replace(/ \\d+$/, "")).join("|"),
        select: () => input.value || box.innerText,
        multi: () => [...box.querySelectorAll("[data-tag], [data-baseweb=tag]")]
          .map((tag) => tag.innerText.trim()).join("|"),
        number: () => input.value,
        slider: () => box.querySelector("[role=slider], input[type=range]")
          ?.getAttribute("aria-valuenow")
          ?? box.querySelector("input[type=range]")?.value,
        toggle: () => String(input.checked),
        text: () => input.value,
      }[kind]();
      found[key.slice("st-key-".length)] = [kind, value];
    }
  }
  return found;
}"""


NO_VIEW = {"selection_name"}  # what is typed for keeping, and shows nothing


def state(page):
    found = page.evaluate(STATE, KINDS)
    return {key: value for key, value in found.items() if key not in NO_VIEW}


def change(page, key, kind):
    """Choose something else, as a person would."""
    box = page.locator(f"[data-testid=stMain] .st-key-{key}").first
    box.scroll_into_view_if_needed()
    if kind == "group":
        buttons = box.locator("button")
        chosen = [i for i in range(buttons.count()) if _is_on(buttons.nth(i))]
        other = next((i for i in range(buttons.count()) if i not in chosen), None)
        if other is not None:
            buttons.nth(other).click()
    elif kind == "select":
        box.locator("input").click()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    elif kind == "multi":
        box.locator("input").click()
        page.keyboard.press("Backspace")
        page.keyboard.press("Escape")
    elif kind == "number":
        box.locator("input").press("ArrowUp")
        box.locator("input").press("Enter")
    elif kind == "slider":
        box.locator("[role=slider], input[type=range]").first.press("ArrowRight")
    elif kind == "toggle":
        box.locator("label").first.click()
    else:
        box.locator("input").fill("neggrad")
        box.locator("input").press("Enter")


def _is_on(button):
    names = ("aria-checked", "aria-pressed", "kind", "data-testid")
    return any(
        text == "true" or "Active" in text for text in map(button.get_attribute, names) if text
    )


def steady(page):
    """Return the state of the page once nothing of it changes, fragments included."""
    found = None
    for _ in range(20):
        settled(page)
        before, found = found, state(page)
        if found == before:
            return found
    raise AssertionError("the page does not come to rest")


def elsewhere(page, link):
    """Open a link in another browser, which shares nothing with this one."""
    tab = page.context.browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    tab.goto(link)
    settled(tab)
    assert tab.locator(EXCEPTION).count() == 0, link
    return tab


@pytest.mark.parametrize("name", [name for name in PAGES if name != "unlearn"])
def test_a_copied_link_opens_the_same_view(two_url, page, comparison, name):
    opened(page, two_url, name, comparison_title(comparison.config))
    before = steady(page)
    for key, (kind, _) in before.items():
        if page.locator(f"[data-testid=stMain] .st-key-{key}").count():
            change(page, key, kind)
            settled(page)
    wanted = steady(page)
    tab = elsewhere(page, page.url)
    found = steady(tab)
    assert found == wanted, {k: (found.get(k), wanted.get(k)) for k in {*found, *wanted}}
    if before:
        assert wanted != before, "nothing could be chosen"
    tab.context.close()


def test_a_copied_link_opens_the_form_of_unlearn_as_it_was(two_url, page, comparison):
    opened(page, two_url, "unlearn", comparison_title(comparison.config))
    page.get_by_role("button", name="None", exact=True).click()
    settled(page)
    page.locator("label", has_text="MUDA").first.click()
    settled(page)
    page.wait_for_function("() => location.search.includes('form=')")
    tab = elsewhere(page, page.url)
    tab.locator("[data-testid=stCheckbox]").first.wait_for()
    assert tab.locator("[data-testid=stCheckbox] input:checked").count() == 1
    tab.context.close()


def test_a_copied_link_shows_what_is_selected_pinned_alone_and_where_the_camera_is(app_url, page):
    open_maps(page, app_url)
    x, y = middle_of_forget_set(page, 1)
    lasso(page, x, y, 30)
    page.wait_for_function("() => location.search.includes('picked=')")
    page.mouse.click(x, y)
    page.wait_for_function("() => location.search.includes('pin=')")
    page.get_by_text("is pinned. Its neighbours:").wait_for()
    page.get_by_role("button", name="Class 4:").click()
    page.keyboard.down("Control")
    page.mouse.move(x, y)
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function("() => location.search.includes('camera=')")
    page.locator("[data-testid=stMain] .st-key-colour input").first.click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # another choice of the page does not take it away
    steady(page)
    page.wait_for_function("() => location.search.includes('camera=')")
    shown = f"() => [({SELECTED})(), {MAP}.ids[{MAP}.pinned], [...{MAP}.alone], {MAP}.data.colour]"
    wanted, camera = page.evaluate(shown), page.evaluate(CAMERA)
    assert wanted[0]
    assert wanted[2] == [4]
    assert camera[2] > 1
    tab = elsewhere(page, page.url)
    wait_for_map(tab)
    assert tab.evaluate(shown) == wanted
    assert tab.evaluate(CAMERA) == pytest.approx(camera, rel=1e-3)
    tab.get_by_text("is pinned. Its neighbours:").wait_for()
    tab.keyboard.press("Escape")
    tab.context.close()


def test_a_large_selection_makes_a_link_that_is_short_enough_to_be_passed_on(app_url, page):
    open_maps(page, app_url)
    page.evaluate(f"() => {MAP}.choose('replace', [...{MAP}.ids].filter((id) => id % 3))")
    page.wait_for_function("() => location.search.includes('picked=_')")
    wanted = page.evaluate(SELECTED)
    assert len(wanted) > 1000
    assert len(page.url) < 2000
    tab = elsewhere(page, page.url)
    wait_for_map(tab)
    assert tab.evaluate(SELECTED) == wanted
    tab.context.close()


def test_a_link_with_a_wrong_selection_selects_nothing(app_url, page):
    open_maps(page, app_url, picked="5..z!", pin="999999", only="77,x", camera="1;;no")
    settled(page)
    assert page.locator(EXCEPTION).count() == 0
    assert page.evaluate(f"() => [({SELECTED})(), {MAP}.pinned, [...{MAP}.alone]]") == [
        [],
        None,
        [],
    ]
