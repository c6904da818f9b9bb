"""The table of networks, and how one is built and given fresh weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps

import torch
from torch import nn

from unlearn_core.checks import InputError
from unlearn_core.config import ModelConfig
from unlearn_core.models.parts import PartsOf, draw_layer_of, state_parts
from unlearn_core.models.pretrained import load_published_weights
from unlearn_core.models.scaling import scale_inputs
from unlearn_core.tasks import CLASSIFICATION, Task

Builder = Callable[[ModelConfig, int, int], nn.Module]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One row of `MODELS`. `build` takes the config, the image channels and the classes.

    `tokenizer` is the kind by which texts are cut for it (`data.tokenizing`); "" for a network that
    takes pictures.  `task` is what it is trained to do.
    """

    name: str
    label: str
    source: str
    build: Builder
    tokenizer: str = ""
    task: Task = CLASSIFICATION


MODELS: dict[str, ModelSpec] = {}


def register_model(
    name: str,
    *,
    label: str,
    source: str,
    parts: PartsOf,
    tokenizer: str = "",
    task: Task = CLASSIFICATION,
) -> Callable[[Builder], Builder]:
    """Add the decorated builder to `MODELS` under `name`.

    `parts` returns what methods ask of a built network: its layers by what they are for, and how
    their fresh weights are drawn (`parts.Parts`).
    """

    def add(build: Builder) -> Builder:
        if name in MODELS:
            raise ValueError(f"Two models are registered as {name!r}.")

        @wraps(build)
        def build_with_parts(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
            model = build(config, channels, n_classes)
            return state_parts(model, parts(model))

        MODELS[name] = ModelSpec(
            name=name,
            label=label,
            source=source,
            build=build_with_parts,
            tokenizer=tokenizer,
            task=task,
        )
        return build

    return add


def get_model(name: str) -> ModelSpec:
    """Look up a model, or say which names would have worked."""
    try:
        return MODELS[name]
    except KeyError:
        known = ", ".join(sorted(MODELS))
        raise InputError(f"Unknown model {name!r}. Known models: {known}.") from None


def build_model(
    config: ModelConfig, channels: int, n_classes: int, generator: torch.Generator
) -> nn.Module:
    """Build the network with the weights that training starts from (see `restart`).

    Raises
    ------
    ValueError
        If the name is unknown.
    WeightsNotFoundError
        If published weights are asked for and there is neither a file nor a network.
    """
    model = get_model(config.name).build(config, channels, n_classes)
    restart(model, generator, config)
    if config.input_size is not None:
        scale_inputs(model, config.input_size)
    return model


def restart(model: nn.Module, generator: torch.Generator, config: ModelConfig) -> None:
    """Set a network back to where its training starts: fresh weights, or published ones.

    The classifier is drawn from `generator` in both cases.
    """
    initialise(model, generator)
    if config.pretrained:
        load_published_weights(model, config.name)


def initialise(
    model: nn.Module, generator: torch.Generator, *, only: Sequence[str] = ("",)
) -> None:
    """Give every layer of `model` fresh weights by the rule that its family states.

    They are drawn from `generator` in the order of the layers.  A weight that two layers share is
    drawn for the first.  A network whose parts were not stated has the rule `draw_layer`.

    Parameters
    ----------
    model : nn.Module
    generator : torch.Generator
    only : sequence of str
        Names of the modules that are drawn; the others keep their weights.

    Raises
    ------
    ValueError
        If a layer of a kind without a rule cannot draw its weights itself.
    """
    draw = draw_layer_of(model)
    drawn: set[int] = set()
    for root in only:
        for name, layer in model.get_submodule(root).named_modules(prefix=root):
            own = {id(weight) for weight in layer.parameters(recurse=False)}
            if own - drawn or not own:
                draw(name, layer, generator)
            drawn |= own
