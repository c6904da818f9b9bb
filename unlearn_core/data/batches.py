"""Batches of examples that already sit on the device."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.checks import InputError
from unlearn_core.data.base import Dataset


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Some examples, ready for the model.

    `images` float32 (B, C, H, W) normalised, `labels` int64 (B,), `example_ids` int64 (B,),
    `is_forget` bool (B,).
    """

    images: Tensor
    labels: Tensor
    example_ids: Tensor
    is_forget: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """A set of examples resident on one device, as 8-bit images.

    A `DataLoader` with worker processes costs more than the forward pass of our models on
    32x32 images; indexing a resident tensor does not.

    Attributes
    ----------
    images : uint8 tensor of shape (n_examples, C, H, W)
    labels : int64 tensor of shape (n_examples,)
    example_ids : int64 tensor of shape (n_examples,)
    is_forget : bool tensor of shape (n_examples,)
    n_classes : int
    mean, std : float tensor of shape (C, 1, 1)
    augment : {"none", "crop_flip", "shift"}
        Applied by `shuffled` only; `ordered` serves the images as they are.
    """

    images: Tensor
    labels: Tensor
    example_ids: Tensor
    is_forget: Tensor
    n_classes: int
    mean: Tensor
    std: Tensor
    augment: str = "none"

    def __len__(self) -> int:
        return len(self.labels)

    def steps(self, batch_size: int) -> int:
        """Return the number of batches in one pass; the last one may be smaller."""
        return len(self._sizes(batch_size))

    def shuffled(self, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield one pass over the examples in random order, augmented."""
        order = torch.randperm(len(self), generator=generator).to(self.labels.device)
        for rows in order.split(self._sizes(batch_size)):
            yield self.augmented(rows, generator)

    def epochs(self, epochs: int, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield `epochs` shuffled passes, one after the other."""
        for _ in range(epochs):
            yield from self.shuffled(batch_size, generator)

    def forever(self, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield shuffled passes without end."""
        while True:
            yield from self.shuffled(batch_size, generator)

    def ordered(self, batch_size: int = 1024) -> Iterator[Batch]:
        """Yield one pass in order of the rows, without augmentation."""
        for rows in torch.arange(len(self), device=self.labels.device).split(batch_size):
            yield self._batch(rows)

    def augmented(self, rows: Tensor, generator: torch.Generator) -> Batch:
        """Return the examples in these rows, int64 (n,), as one augmented batch."""
        batch = self._batch(rows)
        return replace_images(batch, _AUGMENT[self.augment](batch.images, generator))

    def sample(self, n_examples: int, generator: torch.Generator) -> Examples:
        """Return `n_examples` drawn without replacement, or all where there are no more."""
        rows = torch.randperm(len(self), generator=generator)[:n_examples]
        return self.take(rows.sort().values.to(self.labels.device))

    def take(self, rows: Tensor) -> Examples:
        """Return the examples in these rows, int64 (n,)."""
        return Examples(
            images=self.images[rows],
            labels=self.labels[rows],
            example_ids=self.example_ids[rows],
            is_forget=self.is_forget[rows],
            n_classes=self.n_classes,
            mean=self.mean,
            std=self.std,
            augment=self.augment,
        )

    def join(self, other: Examples) -> Examples:
        """Return these examples followed by the `other` ones."""
        return Examples(
            images=torch.cat([self.images, other.images]),
            labels=torch.cat([self.labels, other.labels]),
            example_ids=torch.cat([self.example_ids, other.example_ids]),
            is_forget=torch.cat([self.is_forget, other.is_forget]),
            n_classes=self.n_classes,
            mean=self.mean,
            std=self.std,
            augment=self.augment,
        )

    def _sizes(self, batch_size: int) -> list[int]:
        """Return the batches' sizes; a lone last example gets company, as batch norm needs it."""
        sizes = [len(part) for part in torch.arange(len(self)).split(batch_size)]
        if len(sizes) > 1 and sizes[-1] == 1 and batch_size > 1:
            sizes[-2:] = [3] if batch_size == 2 else [batch_size - 1, 2]
        return sizes

    def _batch(self, rows: Tensor) -> Batch:
        return Batch(
            images=(self.images[rows].float() / 255 - self.mean) / self.std,
            labels=self.labels[rows],
            example_ids=self.example_ids[rows],
            is_forget=self.is_forget[rows],
        )


def mixed(
    forget: Examples,
    retain: Examples,
    *,
    epochs: int,
    batch_size: int,
    forget_per_batch: int,
    generator: torch.Generator,
) -> tuple[Iterator[Batch], int]:
    """Return augmented batches of both sets together, and how many there will be.

    With `forget_per_batch=0` an epoch is one shuffled pass over both sets, and a small D_f is
    absent from most batches (`chance_without_forget`).  Otherwise an epoch is one shuffled pass
    over D_r, and every batch adds that many examples of D_f; only the last batch of an epoch may
    have fewer than ``batch_size - forget_per_batch`` of D_r.  D_f comes in shuffled passes, one
    after the other across batches and epochs.

    Raises
    ------
    ValueError
        If a batch has no room for D_r, or examples of an empty set are asked for.
    """
    require_room(batch_size, forget_per_batch)
    both = forget.join(retain)
    if not forget_per_batch:
        return both.epochs(epochs, batch_size, generator), epochs * both.steps(batch_size)
    for name, examples in (("forget", forget), ("retain", retain)):
        if not len(examples):
            raise InputError(f"`{name}` must hold an example with `forget_per_batch`, got none.")
    n_retain = batch_size - forget_per_batch
    rows = _mixed_rows(len(forget), len(retain), epochs, forget_per_batch, n_retain, generator)
    device = both.labels.device
    batches = (both.augmented(chosen.to(device), generator) for chosen in rows)
    return batches, epochs * math.ceil(len(retain) / n_retain)


def _mixed_rows(
    n_forget: int,
    n_retain: int,
    epochs: int,
    forget_per_batch: int,
    retain_per_batch: int,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    """Yield each batch's rows of D_f followed by D_r."""
    forgotten = _endless_passes(n_forget, generator)
    for _ in range(epochs):
        order = n_forget + torch.randperm(n_retain, generator=generator)
        for retained in order.split(retain_per_batch):
            yield torch.cat([torch.tensor(list(islice(forgotten, forget_per_batch))), retained])


def _endless_passes(n: int, generator: torch.Generator) -> Iterator[int]:
    while True:
        yield from torch.randperm(n, generator=generator).tolist()


def require_room(batch_size: int, forget_per_batch: int) -> None:
    """Raise `ValueError` unless a batch has room for retained examples too."""
    if not 0 <= forget_per_batch < batch_size:
        raise InputError(
            f"`forget_per_batch` must be from 0 to below the batch size {batch_size}, "
            f"got {forget_per_batch}."
        )


def chance_without_forget(n_examples: int, n_forget: int, batch_size: int) -> float:
    r"""Return the chance that a shuffled batch holds no example of D_f (hypergeometric).

    .. math:: \binom{N - N_f}{b} / \binom{N}{b}

    >>> round(chance_without_forget(50_000, 128, 128), 6)
    0.71999
    """
    drawn = min(batch_size, n_examples)
    return math.comb(n_examples - n_forget, drawn) / math.comb(n_examples, drawn)


def replace_images(batch: Batch, images: Tensor) -> Batch:
    """Return `batch` with other images of the same shape."""
    return Batch(
        images=images,
        labels=batch.labels,
        example_ids=batch.example_ids,
        is_forget=batch.is_forget,
    )


def to_device(
    dataset: Dataset,
    mask: NDArray[np.bool_],
    device: torch.device,
    *,
    forget: NDArray[np.bool_] | None = None,
    augment: str = "none",
) -> Examples:
    """Put the examples that `mask` (n_examples,) selects on the device."""
    ids = np.flatnonzero(mask)
    is_forget = np.zeros(len(ids), dtype=bool) if forget is None else forget[ids]
    channels = (-1, 1, 1)
    return Examples(
        images=torch.from_numpy(dataset.images[ids]).to(device),
        labels=torch.from_numpy(dataset.labels[ids]).to(device),
        example_ids=torch.from_numpy(ids).to(device),
        is_forget=torch.from_numpy(is_forget).to(device),
        n_classes=dataset.n_classes,
        mean=torch.tensor(dataset.mean, device=device).view(channels),
        std=torch.tensor(dataset.std, device=device).view(channels),
        augment=augment,
    )


def _keep(images: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG001
    return images


def _shift(images: Tensor, generator: torch.Generator, pad: int = 1) -> Tensor:
    """Move each image by up to `pad` pixels in each direction, repeating the border."""
    n, channels, height, width = images.shape
    padded = F.pad(images, (pad, pad, pad, pad), mode="replicate")
    top, left = torch.randint(0, 2 * pad + 1, (2, n), generator=generator).to(images.device)
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
    mirror = (torch.rand(len(moved), generator=generator) < 0.5).to(images.device)
    return torch.where(mirror[:, None, None, None], moved.flip(-1), moved)


_AUGMENT = {"none": _keep, "shift": _shift, "crop_flip": _crop_flip}
