"""Data sets of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.config import TRIGGERS
from unlearn_core.data.base import Dataset

if TYPE_CHECKING:
    import torch

    from unlearn_core.data.inputs import Inputs

LARGEST_SIDE = 32  # pixels; larger pictures are averaged down where they are compared


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageDataset(Dataset):
    """Pictures with labels and splits.

    Attributes
    ----------
    images : uint8 ndarray of shape (n_examples, channels, height, width)
    mean, std : tuple of float
        Per channel, of pixel values in [0, 1].
    trigger : str
        The pattern of a backdoor's patch on them, one of `config.TRIGGERS`.
    """

    images: NDArray[np.uint8]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    trigger: str = TRIGGERS[0]

    @property
    def channels(self) -> int:
        """1 for grey pictures, 3 for colours."""
        return int(self.images.shape[1])

    def previews(self, example_ids: Sequence[int]) -> NDArray[np.uint8]:
        """Return the pictures (n, channels, height, width)."""
        return self.images[list(example_ids)]

    def numbers(self, example_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return pixels in [0, 1], one row a picture; large ones averaged down."""
        images = self.images[example_ids]
        n, channels, height, width = images.shape
        step = -(-max(height, width) // LARGEST_SIDE)
        if step == 1:
            return (images.reshape(n, -1) / np.float32(255)).astype(np.float32)
        height, width = height // step * step, width // step * step
        blocks = images[:, :, :height, :width].reshape(
            n, channels, height // step, step, width // step, step
        )
        smaller: NDArray[np.float32] = blocks.mean(axis=(3, 5), dtype=np.float32) / np.float32(255)
        return smaller.reshape(n, -1)

    def inputs(self, example_ids: NDArray[np.int64] | None, device: torch.device) -> Inputs:
        """Put the pictures on a device, with what they are normalised by."""
        from unlearn_core.data.images import image_inputs

        images = self.images if example_ids is None else self.images[example_ids]
        return image_inputs(images, self.mean, self.std, device)


def require_pictures(dataset: Dataset, what: str) -> ImageDataset:
    """Return the data set, or say that `what` needs pictures."""
    if not isinstance(dataset, ImageDataset):
        raise InputError(f"{what} needs pictures; these examples are none.")
    return dataset
