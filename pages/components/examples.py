"""Tables of examples with their pictures and what every chosen model answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components import data_reads, previews, selectors
from unlearn_core.config import DataConfig
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.examples import answers_table, picture_caption

MOST_ROWS = 60
PICTURE = "image"  # the column whose cells lead to the example
SIZE = 92
LINK = st.column_config.LinkColumn("Open", display_text=":material/open_in_new:", width=60)
FEW, HEIGHT = 6, 380  # of more rows than that a table scrolls


def show_examples(
    comparison: Comparison,
    runs: Sequence[RunArtefact],
    ids: Sequence[int],
    *,
    key: str,
    more: Mapping[str, Sequence[float]] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Show some examples, a row each; `more` are further columns, `columns` how they are shown."""
    config = comparison.config
    shown = list(ids)[:MOST_ROWS]
    sets = data_reads.sets(config.data, config.forget)
    rows = answers_table(runs, shown, data_reads.dataset(config.data), sets)
    rows.insert(0, PICTURE, previews.column(config.data, shown, config.forget.keyword))
    rows.insert(1, "more", selectors.sample_links(comparison, shown))
    for place, (name, values) in enumerate((more or {}).items(), start=3):
        rows.insert(place, name, list(values)[:MOST_ROWS])
    event = st.dataframe(
        rows,
        key=key,
        hide_index=True,
        row_height=previews.row_height(config.data, 52),
        height=HEIGHT if len(rows) > FEW else "content",
        selection_mode="single-cell",
        on_select="rerun",
        column_config={**_columns(config.data, runs), **(columns or {})},
    )
    follow_picture(event, shown)
    if len(ids) > len(shown):
        st.caption(f"The first {MOST_ROWS} of {len(ids):,} are shown.")


def picture_column(data: DataConfig, *, pinned: bool = False) -> Any:
    """Return the column of pictures, or texts, that can be clicked."""
    told = "A click opens the example in all models."
    return previews.column_config(data, width=70, pinned=pinned, help=told)


def follow_picture(event: Any, ids: Sequence[int]) -> None:
    """Go to the page of the example whose picture was clicked in a table with a row an example."""
    for row, column in event["selection"]["cells"]:
        if column == PICTURE:
            selectors.go_to_sample(int(ids[row]))


def show_pictures(comparison: Comparison, ids: Sequence[int], *, most: int = 12) -> None:
    """Show the pictures of some examples in rows that wrap, each with its id and class."""
    config = comparison.config
    dataset, sets = data_reads.dataset(config.data), data_reads.sets(config.data, config.forget)
    shown = list(ids)[:most]
    with st.container(horizontal=True, gap="small"):
        for number, link in zip(shown, selectors.sample_links(comparison, shown), strict=True):
            previews.show(
                config.data,
                number,
                caption=picture_caption(number, dataset, sets),
                width=SIZE,
                link=link,
                word=config.forget.keyword,
            )
    if not shown:
        st.caption("None.")
    elif len(ids) > len(shown):
        st.caption(f"The first {len(shown)} of {len(ids):,}.")


def _columns(data: DataConfig, runs: Sequence[RunArtefact]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        PICTURE: picture_column(data, pinned=True),
        "id": st.column_config.NumberColumn("Id", format="%d", pinned=True),
        "more": LINK,
        "set": "Set",
        "label": "Label",
    }
    for run in runs:
        columns[run.label] = st.column_config.TextColumn(f"{run.label}: answers")
        columns[f"{run.label} p"] = st.column_config.ProgressColumn(
            f"{run.label}: probability", format="percent", min_value=0, max_value=1
        )
    return columns
