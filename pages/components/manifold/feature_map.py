"""The map component: plotly.js, the pictures for hovering, and the panels.

They are three components, so that the library (4.7 MB) and the pictures are sent once and only
the panels again when something about them changes. All of it works without a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from plotly.offline import get_plotlyjs

HERE = Path(__file__).parent
PICTURES_JS = """export default function ({ data }) {
  (globalThis.unlearnPictures ??= {})[data.key] = data;
}"""


@cache
def _library() -> Any:
    # A module runs once in a browser tab, however often the component is mounted. Streamlit's
    # charts bring a plotly.js of their own and set the same global; mixing the two fails.
    return st.components.v2.component(
        "unlearn_plotly",
        js=f"{get_plotlyjs()}\nglobalThis.unlearnPlotly = Plotly;\nexport default function () {{}}",
        isolate_styles=False,
    )


@cache
def _pictures() -> Any:
    return st.components.v2.component("unlearn_pictures", js=PICTURES_JS, isolate_styles=False)


@cache
def _panels() -> Any:
    return st.components.v2.component(
        "unlearn_feature_map",
        html='<div class="feature-map"></div>',
        css=HERE.joinpath("feature_map.css").read_text(encoding="utf-8"),
        js=HERE.joinpath("feature_map.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


def assets(pictures: dict[str, Any]) -> None:
    """Send the library and a sheet of pictures, with its `key`; mount once on a page."""
    with st.container(gap=None):
        _library()(key="plotly_library", height=1)
        _pictures()(key="map_pictures", data=pictures, height=1)


def feature_map(
    payload: dict[str, Any],
    *,
    selected: Sequence[int],
    version: int,
    key: str,
    on_select: Callable[[], None],
) -> None:
    """Show the panels.

    `selected` counts only where `version` changed: the browser has the later word on what the
    mouse selected. `on_select` finds the ids in `st.session_state[key]["ids"]`.
    """
    selection = {"ids": list(selected), "version": version}
    data = {"map": payload, "selection": selection}
    _panels()(key=key, data=data, on_ids_change=on_select)
