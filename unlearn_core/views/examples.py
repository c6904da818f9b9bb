"""Single examples in several models: what each answers, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.data import Dataset
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import ARRAYS, RunArtefact
from unlearn_core.views.names import SET_NAMES


def with_outputs(runs: Sequence[RunArtefact]) -> list[RunArtefact]:
    """Return the runs whose outputs are kept; of shipped ones some may be left out."""
    return [run for run in runs if run.has(ARRAYS)]


def rows_of(ids: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of `ids` stands in `among`; `KeyError` where one is not in it."""
    order = np.argsort(among, kind="stable")
    ordered = among[order]
    places = np.minimum(np.searchsorted(ordered, ids), len(among) - 1)
    if (is_missing := ordered[places] != ids).any():
        raise KeyError(f"The example {ids[is_missing][0]} was not recorded.")
    return order[places]


def kept_sets(runs: Sequence[RunArtefact], sets: Sets) -> Sets:
    """Return the sets with those examples alone whose outputs each of the runs has kept."""
    for run in with_outputs(runs):
        sets = sets.among(run.predictions().example_ids)
    return sets


def recorded_in(run: RunArtefact, sets: Sets, names: Sequence[str]) -> NDArray[np.bool_]:
    """Say which of the run's recorded examples belong to one of the named sets."""
    ids = run.predictions().example_ids
    return np.asarray(np.isin(sets.names()[ids], list(names)))


def answers_table(
    runs: Sequence[RunArtefact], ids: Sequence[int], dataset: Dataset, sets: Sets
) -> pd.DataFrame:
    """Return one row an example: `id`, `set`, `label`, and what each run answers.

    Each run gives the columns "<label>" (predicted class) and "<label> p" (its probability).
    """
    wanted = np.asarray(ids, dtype=np.int64)
    columns: dict[str, object] = {
        "id": wanted,
        "set": [SET_NAMES.get(name, "") for name in sets.names()[wanted]],
        "label": [dataset.class_names[label] for label in dataset.labels[wanted]],
    }
    for run in runs:
        recorded = run.predictions()
        rows = rows_of(wanted, recorded.example_ids)
        predicted = recorded.predictions[rows]
        columns[run.label] = [dataset.class_names[number] for number in predicted]
        columns[f"{run.label} p"] = recorded.probabilities[rows].max(axis=1)
    return pd.DataFrame(columns)


def picture_caption(example_id: int, dataset: Dataset, sets: Sets) -> str:
    """Return what stands under a picture, such as "id 17, class 9 ◆"; the mark is that of maps.

    It stands for an example to forget, or a test example of a class to forget.
    """
    name = dataset.class_names[dataset.labels[example_id]]
    mark = " ◆" if (sets.forget | sets.forget_test)[example_id] else ""
    return f"id {example_id}, class {name}{mark}"
