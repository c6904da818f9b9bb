"""Maps with depth: the three directions in which a model's features vary most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.views.manifold.neighbourhoods import Neighbourhoods

DIRECTIONS = 3
COLUMNS = ["pc1", "pc2", "pc3"]


def linear_places(
    near: Neighbourhoods, onto: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, float]:
    """Return where a model's examples lie along its principal components, and their share.

    Places are centred, scaled to a mean square distance of 1 from the middle, and turned onto
    those of another model where these are given (orthogonal Procrustes on shared examples): a
    linear view of the features, which moves nothing apart that lies together.

    Parameters
    ----------
    near : Neighbourhoods
        Features and ids of the examples on the map.
    onto : DataFrame, optional
        What this function returned of the other model.

    Returns
    -------
    places : DataFrame
        `example_id`, `pc1`, `pc2`, `pc3`; directions beyond the number of features are 0.
    share : float
        Of the features' variance, in [0, 1]; NaN where nothing varies.
    """
    centred = near.features.astype(np.float64)
    centred -= centred.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    kept = directions[:DIRECTIONS]
    largest = np.take_along_axis(kept, np.abs(kept).argmax(axis=1)[:, None], axis=1)
    scores = centred @ (kept * np.where(largest < 0, -1.0, 1.0)).T
    scores = np.pad(scores, ((0, 0), (0, DIRECTIONS - scores.shape[1])))
    total = float((sizes**2).sum())
    share = float((sizes[:DIRECTIONS] ** 2).sum() / total) if total else float("nan")
    spread = np.sqrt((scores**2).sum(axis=1).mean())
    if spread:
        scores /= spread
    places = pd.DataFrame(scores, columns=COLUMNS)
    places.insert(0, "example_id", near.example_ids)
    return (places if onto is None else _turned(places, onto)), share


def with_places(points: pd.DataFrame, places: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the point table with `pc1`, `pc2`, `pc3`, NaN for runs without usable features.

    `places` has what `linear_places` returns, by the run's key.
    """
    parts = [table.assign(run=key) for key, table in places.items()]
    if not parts:
        return points.assign(**dict.fromkeys(COLUMNS, np.nan))
    return points.merge(pd.concat(parts, ignore_index=True), on=["run", "example_id"], how="left")


def _turned(places: pd.DataFrame, onto: pd.DataFrame) -> pd.DataFrame:
    both = places.merge(onto, on="example_id", suffixes=("", "_onto"))
    here: NDArray[np.float64] = both[COLUMNS].to_numpy()
    there: NDArray[np.float64] = both[[f"{name}_onto" for name in COLUMNS]].to_numpy()
    left, _, right = np.linalg.svd(here.T @ there)
    turned = places[COLUMNS].to_numpy() @ left @ right
    return places[["example_id"]].join(pd.DataFrame(turned, columns=COLUMNS))
