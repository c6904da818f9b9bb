"""Enlarging images at a network's entrance, so that small ones are stored small."""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn


def scale_inputs(model: nn.Module, size: int) -> None:
    """Let `model` scale images (B, C, H, W) to `size` pixels a side, bilinear and antialiased.

    A hook, not a layer: no parameter changes its name, and copies of the model keep it.
    """
    model.register_forward_pre_hook(partial(_scaled, size=size))


def _scaled(_model: nn.Module, args: tuple[Tensor, ...], *, size: int) -> tuple[Tensor, ...]:
    images, *others = args
    if images.shape[-2:] == (size, size):
        return args
    scaled = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    return (scaled, *others)
