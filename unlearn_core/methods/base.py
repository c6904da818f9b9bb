"""The table of unlearning methods: what each is given, and what it declares about itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_core import plugins
from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, ForgetConfig, TrainingConfig
from unlearn_core.data.batches import Batch, Examples
from unlearn_core.data.presets import usual_preset
from unlearn_core.methods.settings import describe
from unlearn_core.models import get_model, initialise
from unlearn_core.settings import Settings, as_declared, require_allowed, types_of
from unlearn_core.tasks import CLASSIFICATION, Answers, Task
from unlearn_core.training import OBJECTIVE, Losses, Progress, autocast


@dataclass(frozen=True, kw_only=True)
class UnlearnInputs:
    """What an unlearning method is given: the model, D_f and D_r, and never the test set.

    Attributes
    ----------
    model : nn.Module
        The original model, on `device`; the method changes it in place.
    forget, retain : Examples
        D_f and D_r.
    generator : torch.Generator
        The only source of randomness, on the CPU.
    device : torch.device
    precision : {"fp32", "bf16"}
    task : Task
        What the model was trained to do; its loss is minimised on D_r and raised on D_f.
    subset_seed : int
        Which examples of D_r `retain_subset` has; all methods of a seed are given the same.
    recipe : TrainingConfig
        How the original was trained; `retrain` follows it again.
    restart : callable taking the model and the generator
        Sets the model back to where its training started; `retrain` does so first.
    fresh : callable taking the generator, optional
        Builds another network of the same kind, not trained; without it `models.initialise`
        draws weights.
    extras : dict of tensors
        What the method leaves behind besides the model, such as its adapter.
    facts : dict of float
        Numbers about the run that are stored with it, such as the sparsity before and after.
    log : callable taking a line
        Notes for the run's log, such as that a phase changed nothing.
    """

    model: nn.Module
    forget: Examples
    retain: Examples
    generator: torch.Generator
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: str = "fp32"
    task: Task = CLASSIFICATION
    subset_seed: int = 0
    recipe: TrainingConfig = field(default_factory=TrainingConfig)
    restart: Callable[[nn.Module, torch.Generator], None] = initialise
    fresh: Callable[[torch.Generator], nn.Module] | None = None
    extras: dict[str, Tensor] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    log: Callable[[str], None] = lambda _line: None

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the method runs its forward passes."""
        return autocast(self.device, self.precision)

    def answers(self, batch: Batch, model: nn.Module | None = None) -> Answers:
        """Return what the model, or another one, answers on the batch."""
        with self.autocast():
            return self.task.answers((model or self.model)(batch.inputs), batch)

    def classify(self, batch: Batch) -> Losses:
        """Return the task's loss on the batch, to be minimised."""
        answers = self.answers(batch)
        with self.autocast():
            return {OBJECTIVE: self.task.loss(answers.logits, answers.targets)}

    def ascend(self, batch: Batch) -> Losses:
        """Return minus the task's loss: minimising it is gradient ascent, which has no bound."""
        loss = self.classify(batch)[OBJECTIVE]
        return {OBJECTIVE: -loss, "forget_loss": loss}

    def redraw(self, model: nn.Module, only: Sequence[str] = ("",)) -> None:
        """Give these modules of a model of the same kind fresh weights, by default all of it."""
        if self.fresh is None:
            initialise(model, self.generator, only=only)
            return
        network = self.fresh(self.generator)
        for name in only:
            model.get_submodule(name).load_state_dict(network.get_submodule(name).state_dict())

    def retain_subset(self, at_least: int = 0) -> Examples:
        """Return D'_r: as many examples of D_r, drawn without replacement, as D_f has, or more.

        It is fixed: every call, in every method of this seed, returns the same examples.
        """
        generator = torch.Generator().manual_seed(self.subset_seed)
        return self.retain.sample(max(len(self.forget), at_least), generator)

    def retained(self, which: str) -> Examples:
        """Return D_r for "all", D'_r for "part", as the methods' setting `retain` names them."""
        return self.retain if which == "all" else self.retain_subset()


RunMethod = Callable[[UnlearnInputs, Any], Iterator[Progress]]


@dataclass(frozen=True, kw_only=True)
class Method:
    """One row of `METHODS`: the function, its settings class, and what to tell a reader.

    Attributes
    ----------
    presets : mapping of str to mapping
        Named settings that differ from the defaults.  One named like a data set is used on it,
        or one named like data set and scenario, such as "digits sample".
    libraries : tuple of str
        Packages that it imports late; loading them is not part of its measured time.
    is_trick : bool
        Whether it only games a metric, for the page that shows why accuracy is not enough.
    retain : {"all", "part", "labels", "none"}
        How much of D_r it reads; "none" where `uses_retain` is false.
    trains : {"all", "part", "adapters"}
        What may change: every weight at some step, the same part of the network at all of them,
        or adapters that are merged in the end.
    norm_mode : {"eval", "train", "fresh"}
        How batch normalisation runs with the default settings: its statistics stay, they follow
        the batches, or they stay but for layers that start again from fresh ones.
    not_for : mapping of str to str
        Tasks that it has no meaning for, by name, each with the reason.
    """

    name: str
    label: str
    source: str
    uses_retain: bool
    settings_class: type[Settings]
    run: RunMethod
    libraries: tuple[str, ...]
    presets: Mapping[str, Mapping[str, Any]]
    is_trick: bool
    description: str
    retain: str = "all"
    trains: str = "all"
    norm_mode: str = "eval"
    not_for: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, allowed in DECLARED.items():
            rules = {"choices": allowed}
            require_allowed(f"Method.{name}", getattr(self, name), rules)

    @property
    def idea(self) -> str:
        """What it does, in one line: its description's first sentence, without the name."""
        first = " ".join(self.description.split("\n\n")[0].split())
        return (first.partition(": ")[2] or first).removesuffix(".")


DECLARED = {
    "retain": ("all", "part", "labels", "none"),
    "trains": ("all", "part", "adapters"),
    "norm_mode": ("eval", "train", "fresh"),
}
METHODS: dict[str, Method] = {}


def register_method(  # noqa: PLR0913 - one argument a field of `Method`
    name: str,
    settings_class: type[Settings],
    *,
    label: str,
    source: str,
    uses_retain: bool,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    libraries: tuple[str, ...] = (),
    retain: str = "all",
    trains: str = "all",
    norm_mode: str = "eval",
    not_for: Mapping[str, str] | None = None,
) -> Callable[[RunMethod], RunMethod]:
    """Add the decorated generator to `METHODS`; its module's docstring is its description.

    What it declares here is what the contract tests hold it to (`methods.contract`).
    """

    def add(run: RunMethod) -> RunMethod:
        if name in METHODS:
            raise ValueError(f"Two methods are registered as {name!r}.")
        METHODS[name] = Method(
            name=name,
            label=label,
            source=source,
            uses_retain=uses_retain,
            settings_class=settings_class,
            run=run,
            libraries=libraries,
            presets=presets or {},
            is_trick=name.startswith("trick_"),
            description=inspect.getdoc(inspect.getmodule(run)) or "",
            retain=retain if uses_retain else "none",
            trains=trains,
            norm_mode=norm_mode,
            not_for=not_for or {},
        )
        return run

    return add


def get_method(name: str) -> Method:
    """Look up a method, or say which names would have worked."""
    if name not in METHODS:
        plugins.load("method", METHODS)  # it may have been added since this process began
    try:
        return METHODS[name]
    except KeyError:
        known = ", ".join(sorted(METHODS))
        raise InputError(f"Unknown unlearning method {name!r}. Known methods: {known}.") from None


def resolve_settings(
    name: str, overrides: Mapping[str, Any] | None = None, *, preset: str | None = None
) -> Any:
    """Return the method's settings: defaults, then the preset, then `overrides`.

    A `preset` that the method does not have means its defaults.

    Raises
    ------
    ValueError
        If a setting does not exist, has the wrong type or is out of range.
    """
    method = get_method(name)
    types = types_of(method.settings_class)
    values = {**method.presets.get(preset or "", {}), **(overrides or {})}
    for key, value in values.items():
        if key not in types:
            has = ", ".join(types) or "no settings"
            raise InputError(f"{name} has no setting {key!r}; it has {has}.")
        values[key] = as_declared(f"{name}.{key}", value, types[key])
    return method.settings_class(**values)


def require_meant_for(name: str, task: Task) -> None:
    """Raise `InputError` with the reason where a method has no meaning for a task."""
    reason = get_method(name).not_for.get(task.name)
    if reason is not None:
        raise InputError(f"{name} does not apply to {task.name}: {reason}.")


def methods_for(model: str) -> list[str]:
    """Return the names of the methods that have a meaning for what a model does."""
    task = get_model(model).task.name
    return [name for name, method in METHODS.items() if task not in method.not_for]


def usual_settings(
    name: str, data: DataConfig, forget: ForgetConfig, overrides: Mapping[str, Any] | None = None
) -> Any:
    """Return the settings that suit a request on a data set, with `overrides`."""
    preset = usual_preset(get_method(name).presets, data, forget)
    return resolve_settings(name, overrides, preset=preset)


def catalogue() -> list[dict[str, Any]]:
    """Return every method as JSON types: what a form, a card or a list shows of it."""
    return [
        {
            "name": method.name,
            "label": method.label,
            "source": method.source,
            "uses_retain": method.uses_retain,
            "is_trick": method.is_trick,
            "description": method.description,
            "not_for": dict(method.not_for),
            "presets": {name: dict(preset) for name, preset in method.presets.items()},
            "settings": describe(method.settings_class),
        }
        for method in METHODS.values()
    ]
