"""Fresh weights of one layer: what families of networks put their rules together from.

A rule is called for every module in network order, and leaves the layers within it alone.  A family
states its rule as `Parts.draw_layer`; `draw_layer` is enough for convolutional networks.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from unlearn_core.checks import InputError

DrawLayer = Callable[[str, nn.Module, torch.Generator], None]
"""Gives the layer of this name, without those in it, fresh weights drawn from the generator."""

TRANSFORMER_STD = 0.02


def draw_layer(name: str, layer: nn.Module, generator: torch.Generator) -> None:
    """Draw a layer of a usual kind, or let one of another kind draw its weights itself.

    Convolutions: He normal, fan out, without bias.  Linear layers: torch's default, uniform within
    1/sqrt(fan in).  Embeddings: normal of deviation 0.02.  Normalisation: identity, running
    statistics reset.  Any other layer: its own `reset_parameters()`, with a seed from `generator`.

    Raises
    ------
    ValueError
        If the layer is of none of these kinds and cannot reset its parameters.
    """
    own = {own for own, _ in layer.named_parameters(recurse=False)}
    is_usual = own <= {"weight", "bias"}
    if is_usual and isinstance(layer, nn.Conv2d):
        draw_convolution(layer, generator)
    elif is_usual and isinstance(layer, nn.Linear):
        draw_linear(layer, 1 / math.sqrt(layer.in_features), generator)
    elif is_usual and isinstance(layer, nn.Embedding):
        draw_embedding(layer, generator)
    elif is_usual and isinstance(layer, nn.GroupNorm | _NormBase | nn.LayerNorm):
        layer.reset_parameters()
    elif own:
        reset(name, layer, generator)


def draw_convolution(layer: nn.Conv2d, generator: torch.Generator) -> None:
    """Draw a kernel so that gradients keep their size (He normal, fan out); no bias."""
    fan_out = layer.out_channels * math.prod(layer.kernel_size) // layer.groups
    draw_normal(layer.weight, math.sqrt(2 / fan_out), generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


@torch.no_grad()
def draw_embedding(layer: nn.Embedding, generator: torch.Generator) -> None:
    """Draw embeddings with deviation 0.02; that of padding is zero."""
    draw_normal(layer.weight, TRANSFORMER_STD, generator)
    if layer.padding_idx is not None:
        layer.weight[layer.padding_idx].zero_()


@torch.no_grad()
def draw_linear(layer: nn.Linear, bound: float, generator: torch.Generator) -> None:
    """Draw weight and bias uniformly from [-bound, bound]."""
    for weight in (layer.weight, layer.bias):
        if weight is not None:
            weight.copy_(torch.empty(weight.shape).uniform_(-bound, bound, generator=generator))


@torch.no_grad()
def draw_normal(weight: Tensor, std: float, generator: torch.Generator) -> None:
    """Draw a weight from a normal distribution of mean 0."""
    # drawn on the CPU, so that the same seed gives the same weights on every device
    weight.copy_(torch.empty(weight.shape).normal_(0, std, generator=generator))


@torch.no_grad()
def reset(name: str, layer: nn.Module, generator: torch.Generator) -> None:
    """Let a layer draw its weights itself, as when it was built.

    Raises
    ------
    ValueError
        If it has no method for that, or the method leaves a parameter as it is.
    """
    twin = copy.deepcopy(layer).cpu()  # where the same seed gives the same weights on every device
    parameters = dict(twin.named_parameters(recurse=False))
    for parameter in parameters.values():
        parameter.fill_(math.nan)  # so that what is not drawn is seen
    # torch's attention calls its own otherwise
    underscored = getattr(twin, "_reset_parameters", lambda: None)
    draw_itself = getattr(twin, "reset_parameters", underscored)
    seed = int(torch.randint(2**62, (1,), generator=generator))
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        draw_itself()
    for own, parameter in parameters.items():
        if parameter.isnan().any():
            raise InputError(
                f"There is no rule to draw fresh weights for {own} of {type(layer).__name__}, the "
                f"module {name!r}: give it a `reset_parameters()`, state a rule as "
                "`Parts(draw_layer=...)`, or give `unlearn` a `fresh=` that builds the network."
            )
    layer.load_state_dict({**layer.state_dict(), **_own_state(twin)})


def _own_state(layer: nn.Module) -> dict[str, Tensor]:
    """Return a layer's tensors without those of the layers in it."""
    return {name: tensor for name, tensor in layer.state_dict().items() if "." not in name}
