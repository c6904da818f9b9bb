"""Which examples moved: the distance from each one's place on the original's map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from unlearn_core.views.names import SET_NAMES, SET_SYMBOLS


def displacements(points: pd.DataFrame, original: str) -> pd.DataFrame:
    """Return how far each example lies from its place on the original's map.

    Columns: `run`, `example_id`, `set`, `label`, `prediction`, `distance` (map units, on the
    aligned maps). The original itself is left out.
    """
    start = points[points["run"] == original].set_index("example_id")[["x", "y"]]
    start = start.add_suffix("_before")
    moved = points[points["run"] != original].join(start, on="example_id")
    distance = np.hypot(moved["x"] - moved["x_before"], moved["y"] - moved["y_before"])
    columns = ["run", "example_id", "set", "label", "prediction"]
    return moved[columns].assign(distance=distance.astype(np.float64))


def displacement_summary(moved: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return the mean displacement of each set, one row a run; NaN where a set is empty."""
    means = moved.pivot_table(index="run", columns="set", values="distance", aggfunc="mean")
    present = [name for name in SET_NAMES if name in means.columns]
    means = means.reindex(index=list(names), columns=present).rename(index=names)
    return means.rename(columns=SET_SYMBOLS).rename_axis("Run").reset_index()


def most_moved(
    moved: pd.DataFrame, run: str, classes: Sequence[str], n_examples: int = 12
) -> pd.DataFrame:
    """Return the examples of one run that moved most, farthest first."""
    rows = moved[moved["run"] == run].nlargest(n_examples, "distance")
    return pd.DataFrame(
        {
            "id": rows["example_id"].to_numpy(),
            "set": [SET_NAMES[name] for name in rows["set"]],
            "label": [classes[label] for label in rows["label"]],
            "predicted": [classes[label] for label in rows["prediction"]],
            "distance": rows["distance"].to_numpy(),
        }
    )
