"""Reading image data sets from the layouts of files that are in common use.

Tried in this order: Hugging Face parquet files, the data set's own official files, an image
folder.  What is in none of them may be fetched (`loading.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.data.base import DataNotFoundError
from unlearn_core.data.decoding import IMAGE_SUFFIXES, decode, file_pictures, image_files
from unlearn_core.data.parquet import TEST_NAMES, files_of, read_columns, read_names, read_pictures
from unlearn_core.data.pictures import ImageDataset


@dataclass(frozen=True, kw_only=True)
class Split:
    """The training or the test split of a data set: one row per image."""

    images: NDArray[np.uint8]
    columns: dict[str, NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Splits:
    """The training and the test split of a data set, and the names of each column of labels."""

    train: Split
    test: Split
    names: dict[str, Sequence[str]]


Native = Callable[[Path], Splits | None]


def read_splits(
    folder: Path, channels: int, size: int, *, native: Native | None = None, hint: str = ""
) -> Splits:
    """Read a data set from the first layout that is there, with one column `label` at least.

    Parameters
    ----------
    folder : Path
    channels, size : int
        What every image is converted to.
    native : callable, optional
        Reads the official files from the folder; None where they are not there.
    hint : str
        A sentence for a person who does not have the data: how to lay it out.

    Raises
    ------
    DataNotFoundError
        If no layout is there.
    ValueError
        If a file of the layout cannot be used.
    """
    splits = (
        _from_parquet(folder, channels, size)
        or (native(folder) if native else None)
        or _from_folders(folder, channels, size)
    )
    if splits is None:
        raise missing(folder.name, folder, hint)
    return splits


def _from_parquet(folder: Path, channels: int, size: int) -> Splits | None:
    if not files_of(folder, "train"):
        return None
    test_name = next((name for name in TEST_NAMES if files_of(folder, name)), None)
    if test_name is None:
        raise MissingFileError(f"{folder} holds train-*.parquet; test-*.parquet is missing.")
    train, test = (
        _read_split(files_of(folder, name), channels, size) for name in ("train", test_name)
    )
    for split in (train, test):
        if "label" not in split.columns:
            raise InputError(f"{folder} has no column `label`; it has {sorted(split.columns)}.")
    numbered = {
        column: [str(label) for label in range(int(values.max()) + 1)]
        for column, values in train.columns.items()
    }
    return Splits(train=train, test=test, names={**numbered, **read_names(folder)})


def _from_folders(folder: Path, channels: int, size: int) -> Splits | None:
    tests = [folder / name for name in ("test", "val") if (folder / name).is_dir()]
    if not (folder / "train").is_dir() or not tests:
        return None
    train, names = read_image_folder(folder / "train", channels, size)
    test, test_names = read_image_folder(tests[0], channels, size)
    if names != test_names:
        raise InputError(
            f"{folder} must have the same classes in train and {tests[0].name}, got "
            f"{list(names)} and {list(test_names)}."
        )
    return Splits(train=train, test=test, names={"label": names})


def read_parquet(folder: Path, split: str, channels: int, size: int) -> Split | None:
    """Read `<split>-*.parquet` in the Hugging Face image layout, or None where there is none."""
    files = files_of(folder, split)
    return _read_split(files, channels, size) if files else None


def _read_split(files: Sequence[Path], channels: int, size: int) -> Split:
    n_images, columns = read_columns(files)
    return Split(images=decode(read_pictures(files), n_images, channels, size), columns=columns)


def read_image_folder(folder: Path, channels: int, size: int) -> tuple[Split, tuple[str, ...]]:
    """Read `<folder>/<class name>/*.png`, classes and files in alphabetical order."""
    folders = (entry.name for entry in folder.iterdir() if entry.is_dir())
    class_names = tuple(sorted(name for name in folders if not name.startswith(".")))
    if len(class_names) < 2:
        raise InputError(
            f"{folder} must hold one folder per class, at least two, got {list(class_names)}."
        )
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        of_class = image_files(folder / name)
        if not of_class:
            raise InputError(f"{folder / name} holds no image ({', '.join(IMAGE_SUFFIXES)}).")
        files += of_class
        labels += [label] * len(of_class)
    return Split(
        images=decode_files(files, channels, size),
        columns={"label": np.asarray(labels, dtype=np.int64)},
    ), class_names


def decode_files(files: Sequence[Path], channels: int, size: int) -> NDArray[np.uint8]:
    """Return the images in these files as an array (n_files, channels, size, size)."""
    return decode(file_pictures(files), len(files), channels, size)


def join(
    train: Split,
    test: Split,
    class_names: Sequence[str],
    *,
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
    label: str = "label",
    subclass: str | None = None,
    subclass_names: Sequence[str] = (),
) -> ImageDataset:
    """Join both splits: training examples have the ids 0, 1, ..., test examples follow.

    `label` and `subclass` name the columns that hold them; `statistics` are mean and standard
    deviation per channel, measured on the training images where not given.
    """
    labels = np.concatenate([train.columns[label], test.columns[label]])
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise InputError(
            f"Labels must be between 0 and {len(class_names) - 1}, got {labels.min()} "
            f"to {labels.max()}."
        )
    is_train = np.arange(len(labels)) < len(train.images)
    if statistics is None:
        pixels = train.images / np.float32(255)
        axes = (0, 2, 3)  # added up in float64: float32 rounds sums of many pixels
        mean = pixels.mean(axis=axes, dtype=np.float64)
        std = pixels.std(axis=axes, dtype=np.float64)
        statistics = tuple(map(float, mean)), tuple(map(float, std))
    fine = None
    if subclass is not None:
        fine = np.concatenate([train.columns[subclass], test.columns[subclass]])
    return ImageDataset(
        images=np.concatenate([train.images, test.images]),
        labels=labels,
        is_train=is_train,
        is_test=~is_train,
        class_names=tuple(class_names),
        mean=statistics[0],
        std=statistics[1],
        subclass_labels=fine,
        subclass_names=tuple(subclass_names),
    )


def missing(name: str, folder: Path, hint: str = "") -> DataNotFoundError:
    """Return the error that tells a person where the data was looked for."""
    return DataNotFoundError(
        f"The data set {name!r} is not in {folder} (looked for train-*.parquet with "
        "test-*.parquet, the official files, and images in train/<class>/ with test/<class>/ "
        f"or val/<class>/). {hint}{' ' if hint else ''}"
        "Set UNLEARN_DATA to the folder with one folder a data set."
    )
