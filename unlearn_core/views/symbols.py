"""The papers' symbols in the three languages that pages speak: HTML, plotly and Markdown."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SYMBOL = re.compile(r"\b(D'?)_(ft|rt|f|r|t)(?![A-Za-z0-9])")
MARKDOWN_SPECIAL = "*_[]$~<>#|"


def as_html(text: str) -> str:
    """Return the text with D_f and its like as subscripts and everything else escaped.

    plotly reads the same form in titles, ticks and legends.

    Examples
    --------
    >>> as_html("Acc(D_rt) < 1")
    'Acc(D<sub>rt</sub>) &lt; 1'
    """
    return SYMBOL.sub(r"\1<sub>\2</sub>", html.escape(text, quote=True))


def emphasised_as_html(text: str) -> str:
    """Return one line that has words in ** or * as HTML; see `as_html`.

    Examples
    --------
    >>> emphasised_as_html("**matched**: as on D_f")
    '<b>matched</b>: as on D<sub>f</sub>'
    """
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", as_html(text))
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", bold)


def as_markdown(text: str, *, keep: str = "") -> str:
    r"""Return the text for Markdown, with D_f and its like as formulas.

    Characters that Markdown gives a meaning are escaped, except those in `keep` and
    what stands between backticks.

    Examples
    --------
    >>> as_markdown("on D_f, alpha * x")
    'on $D_{f}$, alpha \\* x'
    """
    pieces = text.split("`")
    pieces[::2] = [_outside_code(piece, keep) for piece in pieces[::2]]
    return "`".join(pieces)


def table_as_markdown(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose heads and cells are Markdown, with D_f and its like as formulas."""
    known = table.astype(object).where(table.notna(), "–")
    return known.map(lambda value: as_markdown(str(value))).rename(columns=as_markdown)


def _outside_code(text: str, keep: str) -> str:
    parts, end = [], 0
    for match in SYMBOL.finditer(text):
        parts += [_escape(text[end : match.start()], keep), f"${match[1]}_{{{match[2]}}}$"]
        end = match.end()
    return "".join([*parts, _escape(text[end:], keep)])


def _escape(text: str, keep: str) -> str:
    return "".join(
        f"\\{letter}" if letter in MARKDOWN_SPECIAL and letter not in keep else letter
        for letter in text
    )
