"""What a reader sees of examples: pictures, or the first words of texts, wherever one is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.components import data_reads
from unlearn_core.config import DataConfig

TEXT_WIDTH = 220  # pixels of a card with a text's first words


def show(config: DataConfig, example_id: int, *, width: int, **options: Any) -> None:
    """Show one example; `options` are those of `st.image`, such as a caption and a link."""
    wide = max(width, TEXT_WIDTH) if data_reads.shows_texts(config) else width
    st.image(data_reads.thumbnail(config, example_id), width=wide, **options)


def texts(config: DataConfig, ids: Sequence[int]) -> list[str] | None:
    """Return the texts of examples; None where they are pictures."""
    return column(config, ids) if data_reads.shows_texts(config) else None


def column(config: DataConfig, ids: Sequence[int]) -> list[str]:
    """Return a table's column of examples: pictures as data URLs, or whole texts."""
    if data_reads.shows_texts(config):
        return list(map(str, data_reads.dataset(config).previews(ids)))
    return data_reads.thumbnails(config, ids)


def column_config(config: DataConfig, **options: Any) -> Any:
    """Return how a table shows that column; a click on a text shows the whole."""
    if data_reads.shows_texts(config):
        return st.column_config.TextColumn("Text", pinned=True, width="medium")
    return st.column_config.ImageColumn("Image", **options)
