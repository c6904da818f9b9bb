"""Fashion-MNIST: 60,000 + 10,000 grey 28x28 images of 10 kinds of clothes.

Source: H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747.  Mean and standard deviation are those
of the 60,000 training images.
"""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.data.base import AS_PHOTOGRAPHS, Dataset, register_dataset
from unlearn_core.data.fetching import fetch_with_torchvision
from unlearn_core.data.sources import Split, Splits, join, read_splits

STATISTICS = (0.2860,), (0.3530,)
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIZE = 28
IDX_BYTES = b"\0\0\x08"  # how an IDX file of unsigned bytes begins; the number of axes follows


def fetch_fashion_mnist(folder: Path) -> None:
    """Download the four official files."""
    fetch_with_torchvision(folder, "FashionMNIST")


@register_dataset(
    "fashion_mnist",
    label="Fashion-MNIST",
    source="arXiv:1708.07747",
    width=16,
    **AS_PHOTOGRAPHS,
    n_train=60_000,
    side=SIZE,
    fetch=fetch_fashion_mnist,
)
def load_fashion_mnist(folder: Path) -> Dataset:
    """Read Fashion-MNIST; images keep their one channel."""
    splits = read_splits(folder, 1, SIZE, native=_official)
    return join(splits.train, splits.test, _class_names(splits), statistics=STATISTICS)


def _class_names(splits: Splits) -> tuple[str, ...]:
    """Return the official names, unless a folder names the classes itself."""
    named = tuple(splits.names["label"])
    return CLASS_NAMES if all(name.isdigit() for name in named) else named


def _official(folder: Path) -> Splits | None:
    """Read the official IDX files, packed or not; None where they are not all there."""
    names = [
        f"{split}-{content}-ubyte"
        for split in ("train", "t10k")
        for content in ("images-idx3", "labels-idx1")
    ]
    files = [file for name in names if (file := _find(folder, name))]
    if len(files) < len(names):
        return None
    train, test = (_split(*pair) for pair in (files[:2], files[2:]))
    return Splits(train=train, test=test, names={"label": CLASS_NAMES})


def _find(folder: Path, name: str) -> Path | None:
    """Look for a file beside the others, or where torchvision puts it."""
    folders = (folder, folder / "raw", folder / "FashionMNIST" / "raw")
    files = (parent / f"{name}{suffix}" for parent in folders for suffix in ("", ".gz"))
    return next((file for file in files if file.is_file()), None)


def _split(image_file: Path, label_file: Path) -> Split:
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.shape[1:] != (SIZE, SIZE) or labels.shape != images.shape[:1]:
        raise InputError(
            f"{image_file} must hold (n, {SIZE}, {SIZE}) pixels and {label_file.name} as many "
            f"labels, got {images.shape} and {labels.shape}."
        )
    return Split(images=images[:, None], columns={"label": labels.astype(np.int64)})


def read_idx(file: Path) -> NDArray[np.uint8]:
    """Read an array of unsigned bytes from a file in the IDX format, packed with gzip or not.

    Raises
    ------
    ValueError
        If the file is of another format or not whole.
    """
    try:
        content = file.read_bytes()
        content = gzip.decompress(content) if file.suffix == ".gz" else content
    except (OSError, EOFError) as error:
        raise InputError(f"{file} cannot be unpacked: {error}") from error
    n_axes = content[3] if content[:3] == IDX_BYTES and len(content) > 3 else 0
    start = 4 + 4 * n_axes
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if not n_axes or len(content) != start + math.prod(shape):
        raise InputError(f"{file} is not a whole IDX file of unsigned bytes.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
