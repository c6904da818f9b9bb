"""Plan the runs of a request: their configs, and which runs each of them needs first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.config import (
    TRIGGERS,
    DataConfig,
    ForgetConfig,
    ModelConfig,
    RelearnConfig,
    RunConfig,
)
from unlearn_core.data import DatasetSpec, get_dataset, with_content
from unlearn_core.data.counting import count_training
from unlearn_core.data.recipes import for_transformer
from unlearn_core.machine import has_fast_bf16
from unlearn_core.runs.pretrained import fine_tuning, pretrained_model

LEARNABLE = ("class", "subclass")  # kinds of requests whose forget set can be learned as new
RELEARNING = RelearnConfig(examples=(1, 5, 20))


def comparison_config(  # noqa: PLR0913 - what a person may choose, most of it with a default
    dataset: str,
    forget: ForgetConfig,
    *,
    model: str | None = None,
    width: int | None = None,
    train_examples: int | None = None,
    epochs: int | None = None,
    precision: str = "auto",
    pretrained: bool = False,
    device: str = "auto",
    shape: Mapping[str, Any] | None = None,
    trigger: str = TRIGGERS[0],
    content: str = "",
) -> RunConfig:
    """Return the config of the original of a comparison, with the data set's own recipe.

    `shape` has further fields of `ModelConfig`, such as the layers of a network for texts.
    Without a `model` it is the one that suits the data set.
    The recipe is that for `train_examples`, or for as many as the data set has.  `content` names
    images that are kept as an upload, in place of those in the data root.  The precision
    "auto" is what suits the data set and the `device` of this machine on which runs are made.
    A `pretrained` network has the shape and image size of its published weights, and goes on from
    them as in RFA, for as many epochs as the data set's recipe has.
    """
    spec = get_dataset(dataset)
    model = model or spec.model
    network = ModelConfig(
        name=model,
        width=spec.width if width is None else width,
        norm=spec.norm,
        stem=spec.stem,
        length=spec.length,
    )
    data = DataConfig(name=dataset, train_examples=train_examples, content=content)
    recipe = spec.recipe(train_examples or count_training(spec, content))
    if recipe.optimizer == "sgd" and not model.startswith("resnet"):
        recipe = for_transformer(recipe)
    if pretrained:
        network = pretrained_model(model, spec, width=width)
        recipe = fine_tuning(model, recipe.epochs)
    network = replace(network, **(shape or {}))
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    start = RunConfig(
        data=with_content(data),
        model=network,
        training=recipe,
        precision=usual_precision(spec, device) if precision == "auto" else precision,
    )
    return with_request(start, forget, trigger)


def usual_precision(spec: DatasetSpec, device: str = "auto") -> str:
    """Return "bf16" where the data set gains by it and the device computes it in hardware."""
    return "bf16" if spec.precision == "auto" and has_fast_bf16(device) else "fp32"


def with_request(config: RunConfig, forget: ForgetConfig, trigger: str = TRIGGERS[0]) -> RunConfig:
    """Return the config with another forget request.

    A backdoor poisons the data too, with this trigger, and a confusion swaps labels.

    Raises
    ------
    InputError
        If another trigger is asked for without a backdoor.
    """
    if trigger != TRIGGERS[0] and forget.kind != "backdoor":
        raise InputError("--trigger is the pattern of a backdoor; it needs --forget-backdoor.")
    target = forget.values[0] if forget.kind == "backdoor" else None
    swapped = forget.values if forget.kind == "confusion" else ()
    data = replace(config.data, poison_target=target, trigger=trigger, confused=swapped)
    return replace(config, data=data, forget=forget)


def run_configs(
    start: RunConfig,
    methods: Mapping[str, Mapping[str, Any]],
    seeds: Sequence[int] = (0,),
) -> list[RunConfig]:
    """Return the runs of a comparison: per seed the original, the retrained, then each method.

    `methods` maps a method's name to its settings that differ from its defaults.
    """
    return variant_configs(start, {name: [one] for name, one in methods.items()}, seeds)


def variant_configs(
    start: RunConfig,
    variants: Mapping[str, Sequence[Mapping[str, Any]]],
    seeds: Sequence[int] = (0,),
) -> list[RunConfig]:
    """Return the runs of a comparison whose methods have several settings each, every run once.

    `variants` maps a method's name to its settings, of each those that differ from its defaults.
    """
    configs: dict[str, RunConfig] = {}
    for seed in seeds:
        seeded = replace(start, seed=seed)
        made = [seeded.original(), seeded.retrained()]
        made += [
            replace(seeded, method=name, settings=dict(settings))
            for name, several in variants.items()
            if name not in ("retrain", "original")
            for settings in several
        ]
        configs |= {config.key(): config for config in made}
    return list(configs.values())


def relearning_configs(configs: Iterable[RunConfig]) -> list[RunConfig]:
    """Return the relearning of each run's model, by the usual recipe; of runs that can have one."""
    taught = ("original", "reference", "method")
    return [replace(c, relearn=RELEARNING) for c in configs if c.role in taught]


def reference_configs(start: RunConfig, n_seeds: int) -> list[RunConfig]:
    """Return the retrained models of the seeds 0 to `n_seeds` - 1, without methods beside them."""
    if n_seeds < 0:
        raise InputError(f"The number of reference seeds must not be negative, got {n_seeds}.")
    return [replace(start, seed=seed).retrained() for seed in range(n_seeds)]


def incremental_configs(start: RunConfig, seeds: Sequence[int] = (0,)) -> list[RunConfig]:
    """Return the references of each seed, and the run that learns the forget set after all.

    Raises
    ------
    ValueError
        If the request is neither for classes nor for subclasses.
    """
    require_learnable(start.forget)
    learned = [incremental_config(replace(start, seed=seed)) for seed in seeds]
    return [*run_configs(start, {}, seeds), *learned]


def incremental_config(config: RunConfig) -> RunConfig:
    """Return the config of the retrained model that then learns the forget set."""
    return replace(config, method="incremental", settings={})


def require_learnable(forget: ForgetConfig) -> None:
    """Raise `ValueError` unless the request names something that a model can learn as new."""
    if forget.kind not in LEARNABLE:
        raise InputError(
            "Incremental learning needs a request for a class or a subclass, "
            f"got one of kind {forget.kind!r}."
        )


def parents(config: RunConfig) -> list[RunConfig]:
    """Return the runs that must be finished before this one can be made, in order."""
    if config.role == "base":
        return []
    if config.role == "relearning":
        taught = config.taught()
        return [*parents(taught), taught]
    is_reference = config.role == "reference"
    return [config.base()] if is_reference else [config.base(), config.retrained()]


def all_needed(configs: Iterable[RunConfig]) -> list[RunConfig]:
    """Return these runs and those that they need, each once, in the order to make them."""
    needed = [run for config in configs for run in (*parents(config), config)]
    return list({config.key(): config for config in needed}.values())
