"""What a reader sees of examples: pictures, or the first words of texts, wherever one is shown.

`word` is that of the request, where texts with a word are forgotten: excerpts show it, and cards
mark it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components import data_reads
from unlearn_core.config import DataConfig
from unlearn_core.views.answers import picture_tiles, text_tiles
from unlearn_core.views.excerpts import card_html, excerpt

CARD_WIDTH = 220  # pixels of a card with a text's first words
COLUMN_WIDTH = 340  # of a table's column of texts
WRAPPED = 68  # height of a row in which Streamlit breaks lines: more than 4 rem


def show(
    config: DataConfig,
    example_id: int,
    *,
    width: int,
    caption: str = "",
    link: str | None = None,
    word: str = "",
) -> None:
    """Show one example: its picture, of this width, or a card with an excerpt of its text."""
    if not data_reads.shows_texts(config):
        picture = data_reads.thumbnail(config, example_id)
        st.image(picture, width=width, caption=caption or None, link=link)
        return
    [text] = _texts(config, [example_id])
    card = card_html(text, word=word, link=link or "", caption=caption)
    st.html(card, width=CARD_WIDTH)


def tiles(config: DataConfig, ids: Sequence[int], word: str = "") -> list[str]:
    """Return examples as HTML for the row above what each model answers."""
    if data_reads.shows_texts(config):
        return text_tiles(_texts(config, ids), word)
    return picture_tiles(ids, data_reads.thumbnails(config, ids))


def column(config: DataConfig, ids: Sequence[int], word: str = "") -> list[str]:
    """Return a table's column of examples: pictures as data URLs, or excerpts of texts."""
    if data_reads.shows_texts(config):
        return [excerpt(text, word) for text in _texts(config, ids)]
    return data_reads.thumbnails(config, ids)


def row_height(config: DataConfig, usual: int) -> int:
    """Return how high a row of such a table is, in pixels: texts wrap from some height on."""
    return max(usual, WRAPPED) if data_reads.shows_texts(config) else usual


def column_config(config: DataConfig, **options: Any) -> Any:
    """Return how a table shows that column."""
    if data_reads.shows_texts(config):
        return st.column_config.TextColumn("Text", pinned=True, width=COLUMN_WIDTH)
    return st.column_config.ImageColumn("Image", **options)


def _texts(config: DataConfig, ids: Sequence[int]) -> list[str]:
    return list(map(str, data_reads.dataset(config).previews(ids)))
