"""CIFAR-10, CIFAR-100, and CIFAR-20: the 100 classes as subclasses of their 20 superclasses.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
Channel statistics: methods.md section 1.1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from unlearn_core.config import TrainingConfig
from unlearn_core.data.base import Dataset, register_dataset
from unlearn_core.data.sources import (
    Part,
    join,
    missing,
    read_class_file,
    read_image_folder,
    read_parquet,
)

CIFAR10_STATISTICS = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
CIFAR100_STATISTICS = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
RECIPE = TrainingConfig(
    epochs=30, batch_size=128, learning_rate=0.1, weight_decay=5e-4, augment="crop_flip"
)
SOURCE = "Krizhevsky 2009"


@register_dataset("cifar10", label="CIFAR-10", source=SOURCE, recipe=RECIPE)
def load_cifar10(folder: Path) -> Dataset:
    """Read CIFAR-10: 50,000 + 10,000 images of 10 classes, 32x32."""
    parts, names = _read(folder, "CIFAR10")
    return join(*parts, names["label"], statistics=CIFAR10_STATISTICS)


@register_dataset("cifar100", label="CIFAR-100", source=SOURCE, recipe=RECIPE)
def load_cifar100(folder: Path) -> Dataset:
    """Read CIFAR-100: 100 classes."""
    parts, names = _read(folder, "CIFAR100")
    return join(*parts, names["label"], statistics=CIFAR100_STATISTICS)


@register_dataset("cifar20", label="CIFAR-20 (superclasses)", source=SOURCE, recipe=RECIPE)
def load_cifar20(folder: Path) -> Dataset:
    """Read CIFAR-100 with its 20 superclasses as classes and its 100 classes as subclasses."""
    parts, names = _read(folder.parent / "cifar100", "CIFAR100")
    if "coarse_label" not in parts[0].columns:
        raise ValueError(f"{folder.parent / 'cifar100'} has no column `coarse_label`.")
    return join(
        *parts,
        names["coarse_label"],
        statistics=CIFAR100_STATISTICS,
        label="coarse_label",
        subclass="label",
        subclass_names=names["label"],
    )


def _read(folder: Path, torchvision_name: str) -> tuple[tuple[Part, Part], dict[str, Any]]:
    train, test = (read_parquet(folder, part, 3, 32) for part in ("train", "test"))
    if train and test:
        return (train, test), _names(folder, train)
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        (first, names), (second, _) = (
            read_image_folder(folder / part, 3, 32) for part in ("train", "test")
        )
        return (first, second), {"label": names}
    return _torchvision(folder, torchvision_name)


def _names(folder: Path, train: Part) -> dict[str, Any]:
    listed = read_class_file(folder)
    numbered = {
        column: [str(k) for k in range(int(values.max()) + 1)]
        for column, values in train.columns.items()
    }
    return {
        "label": listed.get("label") or numbered["label"],
        "coarse_label": listed.get("coarse_label") or numbered.get("coarse_label"),
    }


def _torchvision(folder: Path, name: str) -> tuple[tuple[Part, Part], dict[str, Any]]:
    """Read the official python archives, downloading them where they are missing."""
    from torchvision import datasets

    reader = getattr(datasets, name)
    try:
        halves = [reader(str(folder), train=train, download=True) for train in (True, False)]
    except (OSError, RuntimeError) as error:
        raise missing(folder.name, folder, str(error)) from error
    parts = [
        Part(
            images=np.ascontiguousarray(half.data.transpose(0, 3, 1, 2)),
            columns={"label": np.asarray(half.targets, dtype=np.int64)},
        )
        for half in halves
    ]
    return (parts[0], parts[1]), {"label": list(halves[0].classes)}
