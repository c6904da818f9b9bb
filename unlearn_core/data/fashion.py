"""Clothes: 10,000 + 2,000 grey 28x28 photographs of ten kinds, shipped with the project.

The first training and the first test images of Fashion-MNIST, in its order, so that real pictures
are there without a download.  MIT licence, `shipped/LICENSE.fashion`.
Source: H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747.
"""

from __future__ import annotations

import io
import lzma
from pathlib import Path

import numpy as np

from unlearn_core.data.base import AS_PHOTOGRAPHS, Dataset, register_dataset
from unlearn_core.data.fashion_mnist import CLASS_NAMES, STATISTICS
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.data.recipes import clothes

N_TRAIN = 10_000


def fashion_file() -> Path:
    """Return the file with the pictures and their labels."""
    return Path(__file__).parent / "shipped" / "fashion.npz.xz"


@register_dataset(
    "fashion",
    label="Clothes",
    source="arXiv:1708.07747 (Fashion-MNIST, a part that ships with the project)",
    width=8,
    **{**AS_PHOTOGRAPHS, "recipe": clothes, "precision": "fp32"},
    n_train=N_TRAIN,
    side=28,
    embedded=fashion_file,
    class_names=lambda: CLASS_NAMES,
)
def load_fashion(folder: Path) -> Dataset:  # noqa: ARG001 - embedded, needs no folder
    """Read the pictures; the first 10,000 are the training set."""
    with lzma.open(fashion_file()) as file, np.load(io.BytesIO(file.read())) as arrays:
        images, labels = arrays["images"][:, None], arrays["labels"].astype(np.int64)
    is_train = np.arange(len(labels)) < N_TRAIN
    return ImageDataset(
        images=images,
        labels=labels,
        is_train=is_train,
        is_test=~is_train,
        class_names=CLASS_NAMES,
        mean=STATISTICS[0],
        std=STATISTICS[1],
    )
