"""The experiments behind a paper's table: which runs they need, at one of three sizes.

`smoke` shows in minutes that an experiment runs: of pictures always the embedded digits and a slim
ResNet-18, with the methods' digits presets; of texts a few of the table's own (`texts`).  `small`
takes the table's own data and kind of network, both cut down, with the same presets, because the
papers' settings need the papers' size.  `full` is the paper's recipe with the paper's presets; what
a paper leaves open is as `recipes` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.config import (
    DataConfig,
    ForgetConfig,
    ModelConfig,
    RunConfig,
    TrainingConfig,
)
from unlearn_core.data import DATASETS, with_content
from unlearn_core.data.presets import usual_preset
from unlearn_core.engine.request import dataset_of
from unlearn_core.methods import get_method, resolve_settings
from unlearn_core.methods.settings import changed as differing
from unlearn_core.methods.settings import plain
from unlearn_core.models import MODELS
from unlearn_core.papers.recipes import paper_recipe
from unlearn_core.papers.reference import paper_table
from unlearn_core.papers.texts import (
    N_RANDOM,
    in_batches_of_texts,
    reads_texts,
    slim_start,
    text_request,
)
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.runs.plan import comparison_config, with_request
from unlearn_core.runs.tracked import LAYER_EXAMPLES

SCALES = ("smoke", "small", "full")
STAND_IN = "digits"
SMALL_WIDTH = 16
SMALL_SIZE = {"resnet18": (5000, 15), "resnet50": (2000, 10)}  # training images and epochs
SMALL_TRANSFORMER = (1000, 5)
MODEL_NAMES = {"vit": "vit_b_16"}  # RFA's tables say "vit"
NOT_STATED = "cifar10"
CLASSES = {  # docs/methods.md, "Data and forget requests"; one class where a paper names none
    "muda": {
        "cifar10": (1, 3, 5, 7, 9),
        "cifar100": (1, 21, 41, 61, 81),
        "tiny_imagenet": (1, 41, 81, 121, 161),
        "cifar20": (2, 40, 51, 69, 71),
    }
}
ONE_CLASS = 3
FORGET_KINDS = {
    "class": "class",
    "subclass": "subclass",
    "sample": "random",
    "backdoor": "backdoor",
    "keyword": "keyword",
}
LOSSES = {  # MUDA's Table 6
    "alignment loss only": {"beta": 0.0},
    "self-distillation loss only": {"alpha": 0.0},
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """The rows of a table that share data, network and kind of request.

    Attributes
    ----------
    rows : DataFrame
        Printed rows; `kind` and `variant` are the two halves of `scenario`.
    starts : tuple of RunConfig
        The original of each comparison behind them, one for each class that is forgotten.
    notes : tuple of str
        In what the experiment differs from the paper's.
    reason : str
        Why nothing of it can be run here; "" where it can.
    """

    rows: pd.DataFrame
    scale: str
    starts: tuple[RunConfig, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    settings: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def configs(self, method: str, variant: str, seeds: Sequence[int]) -> list[RunConfig]:
        """Return the runs whose mean is printed in a row: one a class and seed."""
        starts = [replace(start, seed=seed) for start in self.starts for seed in seeds]
        if method in REFERENCES:
            return [s.original() if method == "original" else s.retrained() for s in starts]
        return [
            replace(start, method=method, settings=self.settings[method, variant])
            for start in starts
        ]


def experiments(paper: str, table: str, scale: str) -> list[Experiment]:
    """Return the experiments behind a printed table.

    Raises
    ------
    ValueError
        If the paper, the table or the scale is unknown.
    """
    if scale not in SCALES:
        raise InputError(f"The scale must be one of {', '.join(SCALES)}, got {scale!r}.")
    rows = paper_table(paper, table)
    halves = rows["scenario"].str.partition(", ")
    rows = rows.assign(kind=halves[0], variant=halves[2])
    groups = rows.groupby(["dataset", "model", "kind"], sort=False)
    return [_experiment(part.reset_index(drop=True), scale) for _, part in groups]


Row = Mapping[str, Any]
OURS = "what the paper does not state is ours (see the recipes and presets)"
SUMS = "activation_distance"
SUMMED = (
    "activation distances are sums over a text's tokens, as printed, of up to "
    f"{LAYER_EXAMPLES} texts of each set"
)


def _experiment(rows: pd.DataFrame, scale: str) -> Experiment:
    first = {str(name): value for name, value in rows.iloc[0].items()}
    missing = _missing(first, scale)
    if missing:
        return Experiment(rows=rows, scale=scale, reason=missing)
    try:
        starts, notes = _starts(first, scale)
    except MissingFileError as error:  # neither here nor fetched
        return Experiment(rows=rows, scale=scale, reason=str(error))
    settings = {
        (str(method), str(variant)): _settings(first["paper"], method, variant, scale, starts[0])
        for method, variant in set(zip(rows["method"], rows["variant"], strict=True))
        if method not in REFERENCES
    }
    return Experiment(rows=rows, scale=scale, starts=starts, notes=notes, settings=settings)


def _missing(row: Row, scale: str) -> str:
    """Return why an experiment cannot be run on any machine; "" where it can."""
    if row["kind"] not in FORGET_KINDS or _model_name(row) not in MODELS:
        return f"{row['model']} on {row['dataset']}, {row['scenario']}, is not repeated"
    if scale != "smoke" and _data_name(row) not in DATASETS:
        return f"the data set {row['dataset']} is not here yet"
    return ""


def _data_name(row: Row) -> str:
    return NOT_STATED if row["dataset"] == "not_stated" else str(row["dataset"])


def _model_name(row: Row) -> str:
    return MODEL_NAMES.get(row["model"], str(row["model"]))


def _forgets(row: Row, dataset: str, n_classes: int) -> list[ForgetConfig]:
    """Return the requests whose results a paper averages, those that the data has."""
    kind = FORGET_KINDS[row["kind"]]
    if kind == "random":
        return [ForgetConfig(kind=kind, values=(N_RANDOM,))]
    named = CLASSES.get(row["paper"], {}).get(dataset, (ONE_CLASS,))
    return [ForgetConfig(kind=kind, values=(label,)) for label in named if label < n_classes]


Starts = tuple[tuple[RunConfig, ...], tuple[str, ...]]


def _starts(row: Row, scale: str) -> Starts:
    if reads_texts(row["model"]):
        return _text_starts(row, scale)
    return _STARTS[scale](row)


def _text_starts(row: Row, scale: str) -> Starts:
    name, model, kind = _data_name(row), _model_name(row), FORGET_KINDS[row["kind"]]
    whole = dataset_of(DataConfig(name=name))
    notes: tuple[str, ...]
    if scale == "full":
        n_train = len(whole.train_ids)
        network, recipe = paper_recipe(row["paper"], name, model, n_train=n_train)
        forget, notes = text_request(kind, whole, n_train)
        start = _start(name, forget, network, recipe)
        notes = (*notes, OURS)
    else:
        start, notes = slim_start(name, model, kind, whole, scale)
    return (start,), (*notes, SUMMED) if row["metric"].startswith(SUMS) else notes


def _smoke(row: Row) -> Starts:
    kind = FORGET_KINDS[row["kind"]]
    notes = [f"{STAND_IN} and a slim ResNet-18 in place of {row['dataset']} and {row['model']}"]
    if kind == "subclass":
        kind = "class"
        notes.append("a class in place of a subclass")
    values = (N_RANDOM,) if kind == "random" else (ONE_CLASS,)
    start = comparison_config(STAND_IN, ForgetConfig(kind=kind, values=values))
    return (start,), (*notes, "digits presets")


def _small(row: Row) -> Starts:
    name, model = _data_name(row), _model_name(row)
    whole = dataset_of(DataConfig(name=name))
    n_labels = len(whole.subclass_names) if row["kind"] == "subclass" else whole.n_classes
    most, epochs = SMALL_SIZE.get(model, SMALL_TRANSFORMER)
    n_train = min(most, len(whole.train_ids))
    model = model if model in SMALL_SIZE else "vit_s"
    forget = _forgets(row, name, n_labels)[0]
    start = comparison_config(
        name, forget, model=model, width=SMALL_WIDTH, train_examples=n_train, epochs=epochs
    )
    size = f" of width {SMALL_WIDTH}" if model in SMALL_SIZE else ""
    notes = (
        *_unstated(row, name),
        f"{n_train} training images, {model}{size}, {epochs} epochs from scratch",
        f"one request ({forget.kind} {forget.values[0]})",
        "digits presets",
    )
    return (start,), notes


def _unstated(row: Row, taken: str) -> list[str]:
    return [] if row["dataset"] == taken else [f"the data set is not stated, {taken} taken"]


def _full(row: Row) -> Starts:
    name, model = _data_name(row), _model_name(row)
    whole = dataset_of(DataConfig(name=name))
    n_labels = len(whole.subclass_names) if row["kind"] == "subclass" else whole.n_classes
    network, recipe = paper_recipe(row["paper"], name, model, n_train=len(whole.train_ids))
    starts = [_start(name, forget, network, recipe) for forget in _forgets(row, name, n_labels)]
    notes = _unstated(row, name)
    notes.append(OURS)
    return tuple(starts), tuple(notes)


def _start(
    name: str, forget: ForgetConfig, network: ModelConfig, recipe: TrainingConfig
) -> RunConfig:
    data = with_content(DataConfig(name=name))
    return with_request(RunConfig(data=data, model=network, training=recipe), forget)


_STARTS = {"smoke": _smoke, "small": _small, "full": _full}


def _settings(
    paper: str, method: str, variant: str, scale: str, start: RunConfig
) -> dict[str, Any]:
    """Return a method's settings for a row: a preset, and what the scenario says besides."""
    presets = get_method(method).presets
    is_text = reads_texts(start.model.name)
    data = start.data if is_text else DataConfig(name=STAND_IN)
    preset: str | None = usual_preset(presets, data, start.forget)
    if scale == "full":
        preset = next((p for p in (f"{start.model.name}_text", paper) if p in presets), None)
    values = plain(resolve_settings(method, preset=preset))
    changed: dict[str, Any] = dict(LOSSES.get(variant, {}))
    if is_text and scale == "full":
        changed |= in_batches_of_texts(values)
    passes = variant.partition(" epoch")[0]
    if passes.isdecimal():
        for name in {"epochs", "max_epochs"} & set(values):
            changed[name] = int(passes) * (values[name] if scale != "full" else 1)
        for name in {"until_loss", "until_guessing"} & set(values):  # else all end at the same step
            changed[name] = int(passes) * values[name]
    if not set(changed) <= set(values):
        changed = {}
    return differing(resolve_settings(method, changed, preset=preset))
