"""Adapters under a mask: what they add is zero wherever a pruned weight is.

A dense product B A would fill the zeros of a pruned layer.  Under a mask M the layer adds
(B A) * M, in the forward pass as when it is merged: both are one function, and the network stays
as sparse as it was.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_core.models.lora import ADAPTER, Adapted


def mask_products(adapted: Adapted, masks: Mapping[str, Tensor]) -> None:
    """Let each adapted layer add (B A) * M from now on, and when it is merged.

    The model must not be copied until then: a copy would compute with these layers' weights.

    Parameters
    ----------
    adapted : Adapted
    masks : mapping of str to tensor
        By the name of a weight, such as "layer1.0.conv1.weight": 1 where it may change, 0 where it
        stays; of the weight's shape.  Layers without a mask add the dense product.
    """
    for name, layer in adapted.layers.items():
        mask = masks.get(f"{name}.weight")
        if mask is not None:
            adapted.masks[name] = mask
            _replace_product(layer.lora_A[ADAPTER], layer.lora_B[ADAPTER], mask)


def mask_rows(adapted: Adapted, masks: Mapping[str, Tensor]) -> None:
    """Zero the rows of every B whose output units are pruned whole; call after every step.

    For masks of rows this is (B A) * M too, and keeps the product low-rank.
    """
    for name, layer in adapted.layers.items():
        mask = masks.get(f"{name}.weight")
        if mask is not None:
            kept = mask.flatten(1).amax(dim=1)
            weight = layer.lora_B[ADAPTER].get_parameter("weight")
            with torch.no_grad():
                weight.mul_(kept.view(-1, *[1] * (weight.ndim - 1)))


def _replace_product(down: nn.Module, up: nn.Module, mask: Tensor) -> None:
    """Make `up` return what the masked product of both layers makes of the input of `down`."""
    latest: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        latest[:] = [args[0]]

    def replace(_module: nn.Module, _args: object, _output: Tensor) -> Tensor:
        a, b = down.get_parameter("weight"), up.get_parameter("weight")
        weight = mask * torch.einsum("or,r...->o...", b.flatten(1), a)
        x = latest.pop()
        if isinstance(down, nn.Conv2d):
            return F.conv2d(x, weight, stride=down.stride, padding=down.padding)
        return F.linear(x, weight)

    down.register_forward_pre_hook(keep)
    up.register_forward_hook(replace)
