"""Which examples moved: in feature space, by their neighbours, and on the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from unlearn_core.views.names import SET_NAMES, SET_SYMBOLS

MEASURES = {
    "moved": "Moved features",
    "new_neighbours": "New neighbours",
    "distance": "Distance on the map",
}
MEANING = {
    "moved": "How far an example's features moved, divided by their size before. A network that "
    "was trained from the start has other axes, so the retrained model's are far from everything.",
    "new_neighbours": "How much of an example's neighbourhood in feature space is another (1 minus "
    "Jaccard); it depends neither on axes nor on the map.",
    "distance": "From one map to the other, in map units. UMAP stretches distances and places some "
    "examples by chance, so compare sets and models rather than examples.",
}


def displacements(points: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return how far each example is from where it was in the run `reference`.

    Columns: `run`, `example_id`, `set`, `label`, `prediction`, and those of `MEASURES`:
    `moved` and `new_neighbours` as in the point table, and `distance` (map units, on the aligned
    maps; NaN where the reference is not among the points).  The reference is left out.
    """
    start = points[points["run"] == reference].set_index("example_id")[["x", "y"]]
    start = start.add_suffix("_before")
    moved = points[points["run"] != reference].join(start, on="example_id")
    distance = np.hypot(moved["x"] - moved["x_before"], moved["y"] - moved["y_before"])
    columns = ["run", "example_id", "set", "label", "prediction", "moved", "new_neighbours"]
    return moved[columns].assign(distance=distance.astype(np.float64))


def displacement_summary(
    moved: pd.DataFrame, names: Mapping[str, str], measure: str
) -> pd.DataFrame:
    """Return the mean of a measure over each set, one row a run; NaN where it is not known."""
    means = moved.pivot_table(
        index="run", columns="set", values=measure, aggfunc="mean", dropna=False
    )
    present = [name for name in SET_NAMES if name in means.columns]
    means = means.reindex(index=list(names), columns=present).rename(index=names)
    return means.rename(columns=SET_SYMBOLS).rename_axis("Run").reset_index()


def known_measures(moved: pd.DataFrame) -> list[str]:
    """Return the measures that are known of some model: without features only that on the map."""
    return [name for name in MEASURES if moved[name].notna().any()]


def most_moved(
    moved: pd.DataFrame, run: str, classes: Sequence[str], measure: str, n_examples: int = 12
) -> pd.DataFrame:
    """Return the examples of one run that moved most by a measure, farthest first."""
    rows = moved[(moved["run"] == run) & moved[measure].notna()].nlargest(n_examples, measure)
    return pd.DataFrame(
        {
            "id": rows["example_id"].to_numpy(),
            "set": [SET_NAMES[name] for name in rows["set"]],
            "label": [classes[label] for label in rows["label"]],
            "predicted": [classes[label] for label in rows["prediction"]],
            **{name: rows[name].to_numpy() for name in MEASURES},
        }
    )
