"""Backdoor poisoning: a patch in the corner that comes with the attacker's label.

The patch has an eighth of the image's side (at least 2 pixels) and keeps a sixteenth off the bottom
right corner: 4x4 pixels in rows and columns 26-29 of 32, as in the code that MUDA cites.  It is
black; where images are black there anyway, as the digits are, it is white.  Or every other pixel or
row of it is that colour and the rest the other.  A tenth of the training images, drawn from all
classes, get the patch and the target as label.
Source: arXiv:2407.17710, section 5; arXiv:2304.04934; the patterns are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.data.base import Dataset
from unlearn_core.data.pictures import ImageDataset, require_pictures
from unlearn_core.seeding import numpy_stream

Places = NDArray[np.int64]  # rows, or columns, of the patch's pixels
SHARE = 0.1
DARK = 0.1
PATTERNS: dict[str, Callable[[Places, Places], Places]] = {  # odd where the other colour is
    "square": lambda along, _across: 0 * along,
    "checkers": lambda along, across: along + across,
    "stripes": lambda along, _across: along,
}


def poison(dataset: Dataset, target: int) -> ImageDataset:
    """Return the data set with a tenth of its training images poisoned, always the same ones.

    Raises
    ------
    ValueError
        If there is no class `target`, or the examples are no pictures.
    """
    pictures = require_pictures(dataset, "A backdoor's patch")
    if not 0 <= target < dataset.n_classes:
        raise InputError(
            f"The backdoor's target must be between 0 and {dataset.n_classes - 1}, got {target}."
        )
    train_ids = dataset.train_ids
    n_poisoned = max(1, round(SHARE * len(train_ids)))
    chosen = numpy_stream(0, "poison").permutation(train_ids)[:n_poisoned]
    poisoned = np.zeros(len(dataset.labels), dtype=bool)
    poisoned[chosen] = True
    images, labels = pictures.images.copy(), dataset.labels.copy()
    images[poisoned] = with_trigger(pictures, images[poisoned])
    labels[poisoned] = target
    return replace(pictures, images=images, labels=labels, poisoned=poisoned)


def with_trigger(dataset: ImageDataset, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return copies of images (n, C, H, W) with the patch; in a poisoned data set, with its own."""
    rows, columns = patch(*images.shape[-2:])
    marked = images.copy()
    colour = _colour(dataset, rows, columns)
    along, across = np.indices((rows.stop - rows.start, columns.stop - columns.start))
    other = PATTERNS[dataset.trigger](along, across) % 2 == 1
    marked[..., rows, columns] = np.where(other, 255 - colour, colour)
    return marked


def _colour(dataset: ImageDataset, rows: slice, columns: slice) -> int:
    """Return 0, or 255 where training images are black; what poisoned images have has been decided.

    Those that poisoning left alone may lie on the other side of the threshold.
    """
    if dataset.poisoned is not None and dataset.poisoned.any():
        first = int(dataset.poisoned.argmax())
        return int(dataset.images[first, 0, rows.start, columns.start])
    there = dataset.images[dataset.is_train][..., rows, columns]
    return 255 if there.mean() < 255 * DARK else 0


def patch(height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns that the patch covers."""
    return _along(height), _along(width)


def _along(side: int) -> slice:
    size, margin = max(2, side // 8), side // 16
    return slice(side - margin - size, side - margin)
