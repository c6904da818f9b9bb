"""The config of a run: all that its result depends on, with a canonical JSON form and a key."""

from __future__ import annotations

import hashlib
import json
import operator
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Self

from unlearn_core.checks import LARGEST_WHOLE, InputError
from unlearn_core.settings import Settings, require_type, setting, types_of

SCHEMA_VERSION = 4  # bump when the meaning of a stored array or number, or a default, changes
FORGET_KINDS = ("none", "class", "subclass", "ids", "random", "backdoor", "confusion", "keyword")
SCENARIOS = {  # the others: "class"; wrong labels are to be undone as a backdoor's are
    "ids": "sample",
    "random": "sample",
    "keyword": "keyword",
    "backdoor": "backdoor",
    "confusion": "backdoor",
}
VALUELESS = ("none", "keyword")  # kinds of requests without numbers
DIFFICULTIES = ("any", "low", "medium", "high")
SCHEDULES = ("cosine", "linear", "exponential", "constant")
NORM_GROUPS = 2  # of group normalisation, as in MUDA's training recipe
_HASH = re.compile("[0-9a-f]{16}")
_RESNET: dict[str, Any] = {"width": 64, "norm": "batch", "stem": "imagenet"}
TEXT_NETWORKS = ("distilbert", "distilgpt2")
TEXT_SHAPE = ("layers", "heads", "length", "vocabulary")  # of such a network, beside the width
LARGEST_WIDTH, LARGEST_INPUT = 2**16, 2**14  # channels and pixels, far above any use
PRETRAINED: dict[str, dict[str, Any]] = {  # models with published weights: the shape these have
    "resnet18": _RESNET,
    "resnet50": _RESNET,
    "vit_b_16": {"stem": "imagenet"},
    "tiny_vit": {},
    "distilbert": {"width": 768, "layers": 6, "heads": 12, "vocabulary": 30522},
    "distilgpt2": {"width": 768, "layers": 6, "heads": 12, "vocabulary": 50258},
}


TRIGGERS = ("square", "checkers", "stripes")  # patterns of a backdoor's patch


@dataclass(frozen=True, kw_only=True)
class DataConfig(Settings):
    """The data set, how much of it, and whether it is poisoned."""

    name: str = setting("digits", "A data set of `list datasets`.")
    train_examples: int | None = setting(
        None,
        "Use a part of the training set of this size, with equal shares of each class; "
        "`null` is all of it.",
        positive=True,
    )
    poison_target: int | None = setting(
        None,
        "Give a tenth of the training images a trigger and this label; "
        'for `forget.kind` `"backdoor"`.',
    )
    trigger: str = setting(
        "square", "The pattern of the trigger that poisoned images get.", choices=TRIGGERS
    )
    confused: tuple[int, ...] = setting(
        (),
        "Two classes and a number: swap the labels of so many of their training examples; "
        'for `forget.kind` `"confusion"`.',
    )
    content: str = setting(
        "",
        "The hash of the data's files, 16 hex digits; filled in where it is empty. "
        "A run that names one is refused where the files are others.",
    )

    def __post_init__(self) -> None:
        confused = _whole_values("DataConfig.confused", self.confused)
        object.__setattr__(self, "confused", confused)
        super().__post_init__()
        if confused:
            _require_confusion("DataConfig.confused", confused)


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Settings):
    """The network: its family, shape and initial weights."""

    name: str = setting("resnet18", "A model of `list models`.")
    width: int = setting(
        64,
        "Channels of a ResNet's first stage; numbers that stand for a token where texts are read.",
        positive=True,
        between=(1, LARGEST_WIDTH),
    )
    norm: str = setting(
        "group",
        "Normalisation: in 2 groups of channels, as MUDA, or by batch.",
        choices=("group", "batch"),
    )
    stem: str = setting(
        "cifar",
        "First layer: 3x3, stride 1, no pooling; or 7x7, stride 2, pooling.",
        choices=("cifar", "imagenet"),
    )
    pretrained: bool = setting(
        False, "Start from published weights, all but the classifier; the shape must be theirs."
    )
    input_size: int | None = setting(
        None,
        "Scale images to this many pixels a side; `null` keeps them.",
        positive=True,
        between=(1, LARGEST_INPUT),
    )
    layers: int = setting(
        2, "Transformer blocks of a network for texts.", positive=True, between=(1, 96)
    )
    heads: int = setting(
        4, "Attention heads of a network for texts.", positive=True, between=(1, LARGEST_WIDTH)
    )
    length: int = setting(
        64, "Tokens of a text that are read; the rest is cut off.", between=(4, LARGEST_INPUT)
    )
    vocabulary: int = setting(
        3000,
        "Tokens that a tokenizer may know at most, which is trained on the training texts.",
        between=(8, 2**20),
    )
    weights: str = setting(
        "",
        "The hash of a file of trained weights, which `--weights FILE` fills in, 16 hex digits: "
        "they are the original, and only what is retrained is trained.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights and not _HASH.fullmatch(self.weights):
            raise InputError(
                f"ModelConfig.weights must be 16 hex digits of a file's hash, got {self.weights!r}."
            )
        if self.width % self.heads and self.name in TEXT_NETWORKS:
            what = f"a multiple of the {self.heads} attention heads"
            raise InputError(f"ModelConfig.width must be {what}, got {self.width}.")
        has_groups = self.is_resnet and self.norm == "group"
        if has_groups and self.width % NORM_GROUPS:
            what = f"a multiple of the {NORM_GROUPS} groups of group normalisation"
            raise InputError(f"ModelConfig.width must be {what}, got {self.width}.")
        if self.pretrained:
            _require_published(self)

    @property
    def is_resnet(self) -> bool:
        """Say whether it is a ResNet: only these have a choice of normalisation."""
        return self.name.startswith("resnet")


def _require_published(config: ModelConfig) -> None:
    if config.name not in PRETRAINED:
        raise InputError(f"Only {', '.join(PRETRAINED)} have published weights, got {config.name}.")
    for name, wanted in PRETRAINED[config.name].items():
        if getattr(config, name) != wanted:
            what = f"ModelConfig.{name} of a pretrained {config.name}"
            raise InputError(f"{what} must be {wanted!r}, got {getattr(config, name)!r}.")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Settings):
    """How the original model is trained; the retrained one is trained in the same way."""

    epochs: int = setting(30, "Passes over the training set.", positive=True)
    batch_size: int = setting(128, "Examples per step.", positive=True)
    learning_rate: float = setting(
        0.1, "Step size of the optimiser, at its highest.", positive=True
    )
    optimizer: str = setting("sgd", "The optimiser.", choices=("sgd", "adam", "adamw"))
    momentum: float = setting(0.9, 'Momentum of `"sgd"`.', between=(0, 1))
    weight_decay: float = setting(5e-4, "Weight decay of the optimiser.", between=(0, 1))
    warmup_fraction: float = setting(
        0.1, "Share of all steps over which the learning rate rises linearly.", between=(0, 1)
    )
    augment: str = setting(
        "none",
        "How training examples are varied: images by moving and mirroring them, texts by hiding "
        "a part of their tokens.",
        choices=("none", "crop_flip", "shared_crop_flip", "shift", "mask_tokens"),
    )
    schedule: str = setting(
        "cosine",
        "How the learning rate falls after the warm-up: by a half cosine or a straight line to "
        "zero, by `decay` each epoch, or not.",
        choices=SCHEDULES,
    )
    decay: float = setting(
        0.998, 'Factor per epoch, of `"exponential"`.', positive=True, between=(0, 1)
    )
    nesterov: bool = setting(False, 'Nesterov\'s momentum, of `"sgd"`.')
    label_smoothing: float = setting(
        0.0, "Share of each target that is spread evenly over all classes.", between=(0, 1)
    )

    even_batches: bool = setting(
        False,
        "Divide each pass evenly, so that no small last batch spoils the statistics of batch "
        "normalisation.",
    )
    small_share: float = setting(
        0.0,
        "Share of all steps, the first ones, on images of three quarters of their height and "
        "width; for networks that take any size.",
        between=(0, 1),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum > 0):
            raise InputError(
                "TrainingConfig.nesterov needs the optimizer 'sgd' with momentum above 0, got "
                f"{self.optimizer!r} with {self.momentum}."
            )


@dataclass(frozen=True, kw_only=True)
class ForgetConfig(Settings):
    """Which training examples to forget; of kind "none" for the model before any request."""

    kind: str = setting(
        "none", 'What the values are; `run` needs another than `"none"`.', choices=FORGET_KINDS
    )
    values: tuple[int, ...] = setting(
        (),
        "The classes, subclasses or example ids; the number of random examples; the backdoor's "
        "target, which must be `data.poison_target`; the three numbers of `data.confused`.",
    )
    seed: int = setting(
        0, 'Which draw of `"random"` examples, the same for all seeds.', between=(0, LARGEST_WHOLE)
    )
    difficulty: str = setting(
        "any",
        'Draw `"random"` examples among those that have to be memorised least, most, or between.',
        choices=DIFFICULTIES,
    )
    keyword: str = setting(
        "",
        'Of kind `"keyword"`: a word; the texts that contain it are forgotten, whatever its case.',
    )

    def __post_init__(self) -> None:
        values = _whole_values("ForgetConfig.values", self.values)
        is_confusion = self.kind == "confusion"  # its last value is a number of examples
        values = (*sorted(values[:2]), *values[2:]) if is_confusion else tuple(sorted({*values}))
        object.__setattr__(self, "values", values)
        super().__post_init__()
        if self.seed and self.kind != "random":
            raise InputError(f"Only random examples have a seed, got one of kind {self.kind!r}.")
        if self.difficulty != DIFFICULTIES[0] and self.kind != "random":
            raise InputError(
                f"Only random examples have a difficulty, got one of kind {self.kind!r}."
            )
        if is_confusion:
            _require_confusion("A forget request of kind 'confusion'", values)
        if (self.kind == "keyword") != bool(self.keyword.strip()):
            raise InputError(
                f"A forget request of kind {self.kind!r} needs "
                f"{'a' if self.kind == 'keyword' else 'no'} keyword, got {self.keyword!r}."
            )
        if (self.kind in VALUELESS) != (not values):
            raise InputError(
                f"A forget request of kind {self.kind!r} needs "
                f"{'no values' if self.kind in VALUELESS else 'at least one value'}, "
                f"got {list(values)}."
            )
        if values and values[0] < 0:
            raise InputError(f"Forget values must not be negative, got {values[0]}.")
        if self.kind in ("random", "backdoor") and len(values) != 1:
            raise InputError(f"Forget kind {self.kind!r} takes one value, got {list(values)}.")

    @property
    def scenario(self) -> str:
        """By which kind of request presets differ: "class", "sample", "keyword", "backdoor"."""
        return SCENARIOS.get(self.kind, "class")


@dataclass(frozen=True, kw_only=True)
class RelearnConfig(Settings):
    """How a run's model is taught forgotten examples again, to see how soon it knows the others."""

    examples: tuple[int, ...] = setting(
        (),
        "How many forgotten examples are shown, of each class where classes are forgotten; several "
        "numbers are tried one by one. Without any the run is an ordinary one.",
    )
    steps: int = setting(20, "Optimiser steps for each number.", positive=True)
    learning_rate: float = setting(1e-3, "Of Adam, on all weights.", positive=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "examples", tuple(sorted(set(self.examples))))
        super().__post_init__()
        if self.examples and self.examples[0] < 1:
            raise InputError(f"RelearnConfig.examples must be from 1, got {self.examples[0]}.")


@dataclass(frozen=True, kw_only=True)
class RunConfig(Settings):
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
    method: str = setting(
        "original", 'A method of `list methods`, or `"original"`, `"incremental"`.'
    )
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = setting(0, "A whole number from 0.", between=(0, LARGEST_WHOLE))
    precision: str = setting(
        "fp32",
        "Numbers that networks are trained with: 32-bit, or bfloat16.",
        choices=("fp32", "bf16"),
    )
    relearn: RelearnConfig = field(default_factory=RelearnConfig)
    same_start: bool = setting(
        False,
        "Retrain from the original's initial weights, as in RFA, and not from others.",
    )

    def __post_init__(self) -> None:
        if type(self.seed) is not int or self.seed < 0:
            raise InputError(f"RunConfig.seed must be a whole number from 0, got {self.seed!r}.")
        super().__post_init__()
        if self.same_start and self.model.weights:
            raise InputError(
                "RunConfig.same_start needs the weights that the original's training started from, "
                "which a file of trained ones does not tell: leave one of the two out."
            )

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
        for name in ("method", "settings", "seed", "relearn"):
            shared.pop(name, None)
        return _digest({"schema": SCHEMA_VERSION, **shared})

    @property
    def role(self) -> str:
        """What the run is in its comparison.

        "base" is the trained model before any request, "original" the same model measured on the
        request, "reference" the one retrained without the forget set, "incremental" the reference
        that has learned the forget set after all, "relearning" one of these whose model is taught a
        few forgotten examples, and "method" every other one.
        """
        if self.relearn.examples:
            return "relearning"
        if self == self.base():
            return "base"
        if self == self.retrained():
            return "reference"
        return self.method if self.method in ("original", "incremental") else "method"

    def base(self) -> RunConfig:
        """Return the config of the trained model that every forget request starts from."""
        return replace(
            self.taught(), method="original", settings={}, forget=ForgetConfig(), same_start=False
        )

    def original(self) -> RunConfig:
        """Return the config of the original model, evaluated on this forget request."""
        return replace(self.taught(), method="original", settings={})

    def retrained(self) -> RunConfig:
        """Return the config of the reference: the model trained without the forget set."""
        return replace(self.taught(), method="retrain", settings={})

    def taught(self) -> RunConfig:
        """Return the config of the run whose model a relearning starts from; else this one."""
        return replace(self, relearn=RelearnConfig())


_PARTS: dict[str, type[Any]] = {
    "data": DataConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "forget": ForgetConfig,
    "relearn": RelearnConfig,
}


def _whole_values(where: str, values: Any) -> tuple[int, ...]:
    """Return whole numbers as a tuple, in their order, or say that they are none."""
    try:
        return tuple(operator.index(value) for value in values)
    except TypeError:
        raise InputError(f"{where} must be whole numbers, got {values!r}.") from None


def _require_confusion(where: str, values: tuple[int, ...]) -> None:
    fits = len(values) == 3 and 0 <= values[0] < values[1] and values[2] > 1
    if not fits:
        what = "two different classes and a number of examples from 2"
        raise InputError(f"{where} must have {what}, got {list(values)}.")


def _build(cls: type[Any], values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise InputError(f"{where} must be an object of named settings, got {values!r}.")
    known = types_of(cls)
    for name, value in values.items():
        if name not in known:
            raise InputError(f"{where} has no setting {name!r}; it has {', '.join(known)}.")
        require_type(f"{where}.{name}", value, known[name])
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


def changed_from(start: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that differ from `start`; from the defaults, those that configs hold."""
    return {name: value for name, value in values.items() if value != start[name]}


def _digest(plain: Mapping[str, Any]) -> str:
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
