"""Images on a device: 8 bits a value until they are needed, normalised and augmented there.

A `DataLoader` with worker processes costs more than the forward pass of our models on 32x32
images; indexing a resident tensor does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.checks import InputError
from unlearn_core.data.inputs import Inputs

SMALLER = 0.75  # of height and width: 56 % of the pixels, two thirds of the time


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageInputs(Inputs):
    """Stored images and how they are made ready.

    Attributes
    ----------
    images : uint8 tensor of shape (n_stored, C, H, W)
    mean, std : float tensor of shape (C, 1, 1)
        Per channel, of pixel values in [0, 1].
    augment : {"none", "crop_flip", "shared_crop_flip", "shift"}
        What `augmented` does; `batch` serves the images as they are.
    """

    images: Tensor
    mean: Tensor
    std: Tensor
    augment: str = "none"

    def __len__(self) -> int:
        return len(self.images)

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.images.device

    @property
    def augments(self) -> bool:
        """Whether `augmented` changes images."""
        return self.augment != "none"

    def augmenting(self, augment: str) -> ImageInputs:
        """Return the same images, which `augmented` varies in this way."""
        if augment not in _AUGMENT:
            raise InputError(
                f"Images are varied by {', '.join(_AUGMENT)}, got the augmentation {augment!r}."
            )
        return replace(self, augment=augment)

    def plain(self) -> ImageInputs:
        """Return the same images, served as they are."""
        return replace(self, augment="none")

    def batch(self, rows: Tensor) -> Tensor:
        """Return these images, float32 (n, C, H, W), normalised."""
        return (self.images[rows].float() / 255 - self.mean) / self.std

    def augmented(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Return these images, float32 (n, C, H, W), normalised and then augmented."""
        return _AUGMENT[self.augment](self.batch(rows), generator)

    def shares_store(self, other: Inputs) -> bool:
        """Say whether `other` holds the same pixels, however it augments them."""
        return isinstance(other, ImageInputs) and self.images is other.images


def image_inputs(
    images: NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device,
) -> ImageInputs:
    """Put pictures (n, C, H, W) on a device; the CPU shares their memory."""
    if not images.flags.writeable:  # torch warns of memory that it must not write to
        images = images.copy()
    channels = (-1, 1, 1)
    return ImageInputs(
        images=torch.from_numpy(images).to(device),
        mean=torch.tensor(mean).view(channels).to(device),
        std=torch.tensor(std).view(channels).to(device),
    )


def _beside(images: Tensor, drawn: Tensor) -> Tensor:
    """Return what was drawn on the CPU on the images' device, without waiting for a GPU."""
    return drawn.to(images.device, non_blocking=True)


def _keep(images: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG001
    return images


def _shift(images: Tensor, generator: torch.Generator, pad: int = 1) -> Tensor:
    """Move each image by up to `pad` pixels in each direction, repeating the border."""
    n, channels, height, width = images.shape
    padded = F.pad(images, (pad, pad, pad, pad), mode="replicate")
    top, left = _beside(images, torch.randint(0, 2 * pad + 1, (2, n), generator=generator))
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    each = torch.arange(n, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[:, None, None]
    # one index a dimension, so that the result lies in memory as (n, C, H, W): a permuted
    # one-channel result makes torch 2.14's convolution write outside its buffers on the CPU
    return padded[each, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _crop_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Crop after padding by an eighth of the size, then mirror half of the images."""
    moved = _shift(images, generator, pad=images.shape[-1] // 8)
    mirror = _beside(images, torch.rand(len(moved), generator=generator) < 0.5)
    return torch.where(mirror[:, None, None, None], moved.flip(-1), moved)


def _shared_crop_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Crop all images alike after reflecting an eighth of their size, then mirror half of them.

    One crop for a batch varies images less than a crop for each, so a small set is learned in
    fewer passes; and it is a slice, which costs nothing.
    """
    size = images.shape[-2:]
    pad = min(images.shape[-1] // 8, min(size) - 1)  # no more can be reflected
    padded = F.pad(images, (pad, pad, pad, pad), mode="reflect")
    top, left = torch.randint(0, 2 * pad + 1, (2,), generator=generator).tolist()
    moved = padded[:, :, top : top + size[0], left : left + size[1]]
    mirror = _beside(images, torch.rand(len(moved), generator=generator) < 0.5)
    return torch.where(mirror[:, None, None, None], moved.flip(-1), moved).contiguous()


def smaller(images: Tensor) -> Tensor:
    """Return images (n, C, H, W) at three quarters of their height and width.

    Each pixel is a weighted mean of those that it covers (antialiased bilinear interpolation).

    Raises
    ------
    ValueError
        If these are no images.
    """
    if images.dim() != 4:
        raise ValueError(f"`images` must be (n, C, H, W), got shape {tuple(images.shape)}.")
    size = [max(1, round(SMALLER * side)) for side in images.shape[-2:]]
    return F.interpolate(images, size=size, mode="bilinear", antialias=True)


_AUGMENT: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "none": _keep,
    "shift": _shift,
    "crop_flip": _crop_flip,
    "shared_crop_flip": _shared_crop_flip,
}
