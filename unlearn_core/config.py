"""What identifies a run: frozen, hashable settings with one canonical JSON form."""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Self

from unlearn_core.checks import (
    LARGEST_WHOLE,
    InputError,
    require_between,
    require_choice,
    require_positive,
)

SCHEMA_VERSION = 4  # bump when the meaning of a stored array or number, or a default, changes
FORGET_KINDS = ("none", "class", "subclass", "ids", "random", "backdoor")
SCENARIOS = {"ids": "sample", "random": "sample", "backdoor": "backdoor"}  # the others: "class"
SCHEDULES = ("cosine", "linear", "exponential", "constant")
NORM_GROUPS = 2  # of group normalisation, as in MUDA's training recipe
_RESNET: dict[str, Any] = {"width": 64, "norm": "batch", "stem": "imagenet"}
LARGEST_WIDTH, LARGEST_INPUT = 2**16, 2**14  # channels and pixels, far above any use
PRETRAINED: dict[str, dict[str, Any]] = {  # models with ImageNet weights: the shape these have
    "resnet18": _RESNET,
    "resnet50": _RESNET,
    "vit_b_16": {"stem": "imagenet"},
    "tiny_vit": {},
}


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which data, and how much of it.

    Attributes
    ----------
    name : str
        A name from `unlearn_core.data.DATASETS`.
    train_examples : int or None
        Use a seeded, stratified part of the training set of this size; None means all of it.
    poison_target : int or None
        Give a tenth of the training images a trigger and this label (`data.poison`).
    content : str
        Hash of the files that the data was read from (`data.content`), so that changed data
        makes other runs.  Empty for what ships with the program, and before it was looked up.
    """

    name: str = "digits"
    train_examples: int | None = None
    poison_target: int | None = None
    content: str = ""

    def __post_init__(self) -> None:
        if self.train_examples is not None:
            require_positive(self, "train_examples")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which network.

    Attributes
    ----------
    name : str
        A name from `unlearn_core.models.MODELS`.
    width : int
        Channels of the first stage of a ResNet (64 in the papers).
    norm : {"group", "batch"}
        Group normalisation has 2 groups, as in MUDA's training recipe.
    stem : {"cifar", "imagenet"}
        3x3 stride 1 without pooling, or 7x7 stride 2 with pooling.
    pretrained : bool
        Start from ImageNet weights, all but the classifier; the shape must be theirs.
    input_size : int or None
        Scale images to this many pixels a side on their way into the network; None keeps them.
    """

    name: str = "resnet18"
    width: int = 64
    norm: str = "group"
    stem: str = "cifar"
    pretrained: bool = False
    input_size: int | None = None

    def __post_init__(self) -> None:
        require_positive(self, "width")
        require_between(self, 1, LARGEST_WIDTH, "width")
        require_choice(self, "norm", ("group", "batch"))
        require_choice(self, "stem", ("cifar", "imagenet"))
        has_groups = self.name.startswith("resnet") and self.norm == "group"
        if has_groups and self.width % NORM_GROUPS:
            what = f"a multiple of the {NORM_GROUPS} groups of group normalisation"
            raise InputError(f"ModelConfig.width must be {what}, got {self.width}.")
        if self.pretrained:
            _require_published(self)
        if self.input_size is not None:
            require_positive(self, "input_size")
            require_between(self, 1, LARGEST_INPUT, "input_size")


def _require_published(config: ModelConfig) -> None:
    if config.name not in PRETRAINED:
        raise InputError(f"Only {', '.join(PRETRAINED)} have ImageNet weights, got {config.name}.")
    for name, wanted in PRETRAINED[config.name].items():
        if getattr(config, name) != wanted:
            what = f"ModelConfig.{name} of a pretrained {config.name}"
            raise InputError(f"{what} must be {wanted!r}, got {getattr(config, name)!r}.")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The recipe that made the original model, used again for the retrained one.

    Attributes
    ----------
    warmup_fraction : float
        Share of all steps over which the learning rate rises linearly.
    schedule : {"cosine", "linear", "exponential", "constant"}
        Then a half cosine to zero, a straight line to zero, times `decay` per epoch, or nothing.
    decay : float
        Of "exponential" only.
    """

    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.1
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_fraction: float = 0.1
    augment: str = "none"
    schedule: str = "cosine"
    decay: float = 0.998

    def __post_init__(self) -> None:
        require_positive(self, "epochs", "batch_size", "learning_rate", "decay")
        require_between(self, 0, 1, "momentum", "weight_decay", "warmup_fraction", "decay")
        require_choice(self, "optimizer", ("sgd", "adam", "adamw"))
        require_choice(self, "augment", ("none", "crop_flip", "shift"))
        require_choice(self, "schedule", SCHEDULES)


@dataclass(frozen=True, kw_only=True)
class ForgetConfig:
    """Which training examples to forget.

    Attributes
    ----------
    kind : {"none", "class", "subclass", "ids", "random", "backdoor"}
        `"none"` stands for the original model before any request.
    values : tuple of int
        The classes, subclasses or example ids; the number of examples for `"random"`; the
        attacker's target class for `"backdoor"`, which must be the data's `poison_target`.
    """

    kind: str = "none"
    values: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require_choice(self, "kind", FORGET_KINDS)
        try:
            values = tuple(sorted({operator.index(value) for value in self.values}))
        except TypeError:
            raise InputError(
                f"ForgetConfig.values must be whole numbers, got {self.values!r}."
            ) from None
        object.__setattr__(self, "values", values)
        if (self.kind == "none") != (not values):
            raise InputError(
                f"A forget request of kind {self.kind!r} needs "
                f"{'no values' if self.kind == 'none' else 'at least one value'}, "
                f"got {list(values)}."
            )
        if values and values[0] < 0:
            raise InputError(f"Forget values must not be negative, got {values[0]}.")
        if self.kind in ("random", "backdoor") and len(values) != 1:
            raise InputError(f"Forget kind {self.kind!r} takes one value, got {list(values)}.")

    @property
    def scenario(self) -> str:
        """What the papers call such a request: "class", "sample" or "backdoor"."""
        return SCENARIOS.get(self.kind, "class")


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that a run's result depends on.

    Two runs with equal configs have equal keys, and so share one folder of the store.
    `method` is `"original"`, `"incremental"` or a name from `unlearn_core.methods.METHODS`, and
    `settings` holds the fields of its settings class that differ from their defaults.

    A key is made of what differs from the defaults alone: a field that is added later, with a
    default that means "as before", leaves the keys of stored runs as they are.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    forget: ForgetConfig = field(default_factory=ForgetConfig)
    method: str = "original"
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    precision: str = "fp32"

    def __post_init__(self) -> None:
        require_choice(self, "precision", ("fp32", "bf16"))
        if type(self.seed) is not int or self.seed < 0:
            raise InputError(f"RunConfig.seed must be a whole number from 0, got {self.seed!r}.")
        require_between(self, 0, LARGEST_WHOLE, "seed")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types that `from_dict` turns back into an equal config."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Build a config from `to_dict`'s output; unknown or misspelt names are refused."""
        parts: dict[str, Any] = dict(plain)
        for name, part in _PARTS.items():
            if name in parts:
                parts[name] = _build(part, parts[name], name)
        config: Self = _build(cls, parts, "config")
        return config

    def key(self) -> str:
        """Return the 16-hex-digit name of this run's folder."""
        return _digest({"schema": SCHEMA_VERSION, **_without_defaults(self)})

    def comparison_key(self) -> str:
        """Return the key shared by all runs on the same data, model and forget request."""
        shared = _without_defaults(self)
        for name in ("method", "settings", "seed"):
            shared.pop(name, None)
        return _digest({"schema": SCHEMA_VERSION, **shared})

    def base(self) -> RunConfig:
        """Return the config of the trained model that every forget request starts from."""
        return replace(self, method="original", settings={}, forget=ForgetConfig())

    def original(self) -> RunConfig:
        """Return the config of the original model, evaluated on this forget request."""
        return replace(self, method="original", settings={})

    def retrained(self) -> RunConfig:
        """Return the config of the reference: the model trained without the forget set."""
        return replace(self, method="retrain", settings={})


def usual_preset(presets: Collection[str], dataset: str, forget: ForgetConfig) -> str | None:
    """Return which of a method's presets suits a request: how it is made if nobody says more.

    That is the one for this data set and scenario, such as "digits sample"; else the one for the
    data set; else None, which stands for the method's defaults.
    """
    candidates = (f"{dataset} {forget.scenario}", dataset)
    return next((name for name in candidates if name in presets), None)


_PARTS: dict[str, type[Any]] = {
    "data": DataConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "forget": ForgetConfig,
}

_TYPES: dict[str, tuple[type[Any], ...]] = {  # what JSON may hold, by a field's annotation
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (int, float),
    "tuple[int, ...]": (list, tuple),
    "Mapping[str, Any]": (Mapping,),
}


def _build(cls: type[Any], values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise InputError(f"{where} must be an object of named settings, got {values!r}.")
    known = {f.name: str(f.type) for f in fields(cls)}
    for name, value in values.items():
        if name not in known:
            raise InputError(f"{where} has no setting {name!r}; it has {', '.join(known)}.")
        wanted = _TYPES.get(known[name], (object,))
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise InputError(f"{where}.{name} must be of type {known[name]}, got {value!r}.")
    return cls(**values)


def _without_defaults(config: Any) -> dict[str, Any]:
    """Return the fields that differ from their defaults, as plain JSON types."""
    kept: dict[str, Any] = {}
    for declared in fields(config):
        value = getattr(config, declared.name)
        if is_dataclass(value):
            value = _without_defaults(value)
            if value:
                kept[declared.name] = value
        elif value != _default(declared):
            kept[declared.name] = dict(value) if isinstance(value, Mapping) else value
    return kept


def _default(declared: Field[Any]) -> Any:
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    return declared.default


def changed_from(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings whose values are not their defaults: what a run's config holds."""
    return {name: value for name, value in values.items() if value != defaults[name]}


def _digest(plain: Mapping[str, Any]) -> str:
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
