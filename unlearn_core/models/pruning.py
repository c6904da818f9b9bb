"""Magnitude pruning: masks over weights, and keeping them.

Two schemes.  `structured_l2_layerwise` drops, in each layer, the output units with the smallest L2
norm; `unstructured_global` drops the smallest weights over all layers together.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from unlearn_core.checks import InputError
from unlearn_core.models.parts import is_transposed_linear, parts_of, weighted_layers

SCHEMES = ("structured_l2_layerwise", "unstructured_global")
Masks = dict[str, Tensor]


def prunable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return weights of all convolutions and linear layers but the stem and the classifier.

    Raises
    ------
    ValueError
        If layers hold their weights transposed, which masks of output units would not fit, or
        there is no other layer.
    """
    transposed = [name for name, module in model.named_modules() if is_transposed_linear(module)]
    if transposed:
        raise InputError(f"{type(model).__name__} cannot be pruned: {transposed[0]} is a Conv1D.")
    parts = parts_of(model)
    never_pruned = (parts.head, *parts.stem)
    layers = {name: m for name, m in weighted_layers(model).items() if name not in never_pruned}
    if not layers:
        what = "no layer between stem and classifier"
        raise InputError(f"{type(model).__name__} cannot be pruned: it has {what}.")
    return {f"{name}.weight": layer.get_parameter("weight") for name, layer in layers.items()}


def make_masks(weights: Mapping[str, Tensor], sparsity: float, scheme: str) -> Masks:
    """Return a mask of 0 (pruned) and 1 for each weight, with the share `sparsity` of zeros.

    Of equal weights the first are pruned, so that masks do not depend on the device.

    Raises
    ------
    ValueError
        If the scheme is unknown or `sparsity` is not in [0, 1).
    """
    if scheme not in SCHEMES:
        raise ValueError(f"`scheme` must be one of {', '.join(SCHEMES)}, got {scheme!r}.")
    if not 0 <= sparsity < 1:
        raise ValueError(f"`sparsity` must be in [0, 1), got {sparsity}.")
    if scheme == "structured_l2_layerwise":
        return {name: _row_mask(weight, sparsity) for name, weight in weights.items()}
    sizes = torch.cat([weight.detach().abs().flatten() for weight in weights.values()])
    n_dropped = round(sparsity * len(sizes))
    keep = torch.ones_like(sizes)
    keep[sizes.argsort(stable=True)[:n_dropped]] = 0
    masks = keep.split([weight.numel() for weight in weights.values()])
    return {
        name: mask.view_as(weight)
        for (name, weight), mask in zip(weights.items(), masks, strict=True)
    }


def _row_mask(weight: Tensor, sparsity: float) -> Tensor:
    norms = weight.detach().flatten(1).norm(dim=1)
    n_dropped = min(round(sparsity * len(norms)), len(norms) - 1)
    mask = torch.ones_like(weight)
    mask[norms.argsort(stable=True)[:n_dropped]] = 0
    return mask


@torch.no_grad()
def apply_masks(weights: Mapping[str, Tensor], masks: Masks) -> None:
    """Set the masked weights to zero, in place."""
    for name, mask in masks.items():
        weights[name].mul_(mask)


def sparsity_of(weights: Mapping[str, Tensor]) -> float:
    """Return the share of weights that are exactly zero."""
    zeros = sum(int((weight == 0).sum()) for weight in weights.values())
    return zeros / sum(weight.numel() for weight in weights.values())
