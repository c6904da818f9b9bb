"""What language models write after the same question, side by side with what a person wrote."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from itertools import takewhile

from unlearn_core.data.prompts import Prompt

PERSON = "What a person wrote"
GRID = "display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .75rem"
CARD = (
    "border: 1px solid rgba(128, 128, 128, .35); border-radius: 8px; padding: .6rem .8rem; "
    "overflow-wrap: anywhere"
)
TEXT = "white-space: pre-wrap; margin-top: .3rem"


def cards_html(rest: str, written: Mapping[str, str]) -> str:
    """Return a card with how the text goes on, and one a model with what it writes.

    What a model writes word for word like the person, from the first word on, is in bold.

    Parameters
    ----------
    rest : str
        How the text itself goes on.
    written : mapping of str to str
        By the model's label.
    """
    rest = rest.lstrip()
    first = _card(f"<em>{PERSON}</em>", html.escape(rest))
    others = [
        _card(f"<strong>{html.escape(label)}</strong>", _marked(text, rest))
        for label, text in written.items()
    ]
    return f'<div style="{GRID}">{"".join([first, *others])}</div>'


def recipe_text(prompt: Prompt) -> str:
    """Return how the texts came about."""
    return (
        f"At most {prompt.n_tokens} tokens, each the one that the model finds likeliest after all "
        "before it, so that the same model always writes the same. In bold what a model writes "
        "word for word like the person: much of it was learned by heart."
    )


def same_words(text: str, other: str) -> str:
    """Return the whole words that two texts begin with alike.

    >>> same_words("It is not far.", "It is nothing")
    'It is'
    """
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False))
    shared = "".join(letter for letter, _ in alike)
    is_whole = all(re.match(r"\w", each[len(shared) :]) is None for each in (text, other))
    return shared if is_whole else re.sub(r"\W*\w+$", "", shared)


def _card(title: str, text: str) -> str:
    return f'<div style="{CARD}">{title}<div style="{TEXT}">{text}</div></div>'


def _marked(text: str, rest: str) -> str:
    if not text.strip():
        return "<em>Nothing: it ends the text.</em>" if not text else "<em>Blanks alone.</em>"
    text = text.lstrip()
    same = same_words(text, rest)
    marked = f"<strong>{html.escape(same)}</strong>" if same.strip() else html.escape(same)
    return f"{marked}{html.escape(text[len(same) :])}"
