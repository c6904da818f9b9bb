"""What follows a selection on the maps: thumbnails, predictions, "forget these" and export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import data_reads, previews, selectors
from pages.components.examples import LINK, PICTURE, follow_picture, picture_column
from unlearn_core.config import DataConfig
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.examples import picture_caption
from unlearn_core.views.manifold import selection
from unlearn_core.views.symbols import as_markdown

MAP = "feature_map"
SELECTED, SELECTION_VERSION, OF = "map_selected", "map_selection_version", "map_selected_of"
PINNED = "map_pinned"
MOST_ROWS = 300


def selected() -> list[int]:
    """Return the ids that are selected on the maps."""
    return list(st.session_state.get(SELECTED, []))


def pinned() -> int | None:
    """Return the id of the example that a click on the maps pinned."""
    one: int | None = st.session_state.get(PINNED)
    return one


def select(ids: list[int], pin: int | None = None) -> None:
    """Select these examples from outside the maps, and pin one or none."""
    st.session_state[SELECTED], st.session_state[PINNED] = ids, pin
    st.session_state[SELECTION_VERSION] = st.session_state.get(SELECTION_VERSION, 0) + 1


def on_map_selection() -> None:
    """Keep what the mouse selected, also when the page is left and opened again."""
    st.session_state[SELECTED] = list(st.session_state[MAP]["ids"] or [])


def on_map_pin() -> None:
    """Keep which example was clicked; None where a click let it go."""
    st.session_state[PINNED] = st.session_state[MAP]["pinned"]


def pinned_line(
    comparison: Comparison, names: Mapping[str, str], neighbours: Mapping[str, Sequence[int]]
) -> None:
    """Show the pinned example, and of which classes its neighbours are in each model."""
    example = pinned()
    if example is None:
        return
    config = comparison.config
    dataset, sets = data_reads.dataset(config.data), data_reads.sets(config.data, config.forget)
    shape = [1, 3] if data_reads.shows_texts(config.data) else [1, 11]
    left, right = st.columns(shape, vertical_alignment="center")
    with left:
        previews.show(
            config.data, example, width=64, link=selectors.sample_link(comparison, example),
            word=config.forget.keyword,
        )  # fmt: skip
    lines = selection.neighbour_lines(names, neighbours, dataset)
    what = as_markdown(picture_caption(example, dataset, sets))
    told = f"Its neighbours: {lines}." if lines else "No features were kept to find its neighbours."
    right.markdown(f"**{what}** is pinned. {as_markdown(told)}")


def selection_panel(comparison: Comparison, table: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Show the selected examples in every model, and what can be done with them."""
    ids = selected()
    if not ids:
        st.info(
            "Draw a loop around points on any map, or choose a saved selection. They and "
            "what every model predicts for them appear here, and you can ask to forget exactly "
            "those.",
            icon=":material/gesture_select:",
        )
        return
    config = comparison.config
    classes = data_reads.dataset(config.data).class_names
    rows = selection.selection_table(table, ids, names, classes)
    st.markdown(f"**{selection.selection_words(table, ids)}**")
    first = rows.head(MOST_ROWS)
    shown, word = first["id"].tolist(), config.forget.keyword
    first.insert(0, PICTURE, previews.column(config.data, shown, word))
    first.insert(1, "more", selectors.sample_links(comparison, first["id"]))
    event = st.dataframe(
        first,
        key="map_rows",
        hide_index=True,
        row_height=previews.row_height(config.data, 52),
        height=360,
        selection_mode=["multi-row", "single-cell"],
        on_select="rerun",
        column_config=_columns(config.data, names),
    )
    follow_picture(event, first["id"].tolist())
    ticked = [rows["id"].tolist()[row] for row in event["selection"]["rows"]]
    chosen = ticked or ids
    if len(rows) > len(first):
        st.caption(f"The first {MOST_ROWS} of {len(rows):,} are shown; the buttons act on all.")
    _buttons(chosen, table, names, classes, is_part=bool(ticked))


def _columns(data: DataConfig, names: Mapping[str, str]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        PICTURE: picture_column(data, pinned=True),
        "id": st.column_config.NumberColumn("Id", format="%d", pinned=True),
        "more": LINK,
        "set": "Set",
        "label": "Label",
    }
    for name in names.values():
        columns[f"{name} p"] = st.column_config.ProgressColumn(
            f"{name}: probability", format="percent", min_value=0, max_value=1
        )
        columns[name] = st.column_config.TextColumn(f"{name}: predicts")
    return columns


def _buttons(
    ids: list[int],
    table: pd.DataFrame,
    names: Mapping[str, str],
    classes: tuple[str, ...],
    *,
    is_part: bool,
) -> None:
    training = selection.training_ids(table, ids)
    which = "ticked" if is_part else "selected"
    with st.container(horizontal=True):
        if st.button(
            f"Forget exactly these ({len(training)})",
            key="forget_these",
            type="primary",
            icon=":material/delete_forever:",
            disabled=not training,
            help=f"Takes the {which} training examples to the Unlearn page. Test examples were "
            "never learned, so they cannot be forgotten.",
        ):
            st.session_state[selectors.FORGET_IDS] = training
            selectors.go_to("pages/unlearn.py")
        st.download_button(
            f"Export {len(ids)} rows (CSV)",
            data=lambda: selection.export_table(table, ids, names, classes).to_csv(index=False),
            file_name="selected-examples.csv",
            mime="text/csv",
            key="export_selected",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button(
            "Clear selection",
            key="clear_selected",
            icon=":material/close:",
            on_click=select,
            args=([],),
        )
    if not training:
        st.caption("None of these is a training example, so there is nothing to forget.")
    elif told := selection.left_out_words(ids, training):
        st.caption(told)
