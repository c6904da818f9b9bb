"""Texts in a real Chromium: seen on the overview, at a point of a map, whole, and gone on with."""

import re
from urllib.parse import urlencode

import pytest

from tests.browser.test_links import EXCEPTION, opened, settled
from tests.browser.test_manifolds import MAP, middle_of_forget_set, wait_for_map
from tests.stores import fill_store
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.views.excerpts import first_words
from unlearn_core.views.wording import comparison_title

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PERSON = "What a person wrote"
CARDS = f"""() => {{
    const cards = [...document.querySelectorAll("[data-testid=stHtml] em")]
        .find((title) => title.textContent === "{PERSON}").parentElement.parentElement.children;
    return Object.fromEntries([...cards].map(
        (card) => [card.firstChild.textContent, card.lastChild.textContent]));
}}"""


@pytest.fixture
def told(page):
    """Gather what the browser's console and the scripts of a page call errors.

    Streamlit looks for its own addresses below that of the page first, which are not there.
    """
    errors = []
    page.on(
        "console",
        lambda said: (
            said.type == "error" and "status of 404" not in said.text and errors.append(said.text)
        ),
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def beside_the_shipped(serve, root, made):
    """Start the app on the shipped runs, whose lesson is the default, and a comparison."""
    fill_store(root)
    (root / "runs").symlink_to(made.store.runs)
    return serve(root)


def test_questions_are_read_on_the_overview_the_maps_and_a_sample(
    serve, page, tmp_path, questions, told
):
    url = beside_the_shipped(serve, tmp_path / "questions", questions)
    title = comparison_title(questions.config)
    data = load_dataset(questions.config.data)
    forget = split(data, questions.config.forget).forget

    opened(page, url, "", title)
    words = page.locator(".mu-words").first.inner_text()
    assert any(data.texts[i][:20] in words for i in forget.nonzero()[0])

    page.goto(f"{url}/manifolds?{urlencode({'comparison': title})}")
    wait_for_map(page)
    x, y = middle_of_forget_set(page, 0)
    page.mouse.move(x - 40, y - 40)
    page.mouse.move(x, y, steps=8)
    page.locator(".map-card").wait_for(state="visible")
    at = page.evaluate(f"() => {MAP}.ids[{MAP}.hovered]")
    assert page.locator(".map-card .map-text").inner_text() == first_words(data.texts[at])
    page.mouse.click(x, y)
    page.wait_for_function(f"() => {MAP}.ids[{MAP}.pinned] === {at}")
    page.get_by_text("is pinned. Its neighbours:").wait_for()

    page.goto(f"{url}/samples?{urlencode({'comparison': title, 'example': at})}")
    settled(page)
    page.get_by_text(data.texts[at], exact=True).first.wait_for()
    page.get_by_role("heading", name="Nearest neighbours").wait_for()
    assert page.get_by_role("heading", name="What each model writes").count() == 0
    assert page.locator(EXCEPTION).count() == 0
    assert told == []


def test_language_models_write_after_a_question_side_by_side(
    serve, page, tmp_path, explained, monkeypatch, told
):
    monkeypatch.setenv("UNLEARN_DATA", str(explained.data))
    url = beside_the_shipped(serve, tmp_path / "explained", explained)
    texts = load_dataset(explained.config.data).texts
    title = comparison_title(explained.config, explained.runs["original"].class_names)
    page.goto(f"{url}/samples?{urlencode({'comparison': title, 'example': 7})}")
    person = page.get_by_text(PERSON)
    person.wait_for(timeout=180_000)  # a process of its own loads torch
    settled(page)
    first = page.evaluate(CARDS)
    labels = [explained.runs[name].label for name in ("original", "retrain", "neggrad", "rfa")]
    assert set(first) == {PERSON, *labels}
    assert first[PERSON] == texts[7].split("\n")[1]
    assert all(len(written) > 10 for written in first.values())

    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile(r"example=(?!7\b)\d+"))
    settled(page)
    second = page.evaluate(CARDS)
    assert second.keys() == first.keys()
    assert second[PERSON] != first[PERSON]
    assert page.locator(EXCEPTION).count() == 0
    assert told == []
