"""What changed in feature space: neighbours, places, and groups that went together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.data import Dataset
from unlearn_core.metrics.neighbourhoods import (
    nearest_rows,
    neighbourhood_change,
    relative_displacement,
)
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.examples import rows_of
from unlearn_core.views.names import SET_NAMES

MOST_NEIGHBOURS, USUAL_NEIGHBOURS = 50, 15
USUAL_SHARE = 0.5  # of its neighbours that are new, from which on an example counts as changed
FEWEST_TOGETHER, MOST_GROUPS = 5, 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbourhoods:
    """Features and nearest neighbours of the examples on a run's map. Shared: do not change it.

    Attributes
    ----------
    example_ids : int64 ndarray of shape (n_examples,)
        Ascending.
    features : float32 ndarray of shape (n_examples, n_features)
    neighbours : int64 ndarray of shape (n_examples, n_neighbours)
        Ids of the other examples on the map with the largest cosine, the nearest first.
    """

    example_ids: NDArray[np.int64]
    features: NDArray[np.float32]
    neighbours: NDArray[np.int64]

    def of(self, example_id: int, k: int) -> list[int]:
        """Return the k nearest neighbours of one example; none where it is not on the map."""
        row = int(np.searchsorted(self.example_ids, example_id))
        if row == len(self.example_ids) or self.example_ids[row] != example_id:
            return []
        return [int(one) for one in self.neighbours[row, :k]]


def neighbourhoods(run: RunArtefact) -> Neighbourhoods | None:
    """Return a run's neighbourhoods; None where no features were kept or they are not finite."""
    records = run.records()
    ids = np.sort(run.table(str(run.map_facts["file"]))["example_id"].to_numpy(dtype=np.int64))
    features = records.features[rows_of(ids, records.example_ids)]
    if not features.shape[1] or not np.isfinite(features).all():
        return None
    nearest = nearest_rows(features, MOST_NEIGHBOURS)
    return Neighbourhoods(example_ids=ids, features=features, neighbours=ids[nearest])


def changes(after: Neighbourhoods, before: Neighbourhoods, k: int) -> pd.DataFrame:
    """Return what changed of each example that both maps show.

    Columns: `example_id`, `new_neighbours` (1 - Jaccard of the k nearest, in [0, 1]) and
    `moved` (how far its features moved, relative to their size before).
    """
    ids = np.intersect1d(after.example_ids, before.example_ids)
    rows, rows_before = rows_of(ids, after.example_ids), rows_of(ids, before.example_ids)
    return pd.DataFrame(
        {
            "example_id": ids,
            "new_neighbours": neighbourhood_change(
                before.neighbours[rows_before, :k], after.neighbours[rows, :k]
            ),
            "moved": relative_displacement(after.features[rows], before.features[rows_before]),
        }
    )


def changed_ids(points: pd.DataFrame, least: float) -> list[int]:
    """Return the ids of the points with at least this share of new neighbours."""
    rows = points["new_neighbours"] >= least
    return sorted({int(i) for i in points.loc[rows, "example_id"]})


def with_changes(points: pd.DataFrame, changed: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the point table with `new_neighbours` and `moved`, NaN where they are not known.

    What stood there before, compared with another model, goes.

    `changed` has what `changes` returns, by the run's key.
    """
    columns = ["run", "example_id", "new_neighbours", "moved"]
    points = points.drop(columns=columns[2:], errors="ignore")
    parts = [table.assign(run=key)[columns] for key, table in changed.items()]
    if not parts:
        return points.assign(new_neighbours=np.nan, moved=np.nan)
    return points.merge(pd.concat(parts, ignore_index=True), on=columns[:2], how="left")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Examples that changed neighbours together: their ids, and a line about them."""

    ids: tuple[int, ...]
    words: str


def groups(
    after: Neighbourhoods,
    before: Neighbourhoods,
    points: pd.DataFrame,
    dataset: Dataset,
    *,
    k: int,
    least: float,
) -> list[Group]:
    """Suggest groups that went the same way: from among one class to among another.

    Of the examples with at least the share `least` of new neighbours, those belong together whose k
    neighbours were mostly of one class and are now mostly of another; of equally frequent
    classes the first counts.  The largest group comes first.

    Parameters
    ----------
    points : DataFrame
        `example_id`, `set` and `prediction` of the run's points.
    """
    changed = changes(after, before, k)
    ids = changed.loc[changed["new_neighbours"] >= least, "example_id"].to_numpy()
    ids = ids[np.isin(ids, points["example_id"])]
    if not len(ids):
        return []
    were, are = (
        _most_frequent(dataset.labels[near.neighbours[rows_of(ids, near.example_ids), :k]])
        for near in (before, after)
    )
    table = pd.DataFrame({"example_id": ids, "was": were, "now": are})
    moved = table[table["was"] != table["now"]].merge(points, on="example_id")
    found = [rows for _, rows in moved.groupby(["was", "now"]) if len(rows) >= FEWEST_TOGETHER]
    largest = sorted(found, key=len, reverse=True)[:MOST_GROUPS]
    return [
        Group(
            ids=tuple(int(i) for i in rows["example_id"]), words=_words(rows, dataset.class_names)
        )
        for rows in largest
    ]


def _most_frequent(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the most frequent label of each row, of equally frequent ones the smallest."""
    names = np.unique(labels)
    counts = np.stack([(labels == name).sum(axis=1) for name in names], axis=1)
    return np.asarray(names[counts.argmax(axis=1)], dtype=np.int64)


def _words(rows: pd.DataFrame, classes: Sequence[str]) -> str:
    """Return among which class a group was and is, of which sets it is, and what is answered."""
    was, now = (classes[int(rows[column].iloc[0])] for column in ("was", "now"))
    sets = [f"{n} {SET_NAMES[str(name)]}" for name, n in rows["set"].value_counts().items()]
    answers = [
        f"{classes[int(str(c))]} ({n})" for c, n in rows["prediction"].value_counts()[:3].items()
    ]
    return (
        f"{len(rows)} examples from among class {was} to among class {now}: {', '.join(sets)}; "
        f"answered {', '.join(answers)}"
    )
