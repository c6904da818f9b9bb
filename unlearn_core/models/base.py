"""The table of networks, and how one is built from a config."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch
from torch import nn

from unlearn_core.checks import InputError
from unlearn_core.config import ModelConfig
from unlearn_core.models.parts import PartsOf, is_transposed_linear, state_parts
from unlearn_core.models.pretrained import load_imagenet_weights
from unlearn_core.models.scaling import scale_inputs

Builder = Callable[[ModelConfig, int, int], nn.Module]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One row of `MODELS`. `build` takes the config, the image channels and the classes."""

    name: str
    label: str
    source: str
    build: Builder


MODELS: dict[str, ModelSpec] = {}


def register_model(
    name: str, *, label: str, source: str, parts: PartsOf
) -> Callable[[Builder], Builder]:
    """Add the decorated builder to `MODELS` under `name`.

    `parts` returns what the parts of a built network are (`parts.Parts`).
    """

    def add(build: Builder) -> Builder:
        if name in MODELS:
            raise ValueError(f"Two models are registered as {name!r}.")

        @wraps(build)
        def build_with_parts(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
            model = build(config, channels, n_classes)
            return state_parts(model, parts(model))

        MODELS[name] = ModelSpec(name=name, label=label, source=source, build=build_with_parts)
        return build

    return add


def build_model(
    config: ModelConfig, channels: int, n_classes: int, generator: torch.Generator
) -> nn.Module:
    """Build the network with the weights that training starts from (see `restart`).

    Raises
    ------
    ValueError
        If the name is unknown.
    WeightsNotFoundError
        If ImageNet weights are asked for and there is neither a file nor a network.
    """
    if config.name not in MODELS:
        known = ", ".join(sorted(MODELS))
        raise InputError(f"Unknown model {config.name!r}. Known models: {known}.")
    model = MODELS[config.name].build(config, channels, n_classes)
    restart(model, generator, config)
    if config.input_size is not None:
        scale_inputs(model, config.input_size)
    return model


def restart(model: nn.Module, generator: torch.Generator, config: ModelConfig) -> None:
    """Set a network back to where its training starts: fresh weights, or those of ImageNet.

    The classifier is drawn from `generator` in both cases.
    """
    initialise(model, generator)
    if config.pretrained:
        load_imagenet_weights(model, config.name)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Give every layer in `module` fresh weights, drawn from `generator` in layer order.

    Convolutions: He normal, fan out.  Linear layers: torch's default, uniform within
    1/sqrt(fan in), or zero where marked by `start_at_zero`.  Normalisation: identity, running
    statistics reset.  Embeddings, tokens and positions of a transformer, and weights of GPT-2's
    linear layers: normal of deviation 0.02; biases of attention: zero.  Any other layer: its own
    `reset_parameters()`, with a seed from `generator`.  A weight that two layers share is drawn
    for the first.

    Raises
    ------
    ValueError
        If a layer with own parameters is of none of these kinds and cannot reset them.
    """
    drawn: set[int] = set()
    for name, layer in module.named_modules():
        own = {id(weight) for weight in layer.parameters(recurse=False)}
        if own - drawn or not own:
            _draw(name, layer, generator)
        drawn |= own


def _draw(name: str, layer: nn.Module, generator: torch.Generator) -> None:
    """Give one layer, without those in it, fresh weights."""
    own = {own for own, _ in layer.named_parameters(recurse=False)}
    rule = _rule_for(layer) if own <= {"weight", "bias"} else None
    if rule is not None:
        rule(layer, generator)
    elif own <= NAMED:
        for kind, parameter in layer.named_parameters(recurse=False):
            _named(kind, parameter, generator)
    else:
        _reset(name, layer, generator)


def _rule_for(layer: nn.Module) -> Callable[[Any, torch.Generator], None] | None:
    if isinstance(layer, nn.Conv2d):
        return _convolution
    if isinstance(layer, nn.Linear):
        return _linear
    if isinstance(layer, nn.Embedding):
        return _embedding
    if isinstance(layer, nn.GroupNorm | nn.modules.batchnorm._NormBase | nn.LayerNorm):
        return _normalisation
    return _transposed_linear if is_transposed_linear(layer) else None


NAMED = {"cls_token", "pos_embed", "attention_biases"}
ZERO = "_starts_at_zero"
TRANSFORMER_STD = 0.02


def start_at_zero(layer: nn.Module) -> None:
    """Mark a linear layer that `initialise` sets to zero instead of drawing it."""
    setattr(layer, ZERO, True)


def _convolution(layer: nn.Conv2d, generator: torch.Generator) -> None:
    fan_out = layer.out_channels * math.prod(layer.kernel_size) // layer.groups
    _normal(layer.weight, math.sqrt(2 / fan_out), generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _normalisation(layer: Any, generator: torch.Generator) -> None:  # noqa: ARG001
    layer.reset_parameters()


def _transposed_linear(layer: nn.Module, generator: torch.Generator) -> None:
    _normal(layer.get_parameter("weight"), TRANSFORMER_STD, generator)
    nn.init.zeros_(layer.get_parameter("bias"))


@torch.no_grad()
def _embedding(layer: nn.Embedding, generator: torch.Generator) -> None:
    _normal(layer.weight, TRANSFORMER_STD, generator)
    if layer.padding_idx is not None:
        layer.weight[layer.padding_idx].zero_()


def _linear(layer: nn.Linear, generator: torch.Generator) -> None:
    bound = 0.0 if hasattr(layer, ZERO) else 1 / math.sqrt(layer.in_features)
    _uniform(layer.weight, bound, generator)
    if layer.bias is not None:
        _uniform(layer.bias, bound, generator)


def _named(kind: str, parameter: nn.Parameter, generator: torch.Generator) -> None:
    if kind == "attention_biases":
        nn.init.zeros_(parameter)
    else:
        _normal(parameter, TRANSFORMER_STD, generator)


@torch.no_grad()
def _reset(name: str, layer: nn.Module, generator: torch.Generator) -> None:
    """Let a layer of another kind draw its weights itself, as when it was built."""
    twin = copy.deepcopy(layer).cpu()  # where the same seed gives the same weights on every device
    own = dict(twin.named_parameters(recurse=False))
    for parameter in own.values():
        parameter.fill_(math.nan)  # so that what is not drawn is seen
    reset = getattr(twin, "reset_parameters", getattr(twin, "_reset_parameters", lambda: None))
    seed = int(torch.randint(2**62, (1,), generator=generator))
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        reset()
    kind = type(layer).__name__
    for own_name, parameter in own.items():
        if parameter.isnan().any():
            raise InputError(
                f"There is no rule to draw fresh weights for {own_name} of {kind}, the module "
                f"{name!r}: give it a `reset_parameters()`, or `unlearn` a `fresh=` that builds "
                "the network."
            )
    layer.load_state_dict({**layer.state_dict(), **_own_state(twin)})


def _own_state(layer: nn.Module) -> dict[str, torch.Tensor]:
    """Return a layer's tensors without those of the layers in it."""
    return {name: tensor for name, tensor in layer.state_dict().items() if "." not in name}


@torch.no_grad()
def _normal(weight: torch.Tensor, std: float, generator: torch.Generator) -> None:
    # drawn on the CPU, so that the same seed gives the same weights on every device
    weight.copy_(torch.empty(weight.shape).normal_(0, std, generator=generator))


@torch.no_grad()
def _uniform(weight: torch.Tensor, bound: float, generator: torch.Generator) -> None:
    weight.copy_(torch.empty(weight.shape).uniform_(-bound, bound, generator=generator))
