"""The papers' recipes for original and retrained models, as data (docs/methods.md, "Training").

Warm-up is a share of all steps here, so a recipe needs the number of training examples, and the
retrained model, which takes fewer steps, warms up over as large a share.  It takes half of the
steps at most, for small parts of a data set.

RFA.  Stated: ImageNet weights, AdamW at 5e-5, batch 128; ResNet-18 20 epochs with 500 warm-up
steps, ViT 10 with 250; texts "similar" with batch 32.  Inferred: 224x224 pixels, from the accuracy.
Ours: a straight line to zero after the warm-up, weight decay 0.01, no augmentation, which ViT
(ViT-B/16), texts as ViT, so for 10 epochs with 250 warm-up steps.

MUDA.  Stated: group normalisation, no pretraining, SGD at 0.1 times 0.998 "exponential decay",
weight decay 1e-3, momentum 0.  Inferred from FedACG's code: 2 groups, 3x3 stem, batch 50, or 100 on
Tiny-ImageNet, random crops and mirroring (its rotation by up to 10 degrees is left out).  Ours: the
decay is by epoch, 200 epochs.

NegLoRA.  Transformers, stated for TinyViT: AdamW at 1e-3, weight decay 0.05, batch 256, 90 epochs
with 20 of warm-up.  From the notebooks, which train ViT-S: patches of 4 pixels on CIFAR with batch
128, weight decay 0.1 and 10,000 warm-up steps; patches of 16 on ImageNet-100.  ResNet-50, from the
notebooks: SGD at 0.1, momentum 0.9, weight decay 5e-4, cosine, batch 128, 200 epochs, 3x3 stem,
batch normalisation (the paper prints AdamW at 0.1).  Ours: cosine for transformers too, a 7x7 stem
on ImageNet-100, crops and mirroring on all data; mixup, erasing and clipping are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from unlearn_core.checks import InputError
from unlearn_core.config import ModelConfig, TrainingConfig
from unlearn_core.data import DatasetSpec, get_dataset
from unlearn_core.runs.pretrained import FINE_TUNING, IMAGENET_SIZE, fine_tuning, pretrained_model

MOST_WARMUP = 0.5
Recipe = tuple[ModelConfig, TrainingConfig]


def paper_recipe(paper: str, dataset: str, model: str, *, n_train: int) -> Recipe:
    """Return the network and the training with which a paper makes its original model.

    Parameters
    ----------
    paper : {"rfa", "muda", "neglora"}
    dataset : str
        A name from `unlearn_core.data.DATASETS`, also one that the paper does not use.
    model : str
        A name from `unlearn_core.models.MODELS` that the paper trains.
    n_train : int
        Number of training examples.

    Raises
    ------
    ValueError
        If the paper trains no such model, the data set is unknown or there is no example.
    """
    if (paper, model) not in _RECIPES:
        known = ", ".join(f"{paper} with {model}" for paper, model in _RECIPES)
        raise InputError(f"There are recipes of {known}, got {paper!r} with {model!r}.")
    if not n_train > 0:
        raise InputError(f"`n_train` must be above 0, got {n_train!r}.")
    return _RECIPES[paper, model](get_dataset(dataset), n_train)


def _rfa_resnet18(spec: DatasetSpec, n_train: int) -> Recipe:
    recipe = replace(FINE_TUNING, epochs=20)
    return pretrained_model("resnet18", spec), _warmed(recipe, 500, n_train)


def _rfa_vit(spec: DatasetSpec, n_train: int) -> Recipe:
    recipe = replace(FINE_TUNING, epochs=10)
    return pretrained_model("vit_b_16", spec), _warmed(recipe, 250, n_train)


def _rfa_text(name: str, spec: DatasetSpec, n_train: int) -> Recipe:
    return pretrained_model(name, spec), _warmed(fine_tuning(name, 10), 250, n_train)


def _muda_resnet18(spec: DatasetSpec, n_train: int) -> Recipe:  # noqa: ARG001
    recipe = TrainingConfig(
        epochs=200,
        batch_size=100 if spec.name == "tiny_imagenet" else 50,
        momentum=0.0,
        weight_decay=1e-3,
        warmup_fraction=0.0,
        augment="crop_flip",
        schedule="exponential",
        decay=0.998,
    )
    return ModelConfig(name="resnet18"), recipe


def _neglora_vit_s(spec: DatasetSpec, n_train: int) -> Recipe:
    if spec.stem == "imagenet":
        return _transformer("vit_s", spec), _TRANSFORMER
    recipe = replace(_TRANSFORMER, batch_size=128, weight_decay=0.1)
    return _transformer("vit_s", spec), _warmed(recipe, 10_000, n_train)


def _neglora_tiny_vit(spec: DatasetSpec, n_train: int) -> Recipe:  # noqa: ARG001
    return _transformer("tiny_vit", spec), _TRANSFORMER


def _neglora_resnet50(spec: DatasetSpec, n_train: int) -> Recipe:  # noqa: ARG001
    recipe = TrainingConfig(epochs=200, warmup_fraction=0.0, augment="crop_flip")
    return ModelConfig(name="resnet50", norm="batch", stem=spec.stem), recipe


def _transformer(name: str, spec: DatasetSpec) -> ModelConfig:
    size = IMAGENET_SIZE if spec.stem == "imagenet" else None
    return ModelConfig(name=name, stem=spec.stem, input_size=size)


def _warmed(recipe: TrainingConfig, steps: int, n_train: int) -> TrainingConfig:
    """Return the recipe with a warm-up of so many steps, or of half of them all."""
    total = recipe.epochs * math.ceil(n_train / recipe.batch_size)
    return replace(recipe, warmup_fraction=min(MOST_WARMUP, steps / total))


_TRANSFORMER = TrainingConfig(
    epochs=90,
    batch_size=256,
    learning_rate=1e-3,
    optimizer="adamw",
    momentum=0.0,
    weight_decay=0.05,
    warmup_fraction=20 / 90,
    augment="crop_flip",
)
_RECIPES: dict[tuple[str, str], Callable[[DatasetSpec, int], Recipe]] = {
    ("rfa", "resnet18"): _rfa_resnet18,
    ("rfa", "vit_b_16"): _rfa_vit,
    ("rfa", "distilbert"): partial(_rfa_text, "distilbert"),
    ("rfa", "distilgpt2"): partial(_rfa_text, "distilgpt2"),
    ("muda", "resnet18"): _muda_resnet18,
    ("neglora", "vit_s"): _neglora_vit_s,
    ("neglora", "tiny_vit"): _neglora_tiny_vit,
    ("neglora", "resnet50"): _neglora_resnet50,
}
