"""Reading image data sets from disk in the layouts of design.md section 4.

Tried in this order: Hugging Face parquet files, the layout that torchvision reads, an image
folder, a download by torchvision.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearn_core.data.base import Dataset

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


@dataclass(frozen=True, kw_only=True)
class Part:
    """The training or the test half of a data set: one row per image."""

    images: NDArray[np.uint8]
    columns: dict[str, NDArray[np.int64]]


def to_array(image: Image.Image, channels: int, size: int) -> NDArray[np.uint8]:
    """Return a (channels, size, size) array, converting mode and resizing where needed."""
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _decode(content: bytes, channels: int, size: int, where: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return to_array(image, channels, size)
    except OSError as error:
        raise ValueError(f"{where} is not a readable image.") from error


def read_parquet(folder: Path, part: str, channels: int, size: int) -> Part | None:
    """Read `<part>-*.parquet` in the Hugging Face image layout, or None where there is none."""
    files = sorted(folder.glob(f"{part}-*.parquet"))
    if not files:
        return None
    import pyarrow.parquet as pq

    images: list[NDArray[np.uint8]] = []
    columns: dict[str, list[int]] = {}
    for file in files:
        try:
            table = pq.read_table(file)
        except (OSError, ValueError) as error:
            raise ValueError(f"{file} is not a readable parquet file: {error}") from error
        if "image" not in table.column_names:
            raise ValueError(f"{file} has no column `image`; it has {table.column_names}.")
        for row, value in enumerate(table.column("image").to_pylist()):
            images.append(_decode(value["bytes"], channels, size, f"Row {row} of {file}"))
        for name in table.column_names:
            if name != "image":
                columns.setdefault(name, []).extend(table.column(name).to_pylist())
    return Part(
        images=np.stack(images),
        columns={name: np.asarray(column, dtype=np.int64) for name, column in columns.items()},
    )


def read_class_file(folder: Path) -> dict[str, Any]:
    """Read `classes.json` beside parquet files; an empty dict where there is none."""
    file = folder / "classes.json"
    if not file.is_file():
        return {}
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def read_image_folder(folder: Path, channels: int, size: int) -> tuple[Part, tuple[str, ...]]:
    """Read `<folder>/<class name>/*.png`, classes and files in alphabetical order."""
    class_names = tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))
    if len(class_names) < 2:
        raise ValueError(
            f"{folder} must hold one folder per class, at least two, got {list(class_names)}."
        )
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        files = [f for f in sorted((folder / name).iterdir()) if f.suffix.lower() in IMAGE_SUFFIXES]
        if not files:
            raise ValueError(f"{folder / name} holds no image ({', '.join(IMAGE_SUFFIXES)}).")
        for file in files:
            images.append(_decode(file.read_bytes(), channels, size, str(file)))
            labels.append(label)
    return Part(images=np.stack(images), columns={"label": np.asarray(labels)}), class_names


def join(
    train: Part,
    test: Part,
    class_names: Sequence[str],
    *,
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
    label: str = "label",
    subclass: str | None = None,
    subclass_names: Sequence[str] = (),
) -> Dataset:
    """Join both halves: training examples have the ids 0, 1, ..., test examples follow.

    `label` and `subclass` name the columns that hold them; `statistics` are mean and standard
    deviation per channel, measured on the training images where not given.
    """
    labels = np.concatenate([train.columns[label], test.columns[label]])
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise ValueError(
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
    return Dataset(
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


def missing(name: str, folder: Path, why: str) -> FileNotFoundError:
    """Return the error that tells a person where the data was looked for."""
    return FileNotFoundError(
        f"The data set {name!r} is not in {folder} (looked for train-*.parquet, torchvision's "
        f"files, and train/<class>/ images) and could not be downloaded: {why}. "
        "Set UNLEARN_DATA to the folder that holds it."
    )
