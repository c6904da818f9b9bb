"""What the maps show: the choices above them, each of which is in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from pages.components import selectors
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.manifold.neighbourhoods import (
    MOST_NEIGHBOURS,
    USUAL_NEIGHBOURS,
    USUAL_SHARE,
)
from unlearn_core.views.manifold.payload import COLOURS, Shown
from unlearn_core.views.manifold.points import highlights
from unlearn_core.views.names import REFERENCE_NAMES

VIEWS = {"all": "Side by side", "two": "Two, with the way"}
LAYOUTS = {
    "aligned": "Aligned to the original",
    "own": "Each model's own",
    "linear": "3-D, linear",
}
PARTS = {"both": "Train and test", "train": "Train", "test": "Test"}


@dataclass(frozen=True, kw_only=True)
class Near:
    """With whose neighbours they are compared (a run's key), how many, and what counts as new."""

    reference: str
    name: str
    k: int
    least: float


@dataclass(frozen=True, kw_only=True)
class View:
    """What the maps show: of which runs, and how; with `is_pair` the way between two of them."""

    runs: list[RunArtefact]
    is_pair: bool
    shown: Shown


def how_to_read() -> None:
    """Show the button that explains the maps."""
    with st.popover("How to read this", icon=":material/help:"):
        st.markdown(
            "- A point is one example, placed by UMAP from the model's penultimate features. "
            "**Diamonds** are the examples to forget.\n"
            "- If forgetting worked as retraining would, the diamonds lie as they do in the "
            "*retrained* map: scattered or beside other classes. A tight cluster of diamonds far "
            "from the rest means that the features still know them.\n"
            "- *Correctly forgotten*: examples to forget that the model no longer classifies as "
            "their label. *Still recognised*: those it still does. *Collateral*: other examples "
            "that the original classified right and this model does not.\n"
            "- *New neighbours*: how many of an example's nearest in feature space are others than "
            "before. It does not depend on the map, on which UMAP may place alike things apart.\n"
            "- Aligned maps start from the original's layout and are turned onto it, so places can "
            "be compared. Distances on a map have no unit and only near neighbours can be "
            "trusted.\n"
            "- **Mouse**: a loop selects; with Shift it adds, with Alt it takes away. Esc clears, "
            "Ctrl+Z undoes. A click pins an example and links it to its nearest neighbours in "
            "every model. Ctrl and the wheel zoom, a double click shows everything again.\n"
            "- **Keys**, once the maps are reached with Tab: arrows walk from point to point, "
            "Space selects, Enter pins, Page Down goes to the next map, + and - zoom.\n"
            "- *3-D, linear*: principal components, which tear nothing apart; turn it with the "
            "tool Turn. *Two, with the way*: the points of one model travel to their places in "
            "another."
        )


def choose_neighbourhood(comparison: Comparison, runs: list[RunArtefact]) -> Near:
    """Show how neighbourhoods are compared."""
    found = {name: comparison.reference(name, runs[0].config.seed) for name in REFERENCE_NAMES}
    known = {name: run for name, run in found.items() if run is not None} or {"first": runs[0]}
    names = {name: REFERENCE_NAMES.get(name, run.label) for name, run in known.items()}
    with st.popover("Neighbours", icon=":material/hub:", key="near"):
        against = selectors.segments(
            "Compared with", list(names), format_func=names.__getitem__, default=next(iter(names)),
            key="against",
        )  # fmt: skip
        k = st.slider(
            "Nearest neighbours looked at", 5, MOST_NEIGHBOURS, USUAL_NEIGHBOURS, key="k",
            bind="query-params",
        )  # fmt: skip
        least = st.slider(
            "New from this share of other neighbours on", 0.05, 1.0, USUAL_SHARE, 0.05, key="least",
            bind="query-params", format="percent",
        )  # fmt: skip
        st.caption(
            "Neighbours are the examples on the map whose penultimate features have the largest "
            "cosine. What is new of k neighbours is 1 minus the size of what both models share, "
            "divided by the size of both together (Jaccard)."
        )
    chosen = str(against)
    return Near(reference=known[chosen].key, name=names[chosen], k=int(k), least=least)


def choose_view(
    comparison: Comparison, runs: list[RunArtefact], table: pd.DataFrame, least: float
) -> View:
    """Show what is highlighted, coloured and laid out how, of all chosen runs or of two."""
    boxes, pair = st.columns(5), st.container()
    with boxes[0]:
        is_pair = _choice("Maps", VIEWS, "view") == "two"
    with boxes[1]:
        mode = _choice("Highlight", highlights(table), "highlight")
    with boxes[2]:
        part = _choice("Examples", PARTS, "examples")
    with boxes[3]:
        layout = _choice("Layout", LAYOUTS, "layout")
    with boxes[4]:
        colour = _choice("Colour", COLOURS, "colour")
    shown = Shown(layout=layout, mode=mode, part=part, colour=colour, least=least)
    with pair:
        runs = _pair(comparison, runs) if is_pair else runs
    return View(runs=runs, is_pair=is_pair, shown=shown)


def _pair(comparison: Comparison, runs: list[RunArtefact]) -> list[RunArtefact]:
    by_label = {run.label: run for run in runs}
    labels = list(by_label)
    end = next(
        (one for one in (selectors.first_method(runs), *labels) if one != labels[0]), labels[0]
    )
    left, right = st.columns(2)
    with left:
        start = selectors.choose_one(comparison, "From", labels, "map_from", labels[0])
    with right:
        end = selectors.choose_one(comparison, "To", labels, "map_to", end)
    return [by_label[start], by_label[end]]


def _choice(words: str, options: Mapping[str, str], key: str) -> str:
    return str(
        st.selectbox(
            words, list(options), format_func=options.__getitem__, key=key, bind="query-params"
        )
    )
