"""CIFAR-10, CIFAR-100, and CIFAR-20: the 100 classes as subclasses of their 20 superclasses.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
Channel statistics are those in common use (docs/methods.md, "Data and forget requests").
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_core.checks import InputError
from unlearn_core.data.base import AS_PHOTOGRAPHS, Dataset, register_dataset
from unlearn_core.data.fetching import fetch_with_torchvision
from unlearn_core.data.sources import Split, Splits, join, read_splits

CIFAR10_STATISTICS = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
CIFAR100_STATISTICS = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
SOURCE = "Krizhevsky 2009"
SUITED: dict[str, Any] = {
    **AS_PHOTOGRAPHS,
    "n_train": 50_000,
    "side": 32,
    "source": SOURCE,
}
CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


def fetch_cifar10(folder: Path) -> None:
    """Download CIFAR-10's official python archive."""
    fetch_with_torchvision(folder, "CIFAR10")


def fetch_cifar100(folder: Path) -> None:
    """Download CIFAR-100's official python archive."""
    fetch_with_torchvision(folder, "CIFAR100")


@register_dataset(
    "cifar10",
    label="CIFAR-10",
    width=16,
    fetch=fetch_cifar10,
    class_names=lambda: CIFAR10_CLASSES,
    **SUITED,
)
def load_cifar10(folder: Path) -> Dataset:
    """Read CIFAR-10: 50,000 + 10,000 images of 10 classes, 32x32."""
    splits = read_splits(folder, 3, 32, native=partial(_official, name="CIFAR10"))
    return join(splits.train, splits.test, splits.names["label"], statistics=CIFAR10_STATISTICS)


@register_dataset("cifar100", label="CIFAR-100", width=32, fetch=fetch_cifar100, **SUITED)
def load_cifar100(folder: Path) -> Dataset:
    """Read CIFAR-100: 100 classes."""
    splits = _cifar100(folder)
    return join(splits.train, splits.test, splits.names["label"], statistics=CIFAR100_STATISTICS)


@register_dataset("cifar20", label="CIFAR-20 (superclasses)", width=32, folder="cifar100", **SUITED)
def load_cifar20(folder: Path) -> Dataset:
    """Read CIFAR-100 with its 20 superclasses as classes and its 100 classes as subclasses.

    It is not fetched: torchvision does not give the superclasses of what it downloads.
    """
    hint = "CIFAR-20 needs parquet files with a column `coarse_label`."
    splits = _cifar100(folder, hint)
    if "coarse_label" not in splits.train.columns:
        raise InputError(f"{folder} has no column `coarse_label`.")
    return join(
        splits.train,
        splits.test,
        splits.names["coarse_label"],
        statistics=CIFAR100_STATISTICS,
        label="coarse_label",
        subclass="label",
        subclass_names=splits.names["label"],
    )


def _cifar100(folder: Path, hint: str = "") -> Splits:
    return read_splits(folder, 3, 32, native=partial(_official, name="CIFAR100"), hint=hint)


def _official(folder: Path, name: str) -> Splits | None:
    """Read the official python archives; None where they are not there or not whole."""
    if not any(folder.glob("cifar-*")):  # do not wait for torch to find that out
        return None
    from torchvision import datasets

    reader = getattr(datasets, name)
    try:
        archives = [reader(str(folder), train=train) for train in (True, False)]
    except RuntimeError:
        return None
    train, test = (
        Split(
            images=np.ascontiguousarray(archive.data.transpose(0, 3, 1, 2)),
            columns={"label": np.asarray(archive.targets, dtype=np.int64)},
        )
        for archive in archives
    )
    return Splits(train=train, test=test, names={"label": list(archives[0].classes)})
