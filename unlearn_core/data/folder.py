"""A person's own images: `<UNLEARN_DATA>/folder/{train,test}/<class>/*.png`, or parquet files.

The images' size is that of the first one, at most 64 pixels; one channel where that one is
grey.  Every image is converted to it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from unlearn_core.config import TrainingConfig
from unlearn_core.data.base import Dataset, register_dataset
from unlearn_core.data.sources import (
    IMAGE_SUFFIXES,
    Part,
    join,
    missing,
    read_class_file,
    read_image_folder,
    read_parquet,
)

LARGEST = 64


@register_dataset(
    "folder",
    label="Your own images",
    source="a folder of images, one folder per class",
    recipe=TrainingConfig(epochs=30, batch_size=64, learning_rate=0.05),
    width=16,
)
def load_folder(folder: Path) -> Dataset:
    """Read the images; classes are folders, or `label` numbers in parquet files."""
    if list(folder.glob("train-*.parquet")):
        return _parquet(folder)
    if not (folder / "train").is_dir() or not (folder / "test").is_dir():
        raise missing("folder", folder, "it is your own data")
    channels, size = _shape_of_first(folder / "train")
    train, names = read_image_folder(folder / "train", channels, size)
    test, test_names = read_image_folder(folder / "test", channels, size)
    if names != test_names:
        raise ValueError(
            f"{folder} must have the same classes in train and test, got {list(names)} and "
            f"{list(test_names)}."
        )
    return join(train, test, names)


def _parquet(folder: Path) -> Dataset:
    train, test = (read_parquet(folder, part, 3, 32) for part in ("train", "test"))
    if train is None or test is None:
        raise missing("folder", folder, "test-*.parquet is missing")
    if "label" not in train.columns:
        raise ValueError(f"{folder} has no column `label`; it has {sorted(train.columns)}.")
    listed = read_class_file(folder).get("label")
    return join(train, test, listed or _numbered(train))


def _numbered(train: Part) -> list[str]:
    return [str(label) for label in np.arange(train.columns["label"].max() + 1)]


def _shape_of_first(folder: Path) -> tuple[int, int]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in IMAGE_SUFFIXES:
            with Image.open(file) as image:
                return (1 if image.mode == "L" else 3), min(LARGEST, max(image.size))
    raise ValueError(f"{folder} holds no image ({', '.join(IMAGE_SUFFIXES)}).")
