"""The small maps of the Overview: positions, class and set of each example, for a few models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from unlearn_core.data import Dataset
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact

MOST_KEPT = 700  # points of the retained classes in each small map


def small_map(run: RunArtefact, dataset: Dataset, sets: Sets) -> pd.DataFrame:
    """Return `title`, `example_id`, `x`, `y`, `class_name`, `label` and `is_forget` by example.

    Training examples only; every forgotten one and an even choice of the others.  Empty where
    the run has no map.
    """
    columns = ["title", "example_id", "x", "y", "class_name", "label", "is_forget"]
    file = run.map_facts.get("file")
    if not file or not run.has(file):
        return pd.DataFrame(columns=columns)
    table = run.table(file)
    ids = table["example_id"].to_numpy()
    kept = np.flatnonzero(sets.retain[ids])
    stride = max(1, int(np.ceil(len(kept) / MOST_KEPT)))
    rows = np.concatenate([kept[::stride], np.flatnonzero(sets.forget[ids])])
    chosen = table.iloc[rows].reset_index(drop=True)
    ids = chosen["example_id"].to_numpy()
    labels = dataset.labels[ids]
    return chosen.assign(
        title=run.label,
        class_name=[dataset.class_names[number] for number in labels],
        label=labels,
        is_forget=sets.forget[ids],
    )[columns]
