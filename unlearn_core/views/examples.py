"""Single examples in several models: what each answers, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.data import Dataset
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import ARRAYS, NO_CLASS, RunArtefact
from unlearn_core.views.names import SET_NAMES

NEXT_TOKENS = "next tokens"


def answer_names(predictions: Iterable[int], classes: Sequence[str]) -> list[str]:
    """Return the names of the classes that are answered; what a language model answers with."""
    return [NEXT_TOKENS if number == NO_CLASS else classes[number] for number in predictions]


def without_classes(runs: Sequence[RunArtefact]) -> str:
    """Say why nothing can be told of classes that models answer; "" where it can."""
    if all(run.predictions().tokens is None for run in runs):
        return ""
    return (
        "These are language models: they answer with the next word, so there is no class that they "
        "get right or wrong. How well they know the texts stands on Metrics, as perplexity, and "
        "token by token on Samples."
    )


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

    Each run gives the columns "<label>" (predicted class; of a language model the perplexity of the
    text) and "<label> p" (its probability).
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
        sure = recorded.sureness[rows]
        columns[run.label] = answer_names(recorded.predictions[rows], dataset.class_names)
        if recorded.tokens is not None:
            columns[run.label] = [f"PPL {1 / each:,.0f}" for each in sure]
        columns[f"{run.label} p"] = sure
    return pd.DataFrame(columns)


def picture_caption(example_id: int, dataset: Dataset, sets: Sets) -> str:
    """Return what stands under a picture, such as "id 17, class 9 ◆"; the mark is that of maps.

    It stands for an example to forget, or a test example of a class to forget.  Where the label is
    not the class, as of a poisoned picture, it is "labelled" so.
    """
    name = dataset.class_names[dataset.labels[example_id]]
    wrong = (dataset.poisoned, dataset.mislabelled)
    is_wrong = any(mask is not None and mask[example_id] for mask in wrong)
    mark = " ◆" if (sets.forget | sets.forget_test)[example_id] else ""
    return f"id {example_id}, {'labelled' if is_wrong else 'class'} {name}{mark}"
