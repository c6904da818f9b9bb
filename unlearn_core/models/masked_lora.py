"""Adapters under a mask: what they add is zero wherever a pruned weight is.

A dense product B A would fill the zeros of a pruned layer.  Under a mask M the layer adds
(B A) * M, in the forward pass as when it is merged: both are one function, and the network stays
as sparse as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_core.models.lora import ADAPTER, Adapted

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer


def mask_products(adapted: Adapted, masks: Mapping[str, Tensor]) -> None:
    """Let each adapted layer add (B A) * M from now on, and when it is merged.

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
            layer.lora_variant[ADAPTER] = MaskedProduct(mask)  # type: ignore[assignment]


@dataclass(frozen=True)
class MaskedProduct:
    """A variant of LoRA: PEFT asks it what a layer adds, in a forward pass and when merging.

    It has the methods of PEFT's `LoraVariant` that are called here, and is none by inheritance,
    because loading PEFT takes seconds.  The mask is on the product and not on the layer's own
    weight (torch's `parametrize`): only the adapter has dropout in front of it.
    """

    mask: Tensor

    def product(self, layer: LoraLayer) -> Tensor:
        """Return scale * (B A) * M, of the weight's shape."""
        dense: Tensor = layer.get_delta_weight(ADAPTER)  # type: ignore[attr-defined]
        return self.mask * dense

    def forward(self, layer: LoraLayer, x: Tensor, result: Tensor, **_: object) -> Tensor:
        """Return `result`, the frozen layer's output for `x`, with the adapter's added."""
        base, x = layer.get_base_layer(), layer.lora_dropout[ADAPTER](x)
        if isinstance(base, nn.Conv2d):
            return result + F.conv2d(
                x, self.product(layer), stride=base.stride, padding=base.padding
            )
        return result + F.linear(x, self.product(layer))

    def merge_unsafe(self, layer: LoraLayer, _adapter: str, weight: Tensor) -> None:
        """Add the product to the frozen weight, in place."""
        weight.data += self.product(layer)


def mask_rows(adapted: Adapted, masks: Mapping[str, Tensor]) -> None:
    """Zero the rows of every B whose output units are pruned whole; call after every step.

    For masks of rows this is (B A) * M too, and keeps the product low-rank.
    """
    for name, layer in adapted.layers.items():
        mask = masks.get(f"{name}.weight")
        if mask is not None:
            is_kept = mask.flatten(1).amax(dim=1)
            weight = layer.lora_B[ADAPTER].get_parameter("weight")
            with torch.no_grad():
                weight.mul_(is_kept.view(-1, *[1] * (weight.ndim - 1)))
