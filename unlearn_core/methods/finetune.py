"""Finetune: keep training on the retain set and hope that the rest fades.

Objective: cross-entropy on D_r, or on D'_r (as many examples as D_f has).  All parameters are
trained.  It needs D_r and costs one pass over it per epoch.  Normalisation layers: train mode
where `train_mode` is set (RFA's and Unlearn-Sparse's presets), otherwise their statistics stay
frozen (MUDA's).
Source: RFA section V (AdamW 5e-5, batch 128, 1 epoch; the weight decay, unstated there, is the
usual 0.01); MUDA section 5.1 uses D'_r and tunes the step size, 10 passes are ours; "usparse" is
the preset of arXiv:2304.04934.
The digits preset is ours: the published learning rate does not move so small a network.  So are
those for photographs: the usual weight decay of AdamW, times the rate of SGD, is harmless in 175
steps and ruins a network in 1,760, so many photographs have 5e-4 and two passes (all of CIFAR-10,
class 0: 8 % of the class left, 87.9 % of the others right, 87.2 % before).  "eli5" was found on the
category Repost of 1,500 texts, in two passes of which a language model half forgets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.data.batches import enough_passes
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.optimiser import (
    OptimiserSettings,
    chosen_optimizer,
    decay_of_weights,
    fewest_steps,
    sgd_momentum,
    step_size,
)
from unlearn_core.settings import setting
from unlearn_core.training import Progress, optimise, to_train_mode

PHOTOGRAPHS = {"learning_rate": 0.01, "optimizer": "sgd", "momentum": 0.9, "epochs": 5}
TEXTS = {"learning_rate": 1e-3, "epochs": 3, "batch_size": 64}


@dataclass(frozen=True, kw_only=True)
class FinetuneSettings(OptimiserSettings):
    """Settings of `finetune`; each field is one widget on the Unlearn page."""

    learning_rate: float = step_size(5e-5)
    optimizer: str = chosen_optimizer("adamw")
    momentum: float = sgd_momentum(0.0)
    weight_decay: float = decay_of_weights(0.01)
    epochs: int = setting(1, "Passes over the retained examples.", positive=True)
    steps_at_least: int = fewest_steps()
    batch_size: int = setting(128, "Examples per step.", positive=True)
    retain: str = setting(
        "all", "All of D_r, or as many examples as D_f has.", choices=("all", "part")
    )
    train_mode: bool = setting(True, "Update the statistics of batch normalisation.")


@register_method(
    "finetune",
    FinetuneSettings,
    label="Finetune",
    source="arXiv:2411.08443, section V",
    uses_retain=True,
    norm_mode="train",
    presets={
        "digits": {"learning_rate": 1e-3, "epochs": 5, "batch_size": 64},
        "photographs": PHOTOGRAPHS,
        "folder class": {**PHOTOGRAPHS, "weight_decay": 5e-4, "steps_at_least": 100},
        "many photographs": {
            "learning_rate": 0.01,
            "optimizer": "sgd",
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "epochs": 2,
        },
        "banking77 class": TEXTS,
        "imdb class": TEXTS,
        "texts class": {**TEXTS, "steps_at_least": 150},
        "texts": {"learning_rate": 1e-3, "epochs": 5, "batch_size": 32},
        "eli5": {"learning_rate": 2e-3, "epochs": 2, "batch_size": 32},
        "rfa": {},
        "muda": {
            "learning_rate": 0.01,
            "optimizer": "sgd",
            "epochs": 10,
            "retain": "part",
            "weight_decay": 0.0,
            "train_mode": False,
        },
        "usparse": {
            "learning_rate": 0.01,
            "optimizer": "sgd",
            "epochs": 10,
            "batch_size": 256,
            "momentum": 0.9,
            "weight_decay": 5e-4,
        },
    },
)
def finetune(inputs: UnlearnInputs, settings: FinetuneSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model, retain = inputs.model.eval(), inputs.retained(settings.retain)
    if settings.train_mode:
        to_train_mode(model, len(retain), settings.batch_size)
    in_a_pass = retain.steps(settings.batch_size)
    passes = enough_passes(settings.epochs, in_a_pass, settings.steps_at_least)
    yield from optimise(
        settings.build(model.parameters()),
        retain.epochs(passes, settings.batch_size, inputs.generator),
        inputs.classify,
        total=passes * in_a_pass,
    )
    model.eval()
