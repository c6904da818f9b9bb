"""Tiny-ImageNet: 64x64 colour images of 200 classes, 500 + 50 each, or of some of them.

The test set is the official validation set; the official test set has no labels.  Classes are in
alphabetical order of their WordNet ids.
Source: Stanford CS231n, "Tiny ImageNet Visual Recognition Challenge", 2015.  The channel
statistics are those in common use for all 200 classes, and are used for some of them too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unlearn_core.checks import InputError
from unlearn_core.data.base import AS_PHOTOGRAPHS, Dataset, register_dataset
from unlearn_core.data.sources import (
    Split,
    Splits,
    decode_files,
    join,
    read_image_folder,
    read_splits,
)
from unlearn_core.data.wordnet import class_names

STATISTICS = (0.4802, 0.4481, 0.3975), (0.2770, 0.2691, 0.2821)
SIZE = 64


@register_dataset(
    "tiny_imagenet",
    label="Tiny-ImageNet",
    source="Stanford CS231n 2015",
    width=32,
    **AS_PHOTOGRAPHS,
    n_train=100_000,
    side=SIZE,
    may_be_shown=False,  # ImageNet's terms: no copies for others
)
def load_tiny_imagenet(folder: Path) -> Dataset:
    """Read Tiny-ImageNet; its grey images become coloured ones."""
    hint = "Unpack the official archive there, so that train/, val/ and words.txt lie in it."
    splits = read_splits(folder, 3, SIZE, native=_official, hint=hint)
    names = class_names(folder, splits.names["label"])
    return join(splits.train, splits.test, names, statistics=STATISTICS)


def _official(folder: Path) -> Splits | None:
    """Read `train/<wnid>/images/` and `val/images/` with their annotations, if they are there."""
    annotations = folder / "val" / "val_annotations.txt"
    if not annotations.is_file() or not (folder / "train").is_dir():
        return None
    train, wnids = read_image_folder(folder / "train", 3, SIZE)
    return Splits(train=train, test=_validation(annotations, wnids), names={"label": wnids})


def _validation(annotations: Path, wnids: tuple[str, ...]) -> Split:
    """Read the images that the file names, one a line: name, id, and a box that is not used."""
    lines = annotations.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line.strip()]
    number = {wnid: label for label, wnid in enumerate(wnids)}
    strangers = sorted({row[1] if len(row) > 1 else row[0] for row in rows} - set(number))
    if strangers or not rows:
        raise InputError(
            f"{annotations} must name images of the classes in train/, got "
            f"{strangers[0] if strangers else 'none'}."
        )
    files = [annotations.parent / "images" / row[0] for row in rows]
    absent = next((file for file in files if not file.is_file()), None)
    if absent is not None:
        raise InputError(f"{annotations} names {absent.name}, but there is no {absent}.")
    labels = np.asarray([number[row[1]] for row in rows], dtype=np.int64)
    return Split(images=decode_files(files, 3, SIZE), columns={"label": labels})
