"""Pages in the reader's theme: nothing black on black, and both themes are there to follow."""

import tomllib
from pathlib import Path

import pytest

from pages.components import charts
from tests.pages.reading import figures, opened
from unlearn_core.views.palette import ON_DARK

pytestmark = pytest.mark.page
ROOT = Path(__file__).resolve().parents[2]


def test_a_light_and_a_dark_theme_are_there_for_the_browser_to_choose():
    theme = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))["theme"]
    assert "base" not in theme  # it would make one of them the only one
    assert theme["light"]["chartCategoricalColors"] != theme["dark"]["chartCategoricalColors"]


@pytest.mark.parametrize("page", ["overview", "alignment"])
def test_on_a_dark_page_nothing_has_a_colour_that_cannot_be_seen(shipped_store, monkeypatch, page):
    assert '"#000000"' in str(figures(opened(page))).replace("'", '"')
    monkeypatch.setattr(charts, "is_dark", lambda: True)
    drawn = str(figures(opened(page)))
    assert not [colour for colour in ON_DARK if colour in drawn]


def test_map_component_is_given_the_colours_of_the_theme(monkeypatch):
    payload = {"colours": ["#000000", "#E69F00"], "outline": "#222222", "ids": {"bdata": "AAAA"}}
    assert charts.on_theme(payload) is payload
    monkeypatch.setattr(charts, "is_dark", lambda: True)
    assert charts.on_theme(payload) == {
        "colours": ["#FFFFFF", "#E69F00"],
        "outline": "#EEEEEE",
        "ids": {"bdata": "AAAA"},
    }


@pytest.mark.parametrize(
    "page", ["overview", "unlearn", "metrics", "methods", "fooling", "backdoor"]
)
def test_the_words_are_explained_on_every_page(shipped_store, page):
    popovers = opened(page).get("popover")
    [told] = [each for each in popovers if each.proto.popover.label == "Glossary"]
    text = "\n".join(each.value for each in told.markdown)
    for part in (
        "Examples to forget ($D_{f}$)**: training examples that the model must forget",
        "**pretends",
        "**DA($D_{f}$",
        "fits in with the others",
        "**Retrained**",
    ):
        assert part in text
