"""Interclass confusion: training examples of two classes whose labels are swapped.

A forget set whose truth is known: what it teaches is wrong, and who never saw it does not confuse
the two classes more than they are alike.  Half of the examples are of either class.
Source: Goel et al. (2022), arXiv:2201.06640.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unlearn_core.checks import InputError
from unlearn_core.data.base import Dataset
from unlearn_core.seeding import numpy_stream


def confuse(dataset: Dataset, first: int, second: int, n_examples: int) -> Dataset:
    """Return the data set with the labels of `n_examples` of both classes swapped.

    They are always the same ones; of an odd number one more is of the first class.

    Raises
    ------
    InputError
        If there is no such class, or one has too few training examples.
    """
    if not 0 <= first < second < dataset.n_classes:
        raise InputError(
            f"Classes to confuse must be two from 0 to {dataset.n_classes - 1}, "
            f"got {first} and {second}."
        )
    labels = dataset.labels.copy()
    mislabelled = np.zeros(len(labels), dtype=bool)
    pairs = ((first, second, -(-n_examples // 2)), (second, first, n_examples // 2))
    for own, other, n_swapped in pairs:
        members = dataset.train_ids[dataset.labels[dataset.train_ids] == own]
        if n_swapped >= len(members):
            raise InputError(
                f"At most {len(members) - 1} of class {own} can be mislabelled, got {n_swapped}."
            )
        chosen = numpy_stream(0, f"confused {own}").permutation(members)[:n_swapped]
        labels[chosen] = other
        mislabelled[chosen] = True
    return replace(dataset, labels=labels, mislabelled=mislabelled)
