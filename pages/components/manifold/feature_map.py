"""The map component: the panels, drawn with WebGL, their points, and the pictures for hovering.

Points and pictures are sent by components of their own, once: what is selected changes much more
often, and is small.  All work without a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import streamlit as st

from unlearn_core.views.manifold.drawing import PANELS, script, style

PICTURES_JS = """export default function ({ data }) {
  (globalThis.unlearnPictures ??= {})[data.key] = data;
}"""
POINTS_JS = """export default function ({ data }) {
  globalThis.unlearnPoints = data;
  dispatchEvent(new Event("unlearn-points"));
}"""


@cache
def _pictures() -> Any:
    return st.components.v2.component("unlearn_pictures", js=PICTURES_JS, isolate_styles=False)


@cache
def _points() -> Any:
    return st.components.v2.component("unlearn_points", js=POINTS_JS, isolate_styles=False)


@cache
def _panels() -> Any:
    return st.components.v2.component(
        "unlearn_feature_map",
        html='<div class="feature-map"></div>',
        css=style(),
        js=script(PANELS),
        isolate_styles=False,
    )


def pictures(sheet: dict[str, Any]) -> None:
    """Send a sheet of pictures, with its `key`; mount once on a page."""
    with st.container(gap=None):
        _pictures()(key="map_pictures", data=sheet, height=1)


def feature_map(
    payload: dict[str, Any],
    *,
    selected: Sequence[int],
    version: int,
    pinned: int | None,
    neighbours: Mapping[str, Sequence[int]],
    key: str,
    on_select: Callable[[], None],
    on_pin: Callable[[], None],
) -> None:
    """Show the panels of a `map_payload`.

    `selected` and `pinned` count only where `version` changed: the browser has the later word on
    what the mouse did.  `neighbours` are the pinned example's in each panel, by its key.
    `on_select` finds the ids in `st.session_state[key]["ids"]`, `on_pin` one or None in
    `st.session_state[key]["pinned"]`.
    """
    with st.container(gap=None):
        _points()(key="map_points", data=payload, height=1)
    data = {
        "map": {name: payload[name] for name in ("version", "outline")},
        "selection": {"ids": list(selected), "version": version},
        "pin": {"id": pinned, "neighbours": {run: list(ids) for run, ids in neighbours.items()}},
    }
    _panels()(key=key, data=data, on_ids_change=on_select, on_pinned_change=on_pin)
