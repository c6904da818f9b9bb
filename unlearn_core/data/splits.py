"""Splitting a data set by a forget request into D_f, D_r and their test sets D_ft, D_rt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.config import ForgetConfig
from unlearn_core.data import difficulty
from unlearn_core.data.base import Dataset
from unlearn_core.data.texts import TextDataset
from unlearn_core.records import Sets
from unlearn_core.seeding import numpy_stream


def split(dataset: Dataset, forget: ForgetConfig) -> Sets:
    """Return the masks, of shape (n_examples,), that a forget request stands for.

    A class, subclass or keyword also splits the test set; other requests leave it whole.
    Random examples are the same for every method and every seed of a run; `forget.seed` draws
    others, and `forget.difficulty` from a part of the training set (`difficulty.draw`).

    Raises
    ------
    ValueError
        If the request names classes or examples that do not exist, forgets nothing, or
        leaves nothing to retain.
    """
    none = np.zeros(len(dataset.labels), dtype=bool)
    chosen, chosen_test = _CHOOSE[forget.kind](dataset, forget, none)
    sets = Sets(
        forget=chosen & dataset.is_train,
        retain=~chosen & dataset.is_train,
        forget_test=chosen_test & dataset.is_test,
        retain_test=~chosen_test & dataset.is_test,
    )
    if forget.kind != "none" and not sets.forget.any():
        raise InputError(f"The forget request {describe(forget)} matches no training example.")
    if not sets.retain.any():
        raise InputError(f"The forget request {describe(forget)} leaves nothing to retain.")
    return sets


def describe(forget: ForgetConfig) -> str:
    """Return the request as the command line spells it, such as ``class 3``."""
    first = ",".join(str(value) for value in forget.values[:8])
    more = f",... ({len(forget.values)} in all)" if len(forget.values) > 8 else ""
    draw = f", draw {forget.seed}" if forget.seed else ""
    hard = f" of {forget.difficulty} difficulty" if forget.difficulty != "any" else ""
    word = f" {forget.keyword}" if forget.keyword else ""
    return f"{forget.kind}{word} {first}{more}{hard}{draw}".strip()


Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def _by_label(
    labels: NDArray[np.int64] | None, values: tuple[int, ...], n_labels: int, what: str
) -> Masks:
    if labels is None:
        raise InputError("This data set has no subclasses; choose a class or examples instead.")
    if max(values) >= n_labels:
        raise InputError(f"{what} must be between 0 and {n_labels - 1}, got {max(values)}.")
    mask = np.isin(labels, values)
    return mask, mask


def _classes(data: Dataset, forget: ForgetConfig, _none: NDArray[np.bool_]) -> Masks:
    return _by_label(data.labels, forget.values, data.n_classes, "Forget class")


def _subclasses(data: Dataset, forget: ForgetConfig, _none: NDArray[np.bool_]) -> Masks:
    n_subclasses = len(data.subclass_names)
    return _by_label(data.subclass_labels, forget.values, n_subclasses, "Forget subclass")


def _ids(data: Dataset, forget: ForgetConfig, none: NDArray[np.bool_]) -> Masks:
    n_examples, values = len(data.labels), forget.values
    if max(values) >= n_examples:
        raise InputError(f"Example ids must be between 0 and {n_examples - 1}, got {max(values)}.")
    mask = none.copy()
    mask[list(values)] = True
    strangers = np.flatnonzero(mask & ~data.is_train)
    if len(strangers):
        raise InputError(
            f"Only training examples can be forgotten, got {len(strangers)} that are not, "
            f"such as {strangers[0]}."
        )
    return mask, none


def _random(data: Dataset, forget: ForgetConfig, none: NDArray[np.bool_]) -> Masks:
    n_forget, n_train = forget.values[0], len(data.train_ids)
    if not 0 < n_forget < n_train:
        raise InputError(
            f"The number of random examples to forget must be between 1 and {n_train - 1}, "
            f"got {n_forget}."
        )
    mask = none.copy()
    random = numpy_stream(forget.seed, "random forget set")
    if forget.difficulty == "any":
        mask[random.permutation(data.train_ids)[:n_forget]] = True
    else:
        mask[difficulty.draw(data, n_forget, forget.difficulty, random)] = True
    return mask, none


def _backdoor(data: Dataset, forget: ForgetConfig, none: NDArray[np.bool_]) -> Masks:
    if data.poisoned is None:
        target = forget.values[0]
        raise InputError(f"Forgetting a backdoor to {target} needs data poisoned with it.")
    return data.poisoned, none


def _confusion(data: Dataset, forget: ForgetConfig, none: NDArray[np.bool_]) -> Masks:
    if data.mislabelled is None:
        both = " and ".join(str(value) for value in forget.values[:2])
        raise InputError(f"Forgetting a confusion of {both} needs data whose labels are swapped.")
    return data.mislabelled, none


def _keyword(data: Dataset, forget: ForgetConfig, _none: NDArray[np.bool_]) -> Masks:
    if not isinstance(data, TextDataset):
        raise InputError("A keyword is looked for in texts; these examples are none.")
    mask = data.containing(forget.keyword)
    if not (mask & data.is_train).any():
        raise InputError(f"No training text contains the word {forget.keyword!r}.")
    return mask, mask


def _nothing(_d: Dataset, _f: ForgetConfig, none: NDArray[np.bool_]) -> Masks:
    return none, none


_CHOOSE = {
    "none": _nothing,
    "class": _classes,
    "subclass": _subclasses,
    "ids": _ids,
    "random": _random,
    "backdoor": _backdoor,
    "confusion": _confusion,
    "keyword": _keyword,
}
