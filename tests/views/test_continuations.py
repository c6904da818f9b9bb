"""Cards of what models write: what they share with the person's text stands out, all is escaped."""

import re

from unlearn_core.data.prompts import Prompt
from unlearn_core.views.continuations import cards_html, recipe_text, same_words

REST = "It is <far> away."


def cards(written):
    return re.findall(r"pre-wrap; margin-top: .3rem\">(.*?)</div>", cards_html(REST, written))


def test_each_model_has_a_card_behind_the_persons():
    page = cards_html(REST, {"Original": "It was.", "RFA & co": "No."})
    assert cards({"Original": "No.", "RFA": "It is"})[0] == "It is &lt;far&gt; away."
    assert re.findall(r"<(?:em|strong)>([^<]*)</(?:em|strong)><div", page) == [
        "What a person wrote", "Original", "RFA &amp; co",
    ]  # fmt: skip


def test_what_is_word_for_word_the_persons_is_bold():
    _, same, other, beginning = cards({"a": REST, "b": "Nobody <knows>.", "c": "It is nothing"})
    assert same == "<strong>It is &lt;far&gt; away.</strong>"
    assert other == "Nobody &lt;knows&gt;."
    assert beginning == "<strong>It is </strong>nothing"


def test_blanks_before_the_first_word_count_for_nothing():
    found = re.findall(r"margin-top: .3rem\">(.*?)</div>", cards_html(" It is.", {"a": "\n It is"}))
    assert found == ["It is.", "<strong>It is</strong>"]


def test_half_a_word_is_not_the_same():
    assert same_words("farther", "far") == ""
    assert same_words("so far", "so farther") == "so"
    assert same_words("so far, no", "so far. No") == "so far"


def test_a_model_that_writes_nothing_says_so():
    assert cards({"a": ""})[1] == "<em>Nothing: it ends the text.</em>"
    assert cards({"a": " \n"})[1] == "<em>Blanks alone.</em>"


def test_the_recipe_tells_how_much_is_written_at_most():
    prompt = Prompt(tokens=(1, 2), text="a", rest="b", n_tokens=17)
    assert recipe_text(prompt).startswith("At most 17 tokens")
