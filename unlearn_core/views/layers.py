"""Layer by layer: how far a model's outputs are from the original's and the retrained model's.

Every run was compared with both references on a few examples of each set while it was made; where
a reference would be compared with itself there is no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.tracked import LAYER_EXAMPLES
from unlearn_core.views.layout import DASHES, MARKERS, finish, numbered
from unlearn_core.views.names import REFERENCE_NAMES, SET_SYMBOLS
from unlearn_core.views.palette import method_colour
from unlearn_core.views.wording import listed

COLUMNS = [
    *("label", "method", "reference", "set", "layer", "depth"),
    *("distance", "relative_distance", "cka"),
]
# by the reference's name in the rows: the method whose model it is, and the panel's title
REFERENCES = {
    "original": ("original", f"against the {REFERENCE_NAMES['original'].lower()} model"),
    "retrained": ("retrain", f"against the {REFERENCE_NAMES['retrain'].lower()} model"),
}
HEIGHT = 470
NO_LESS = 1 - 1e-6  # a CKA of layers that are the same, but for rounding
HARDLY = 0.02  # of a CKA
MOST_TICKS = 20  # names of layers under one panel


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How two layers are compared: its name on the page, its axis, and what it says."""

    name: str
    axis: str
    meaning: str


MEASURES = {
    "cka": Measure(
        name="CKA",
        axis="CKA (1: alike)",
        meaning="**CKA** asks which examples a layer holds to be alike. It is 1 for the same "
        "features however their channels are ordered, turned or scaled, so it can compare two "
        "networks that were trained from different starts.",
    ),
    "relative_distance": Measure(
        name="Relative feature distance",
        axis="distance / reference's mean output",
        meaning="**Relative feature distance** is the mean absolute difference of the outputs, "
        "over the reference's mean absolute output, so that layers can be compared. It goes "
        "channel by channel and so depends on the initial weights: the retrained model, which "
        "started anew, is far from the original even where both see alike.",
    ),
    "distance": Measure(
        name="Feature distance",
        axis="mean absolute difference",
        meaning="**Feature distance** is the mean absolute difference of the outputs; summed over "
        "layers it is FD on the Metrics page. It goes channel by channel and so depends on the "
        "initial weights: the retrained model, which started anew, is far from the original even "
        "where both see alike.",
    ),
}


def layer_rows(comparison: Comparison, runs: Sequence[RunArtefact]) -> pd.DataFrame:
    """Return one row per run, reference, set and layer.

    Columns: `label`, `method`, `reference` ("original" or "retrained"), `set`, `layer`, `depth`
    (from 0), `distance`, `relative_distance` and `cka`, NaN where they are not defined.
    """
    rows = [
        {**row, "label": run.label, "method": run.config.method}
        for run in runs
        for row in comparison.metrics(run)["layers"]
        if REFERENCES[row["reference"]][0] != run.config.method
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype(dict.fromkeys(MEASURES, float))


def sets_in(rows: pd.DataFrame) -> list[str]:
    """Return the sets that layers were compared on, in the order of `SET_SYMBOLS`."""
    return [name for name in SET_SYMBOLS if name in set(rows["set"])]


def layers_figure(rows: pd.DataFrame, measure: str) -> go.Figure:
    """Draw one measure by depth, a panel a reference; `rows` are of one set and seed.

    Columns used: `label`, `method`, `reference`, `layer`, `depth` and the measure.  Models are
    told apart by colour, marker and dash.
    """
    titles = [title for _, title in REFERENCES.values()]
    figure = make_subplots(
        cols=2, subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.04
    )
    numbers = numbered(rows["label"])
    in_legend: set[str] = set()
    for key, part in rows.groupby(["reference", "label", "method"], sort=False):
        reference, label, method = (str(text) for text in key)
        number = numbers[label]
        figure.add_scatter(
            x=part["depth"].to_numpy(),
            y=part[measure].to_numpy(),
            customdata=part["layer"].to_numpy(),
            mode="lines+markers",
            name=label,
            legendgroup=label,
            showlegend=label not in in_legend,
            line={"color": method_colour(method), "dash": DASHES[number % len(DASHES)]},
            marker={"symbol": MARKERS[number % len(MARKERS)], "size": 9},
            hovertemplate=f"{label}<br>%{{customdata}}: %{{y:.3f}}<extra></extra>",
            row=1,
            col=list(REFERENCES).index(reference) + 1,
        )
        in_legend.add(label)
    finish(figure, height=HEIGHT)
    figure.update_layout(margin={"t": 90, "b": 110}, legend={"y": 1.12})
    layers = rows.drop_duplicates("depth").sort_values("depth")
    shown = layers.iloc[:: -(-len(layers) // MOST_TICKS) or 1]
    figure.update_xaxes(
        tickvals=shown["depth"].tolist(), ticktext=without_shared_start(shown["layer"])
    )
    figure.update_xaxes(tickangle=-50)
    figure.update_yaxes(rangemode="tozero", title=MEASURES[measure].axis, row=1, col=1)
    if measure == "cka":
        figure.update_yaxes(range=[0, 1.04])
    return figure


def without_shared_start(layers: Iterable[str]) -> list[str]:
    """Return names of layers without the modules that all are in.

    >>> without_shared_start(["bert.layer.0.query", "bert.layer.1.query"])
    ['0.query', '1.query']
    """
    parts = [name.split(".") for name in layers]
    modules = zip(*(names[:-1] for names in parts), strict=False)
    n_shared = len(list(takewhile(lambda level: len(set(level)) == 1, modules)))
    return [".".join(names[n_shared:]) for names in parts]


def answer_text(rows: pd.DataFrame) -> str:
    """Say in Markdown who came nearer to retraining where it changed most; "" without references.

    That is the layer in which original and retrained model are least alike, by CKA.
    """
    beside = rows[(rows["reference"] == "retrained") & rows["cka"].notna()]
    originals = beside[beside["method"] == "original"].set_index("layer")["cka"]
    if originals.empty:
        return ""
    layer, start = str(originals.idxmin()), float(originals.min())
    there = beside[(beside["layer"] == layer) & (beside["method"] != "original")]
    there = there.sort_values("cka", ascending=False, kind="stable")
    gains = there["cka"] - start
    groups = {
        "more like the retrained model than the original is": there[gains > HARDLY],
        "as little": there[gains.abs() <= HARDLY],
        "less": there[gains < -HARDLY].iloc[::-1],
    }
    parts = [f"{words}: {_named(part)}" for words, part in groups.items() if len(part)]
    told = f" There, {'; '.join(parts)}." if parts else ""
    return f"Original and retrained model are least alike in **{layer}** (CKA {start:.2f}).{told}"


def _named(part: pd.DataFrame) -> str:
    pairs = zip(part["label"], part["cka"], strict=True)
    return listed([f"{label} ({value:.2f})" for label, value in pairs])


def extremes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return for each model where it changed most, and where it is least like retraining.

    `Model`; `Least like the original in` and `Least like retrained in` (smallest CKA to them), each
    with its value.  "–" where the model is that reference or nothing is defined.
    """
    lines = []
    for label in dict.fromkeys(rows["label"]):
        part = rows[rows["label"] == label].set_index("layer")
        alike = {
            name: part[part["reference"] == name]["cka"].dropna()
            for name in ("original", "retrained")
        }
        lines.append(
            {
                "Model": label,
                "Least like the original in": _least(alike["original"]),
                "Least like retrained in": _least(alike["retrained"]),
            }
        )
    return pd.DataFrame(lines)


def _least(values: pd.Series[float]) -> str:
    if values.empty:
        return "–"
    if values.min() > NO_LESS:
        return "nowhere"
    return f"{values.idxmin()} ({values.min():.2f})"


def layers_caption(rows: pd.DataFrame, sets: Sets, name: str) -> str:
    """Return how many examples of which set were compared, in how many layers."""
    n = min(int(getattr(sets, name).sum()), LAYER_EXAMPLES)
    return (
        f"Outputs of {rows['layer'].nunique()} layers on {n} examples of {SET_SYMBOLS[name]}, "
        "the same for every run, from the input (left) to the output"
    )
