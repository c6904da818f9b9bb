"""Texts as a person sees them: their first words, or those around the word of the request."""

from __future__ import annotations

import html
import re
import textwrap

from unlearn_core.data.texts import whole_word

MOST_LETTERS = 200  # of a text on a map or a card
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)  # as film reviews have for a new line
LEAD = 0.4  # of an excerpt's letters stand before the word


def excerpt(text: str, word: str = "", most: int = MOST_LETTERS) -> str:
    """Return at most so many letters of a text, cut between words: its first, or those around one.

    `word` is looked for as a whole, whatever its case, and the first place counts.

    >>> excerpt("Where is my card?", most=12)
    'Where is my…'
    >>> excerpt("I went to the shop and then the atm ate my card.", "ATM", 30)
    '…then the atm ate my card.'
    """
    plain = " ".join(with_lines(text).split())
    found = whole_word(word).search(plain) if word else None
    if found and found.end() > most - 1:
        lead = min(int(LEAD * most), max(0, most - 3 - len(found[0])))
        start = max(0, found.start() - lead)
        space = plain.find(" ", start, found.start())
        return "…" + first_words(plain[max(start, space + 1) :], most - 1)
    return first_words(plain, most)


def with_lines(text: str) -> str:
    r"""Return a text from a web page with its lines as lines.

    >>> with_lines("Dull.<br /><br>Not for me.")
    'Dull.\n\nNot for me.'
    """
    return BREAK.sub("\n", text)


def first_words(text: str, most: int = MOST_LETTERS) -> str:
    """Return the beginning of a text, cut between words where there are any.

    >>> first_words("Where is my card?", 12)
    'Where is my…'
    """
    short = textwrap.shorten(text, most, placeholder="…")
    return short if short != "…" else text.strip()[: most - 1] + "…"


def pieces(text: str, word: str = "") -> list[str]:
    """Return a text in pieces, of which every second is the word, so that it can be marked.

    >>> pieces("An atm is no ATMs. Atm!", "atm")
    ['An ', 'atm', ' is no ATMs. ', 'Atm', '!']
    """
    if not word:
        return [text]
    return re.split(f"({whole_word(word).pattern})", text, flags=re.IGNORECASE)


def marked_html(text: str, word: str = "") -> str:
    """Return a text as HTML with a mark wherever the word is."""
    return "".join(
        f"<mark>{html.escape(piece)}</mark>" if number % 2 else html.escape(piece)
        for number, piece in enumerate(pieces(text, word))
    )


def whole_html(text: str, word: str = "") -> str:
    """Return a whole text, its lines kept, with a mark wherever the word is."""
    return f'<div class="mu-whole">{marked_html(with_lines(text), word)}</div>'


def card_html(text: str, *, word: str = "", link: str = "", caption: str = "") -> str:
    """Return a text's excerpt in a frame, with a line under it; the whole is shown on hover."""
    shown = marked_html(excerpt(text, word), word)
    whole = html.escape(with_lines(text))
    tag, leads = ("a", f' href="{html.escape(link)}" target="_self"') if link else ("div", "")
    under = f'<span class="mu-under">{html.escape(caption)}</span>' if caption else ""
    return f'<{tag} class="mu-card" title="{whole}"{leads}><span>{shown}</span></{tag}>{under}'
