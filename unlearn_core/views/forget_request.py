"""What a person asks to forget: ids read from text, the sets it makes, pages of a gallery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, RunConfig
from unlearn_core.data import Dataset
from unlearn_core.records import Sets
from unlearn_core.views.names import SET_SYMBOLS

RANDOM_EXAMPLES = 128  # offered at first, or fewer where the data set is small
SET_CONTENT = {
    "forget": "Training examples to forget.",
    "retain": "Training examples to retain.",
    "forget_test": "Test examples of what is forgotten; none where single examples are forgotten.",
    "retain_test": "The other test examples.",
}


def next_class(known: Iterable[RunConfig], data: DataConfig, n_classes: int, first: int) -> int:
    """Return the first class of some data that none of the known configs forgets alone.

    Classes are tried from `first` on, and those before it last; `first` where all are forgotten.
    """
    same = (data.name, data.train_examples)
    forgotten = {
        config.forget.values
        for config in known
        if config.forget.kind == "class" and (config.data.name, config.data.train_examples) == same
    }
    order: list[int] = [*range(first, n_classes), *range(min(first, n_classes))]
    left = [number for number in order if (number,) not in forgotten]
    return (left or order)[0]


def parse_ids(text: str) -> list[int]:
    """Return the ids in a text, ascending and once each.

    Raises
    ------
    ValueError
        If something in it is not a whole number.

    Examples
    --------
    >>> parse_ids("7, 3 3; 12")
    [3, 7, 12]
    """
    parts = [part for part in re.split(r"[\s,;]+", text.strip().strip("[]")) if part]
    for part in parts:
        if not part.isdecimal():
            raise InputError(f"Example ids are whole numbers with commas, got {part!r}.")
    return sorted({int(part) for part in parts})


def set_sizes(sets: Sets) -> list[tuple[str, str, str]]:
    """Return each set's symbol, its number of images as text, and what it holds."""
    return [
        (SET_SYMBOLS[name], f"{int(getattr(sets, name).sum()):,}", content)
        for name, content in SET_CONTENT.items()
    ]


def keyword_sizes(word: str, sets: Sets) -> str:
    """Return how many texts of each part contain a keyword, and their share, in one sentence."""
    train, test = (
        f"{int(has.sum()):,} of {int((has | lacks).sum()):,} {name} texts "
        f"({has.sum() / (has | lacks).sum():.1%})"
        for name, has, lacks in (
            ("training", sets.forget, sets.retain),
            ("test", sets.forget_test, sets.retain_test),
        )
    )
    return f"{train} and {test} contain the word {word!r}."


def random_default(dataset: Dataset) -> int:
    """Return how many random images to offer to forget at first."""
    return max(1, min(RANDOM_EXAMPLES, len(dataset.train_ids) // 10))


def training_ids(dataset: Dataset, label: int | None = None) -> list[int]:
    """Return the ids of the training examples, of one class where it is given."""
    mask = dataset.is_train if label is None else dataset.is_train & (dataset.labels == label)
    return [int(i) for i in np.flatnonzero(mask)]


def spread(mask: NDArray[np.bool_], most: int) -> list[int]:
    """Return at most so many ids of a set, evenly spaced over it."""
    ids = np.flatnonzero(mask)
    positions = np.linspace(0, len(ids) - 1, min(most, len(ids))).round().astype(int)
    return [int(i) for i in ids[positions]]


def page_count(n_examples: int, size: int) -> int:
    """Return the number of pages, at least one."""
    return max(1, -(-n_examples // size))


def page_of(ids: Sequence[int], number: int, size: int) -> list[int]:
    """Return the ids on a page; pages count from 1."""
    start = (number - 1) * size
    return list(ids[start : start + size])
