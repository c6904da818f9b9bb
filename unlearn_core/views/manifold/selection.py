"""What is selected on the maps: the examples, what every model predicts, and the export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from unlearn_core.data import Dataset
from unlearn_core.views.examples import answer_names
from unlearn_core.views.manifold.points import PARTS
from unlearn_core.views.names import SET_NAMES
from unlearn_core.views.samples import neighbours_text


def selection_table(
    points: pd.DataFrame, ids: Sequence[int], names: Mapping[str, str], classes: Sequence[str]
) -> pd.DataFrame:
    """Return one row a selected example: `id`, `set`, `label`, and what each run predicts.

    `names` maps run keys to labels. Each gives the columns "<label>" (predicted class) and
    "<label> p" (its probability).
    """
    table, wide = _selected(points, ids, classes)
    for key, name in names.items():
        table[name] = answer_names(wide["prediction"][key], classes)
        table[f"{name} p"] = wide["probability"][key].to_numpy()
    return table


def export_table(
    points: pd.DataFrame, ids: Sequence[int], names: Mapping[str, str], classes: Sequence[str]
) -> pd.DataFrame:
    """Return `selection_table` with machine-readable sets and the positions on the maps."""
    table, wide = _selected(points, ids, classes)
    table["set"] = wide["set"][next(iter(names))].to_numpy()
    for key, name in names.items():
        table[f"{name}: predicted"] = answer_names(wide["prediction"][key], classes)
        for column in ("probability", "x", "y"):
            table[f"{name}: {column}"] = wide[column][key].to_numpy()
    return table


def _selected(
    points: pd.DataFrame, ids: Sequence[int], classes: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    wide = points[points["example_id"].isin(list(ids))].pivot_table(
        index="example_id",
        columns="run",
        values=["set", "label", "prediction", "probability", "x", "y"],
        aggfunc="first",
    )
    first = points["run"].iloc[0]
    table = pd.DataFrame(
        {
            "id": wide.index.to_numpy(),
            "set": [SET_NAMES[name] for name in wide["set"][first]],
            "label": [classes[label] for label in wide["label"][first]],
        }
    )
    return table, wide


def training_ids(points: pd.DataFrame, ids: Sequence[int]) -> list[int]:
    """Return those of `ids` that are training examples, which alone can be forgotten."""
    is_train = points["set"].isin(PARTS["train"])
    known = points.loc[is_train & points["example_id"].isin(list(ids)), "example_id"]
    return sorted({int(i) for i in known})


def left_out_words(ids: Sequence[int], training: Sequence[int]) -> str:
    """Return how many of `ids` cannot be forgotten, in words; "" where all can.

    >>> left_out_words([1, 2, 3], [1, 2, 3])
    ''
    """
    n_left = len(ids) - len(training)
    if not n_left:
        return ""
    return (
        f"{n_left} of these are test examples, which were never learned: they are left out when "
        "these are forgotten."
    )


def selection_words(points: pd.DataFrame, ids: Sequence[int]) -> str:
    """Return how many examples of each set are selected, in words."""
    chosen = points[points["example_id"].isin(list(ids))].drop_duplicates("example_id")
    counts = chosen["set"].value_counts()
    parts = [f"{counts[name]} {text}" for name, text in SET_NAMES.items() if name in counts]
    return f"{len(chosen)} selected: {', '.join(parts)}"


def neighbour_lines(
    names: Mapping[str, str], neighbours: Mapping[str, Sequence[int]], dataset: Dataset
) -> str:
    """Return of which classes an example's neighbours are in each run, such as "MUDA 3 x 7"."""
    return "; ".join(
        f"{label} {neighbours_text([dataset.class_names[c] for c in dataset.labels[list(ids)]])}"
        for key, label in names.items()
        if (ids := neighbours.get(key))
    )
