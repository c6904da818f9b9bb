"""Parts of a network that methods name: its last stage, its last block, its layers with weights."""

from __future__ import annotations

from torch import nn

from unlearn_core.checks import InputError
from unlearn_core.models.hooks import head

WEIGHTED = (nn.Conv2d, nn.Linear)
FEED_FORWARD = ("mlp.fc1", "mlp.fc2")  # within a transformer block


def last_stage(model: nn.Module) -> nn.ModuleList:
    """Return the last stage and the classifier: `layer4` and `fc` of a ResNet.

    Of a transformer: its last block, the norm behind it and the classifier.

    Raises
    ------
    ValueError
        If the model has neither stages nor blocks.
    """
    if isinstance(getattr(model, "layer4", None), nn.Module):
        return nn.ModuleList([model.get_submodule("layer4"), head(model)])
    return nn.ModuleList([last_block(model), *_norms_behind_blocks(model), head(model)])


def last_block(model: nn.Module) -> nn.Module:
    """Return the last transformer block.

    Raises
    ------
    ValueError
        If the model has no blocks.
    """
    found = list(transformer_blocks(model).values())
    if not found:
        raise InputError(f"{type(model).__name__} has neither layer4 nor transformer blocks.")
    return found[-1]


def transformer_blocks(model: nn.Module) -> dict[str, nn.Module]:
    """Return the blocks with attention and a feed-forward part, by name, in network order."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(getattr(module, "attn", None), nn.Module)
        and isinstance(getattr(module, "mlp", None), nn.Module)
    }


def _norms_behind_blocks(model: nn.Module) -> list[nn.Module]:
    modules, inside = list(model.modules()), set(last_block(model).modules())
    last = max(place for place, module in enumerate(modules) if module in inside)
    return [module for module in modules[last + 1 :] if isinstance(module, nn.LayerNorm)]


def weighted_layers(model: nn.Module) -> list[nn.Module]:
    """Return every convolution and linear layer, in network order."""
    return [module for module in model.modules() if isinstance(module, WEIGHTED)]
