"""Unlearning with any method, on a network and examples of one's own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import nn

from unlearn_core.checks import InputError
from unlearn_core.config import RunConfig, TrainingConfig
from unlearn_core.engine.meter import Meter, warm_up
from unlearn_core.library.data import (
    Data,
    count_classes,
    device_of,
    network_of,
    pair_of,
    place_of,
    require,
    stored_together,
)
from unlearn_core.methods import UnlearnInputs, get_method, resolve_settings
from unlearn_core.metrics import Cost
from unlearn_core.models import Parts, initialise, state_parts
from unlearn_core.models.parts import STATED
from unlearn_core.seeding import stream_seed, torch_stream
from unlearn_core.training import Progress

Fresh = Callable[[], nn.Module]


@dataclass(frozen=True, kw_only=True, eq=False)
class UnlearnResult:
    """The unlearned model, and what it took.

    Attributes
    ----------
    model : nn.Module
        In evaluation mode, where the caller's model is; it remembers the `parts` it was given.
    history : DataFrame
        One row a step: `step`, `phase` (such as "recover"; empty where a method has one phase),
        `n_examples`, and a column a loss, in nats, NaN where a step has no such loss.
    seconds : float
        Of the method's own steps.
    cost : Cost
        The same, with the numbers of steps, examples seen and parameters trained.
    notes : tuple of str
        What the method has to say of this run, such as that it stopped early.
    """

    model: nn.Module
    history: pd.DataFrame
    seconds: float
    cost: Cost
    notes: tuple[str, ...]


def unlearn(  # noqa: PLR0913 - what a method has to know, most of it with a default
    model: nn.Module,
    forget: Data,
    retain: Data,
    *,
    method: str = "rfa",
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    parts: Parts | None = None,
    recipe: TrainingConfig | Mapping[str, Any] | None = None,
    fresh: Fresh | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    precision: str = "fp32",
    **more: Any,
) -> UnlearnResult:
    """Make a copy of a trained classifier forget a part of its training data.

    The caller's model is left as it is, and so are torch's global generators.

    Parameters
    ----------
    model : nn.Module
        The original; it answers with logits (n_examples, n_classes).
    forget, retain : (inputs, labels) or torch.utils.data.Dataset
        D_f and D_r.  Inputs are given to the network as they are: any normalisation is the
        caller's, and there is no augmentation.
    method : str
        A name from `unlearn_core.methods.METHODS`.
    settings, more
        The method's settings, by name.  Those called like an argument here, which is `retain`,
        only fit into `settings`; the others are welcome as keywords.
    preset : str, optional
        Named settings of the method to start from.
    parts : Parts, optional
        What the network's modules are for.  Methods that freeze, adapt or restart a part of the
        network need them; a network of this project states its own.
    recipe : TrainingConfig or mapping, optional
        How the original was trained, for `retrain`.
    fresh : callable returning an nn.Module, optional
        Builds the network anew, with the weights that training starts from, for `retrain`, `badt`
        and `eu_k`.  Without it, weights are drawn by `unlearn_core.models.initialise`.
    seed : int
        The same seed gives the same weights on the same machine.
    device : optional
        Where to compute; by default where the model is.
    precision : {"fp32", "bf16"}
        Of forward passes; weights stay as they are.

    Raises
    ------
    ValueError
        In one line, if an argument or a setting cannot be, or the method does not fit the network.
    """
    network_of("model", model)
    require("method", method, str, "the name of a method")
    require("settings", settings, Mapping, "a mapping of names to values")
    require("parts", parts, Parts, "Parts(...)")
    require("recipe", recipe, TrainingConfig | Mapping, "a TrainingConfig or a mapping")
    require("fresh", fresh, Callable, "a function that builds a network")
    made = get_method(method)
    chosen = _chosen(method, preset, {**(settings or {}), **more})
    known = RunConfig(seed=seed, precision=precision, training=_recipe(recipe))  # checks them
    pairs = {"forget": pair_of("forget", forget), "retain": pair_of("retain", retain)}
    home, place = device_of(model), place_of(device, model)
    n_classes = count_classes(model, "forget", pairs["forget"][0])
    copied = copy.deepcopy(model).to(place)
    if not any(weight.is_floating_point() for weight in copied.parameters()):
        raise InputError("`model` must have weights that can be trained, got none.")
    trains = {name: weight.requires_grad for name, weight in copied.named_parameters()}
    copied.requires_grad_(True)  # a method says itself what it freezes
    if parts is not None:
        state_parts(copied, parts)
    stored = stored_together(pairs, n_classes, place)
    notes: list[str] = []
    build = None if fresh is None else partial(built_anew, fresh, copied)
    inputs = UnlearnInputs(
        model=copied,
        forget=stored["forget"],
        retain=stored["retain"],
        generator=torch_stream(seed, f"method {method}"),
        device=place,
        precision=known.precision,
        subset_seed=stream_seed(seed, "retained part"),
        recipe=known.training,
        restart=initialise if build is None else partial(_restart, build),
        fresh=build,
        log=notes.append,
    )
    with _seeded(place, stream_seed(seed, "dropout")):
        warm_up(copied, inputs.forget, made.libraries, inputs.autocast())
        history, cost = _follow(copied, made.run(inputs, chosen), place)
    for name, weight in copied.named_parameters():
        weight.requires_grad_(trains[name])
    return UnlearnResult(
        model=copied.eval().to(home),
        history=history,
        seconds=cost.seconds,
        cost=cost,
        notes=tuple(notes),
    )


def _chosen(method: str, preset: str | None, settings: Mapping[str, Any]) -> Any:
    """Return the method's settings, checked."""
    presets = get_method(method).presets
    if preset is not None and preset not in presets:
        known = ", ".join(presets) or "none"
        raise InputError(f"{method} has no preset {preset!r}; it has {known}.")
    return resolve_settings(method, settings, preset=preset)


def _recipe(recipe: TrainingConfig | Mapping[str, Any] | None) -> TrainingConfig:
    if isinstance(recipe, Mapping):
        recipe = RunConfig.from_dict({"training": recipe}).training
    if recipe is not None and recipe.augment != "none":
        what = "`recipe` must have no augmentation, as inputs are given as they are"
        raise InputError(f"{what}, got {recipe.augment!r}.")
    return recipe or TrainingConfig()


def built_anew(fresh: Fresh, like: nn.Module, generator: torch.Generator) -> nn.Module:
    """Build a network with a seed from the generator, and with the parts of `like`."""
    seed = int(torch.randint(2**62, (1,), generator=generator))
    with _seeded(torch.device("cpu"), seed):
        built = network_of("fresh", fresh()).to(device_of(like))
    if built.state_dict().keys() != like.state_dict().keys():
        what = "must build a network like `model`, with weights of the same names"
        raise InputError(f"`fresh` {what}, got a {type(built).__name__} with others.")
    if hasattr(like, STATED):
        setattr(built, STATED, getattr(like, STATED))
    return built


def _restart(
    build: Callable[[torch.Generator], nn.Module], model: nn.Module, generator: torch.Generator
) -> None:
    model.load_state_dict(build(generator).state_dict())


@contextmanager
def _seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Seed the global generators for a while, from which a network's own dropout draws."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def _follow(
    model: nn.Module, steps: Iterator[Progress], device: torch.device
) -> tuple[pd.DataFrame, Cost]:
    meter = Meter(model, device)
    taken = []
    while meter.advance(steps):
        taken.append(meter.progress)
    rows = [
        {"step": each.step, "phase": each.phase, "n_examples": each.n_examples, **each.losses}
        for each in taken  # in the end, as looking at a loss waits for an accelerator
    ]
    return pd.DataFrame(rows), meter.cost()
