import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_core.views import excerpts

LATE = "We came home and found that nothing had been done, and " * 5 + "the atm was gone."


def test_an_excerpt_shows_the_word_and_what_stands_around_it():
    assert "atm" not in excerpts.excerpt(LATE)
    shown = excerpts.excerpt(LATE, "ATM")
    assert shown.startswith("…")
    assert shown.endswith("the atm was gone.")
    assert len(shown) <= excerpts.MOST_LETTERS


@given(st.text(max_size=400), st.sampled_from(["", "a", "is", "(", "atm"]), st.integers(20, 300))
def test_an_excerpt_is_never_longer_than_it_may_be_and_pieces_join_again(text, word, most):
    assert len(excerpts.excerpt(text, word, most)) <= most
    assert "".join(excerpts.pieces(text, word)) == text


def test_an_excerpt_never_loses_a_word_that_fits():
    for before in range(0, 600, 7):
        for word in ("atm", "the quick brown fox jumps over a dog"):
            text = "x " * (before // 2) + f" {word} " + "y" * 300
            assert word in excerpts.excerpt(text, word, 60), (word, before)


@pytest.mark.parametrize("word", ["<b>", "a&b"])
def test_letters_of_html_stand_as_they_are(word):
    shown = excerpts.card_html(f"no {word} tag", word=word, link="samples?a=1&b=2", caption="<i>")
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "<mark>" in shown
    assert 'href="samples?a=1&amp;b=2"' in shown


def test_a_whole_text_keeps_its_lines_and_its_marks():
    assert "one\ntwo <mark>Three</mark>" in excerpts.whole_html("one\ntwo Three", "three")
