"""BadT: learn from an incompetent teacher to know nothing of the forget set.

Objective: KL(teacher || student) on batches mixed from D_f and D_r, where the teacher is the frozen
original on D_r and a randomly initialised network of the same kind on D_f.  All parameters are
trained, in train mode (as published); teachers are in eval mode.  It needs D_f and a part of D_r,
and costs three forward passes a step.
Source: Chundawat et al. (2023), arXiv:2205.08096: T = 1, Adam 1e-4, 1 epoch, 30 % of D_r.
RFA's preset uses all of D_r and AdamW 5e-5 (the weight decay, unstated there, is the usual 0.01).
The published code divides the loss by the number of classes; that is `reduction="official"`, ours
is the mean over examples.  The presets for digits, photographs and texts are ours.  What is left
of D_f is answered as the random network does, so a class that it happens to prefer stays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from unlearn_core.data.batches import Batch, mixed, require_room
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.losses import REDUCTIONS, bad_teacher_loss
from unlearn_core.settings import Settings, setting
from unlearn_core.training import (
    OBJECTIVE,
    OPTIMIZERS,
    Losses,
    Progress,
    make_optimizer,
    optimise,
    to_train_mode,
)


@dataclass(frozen=True, kw_only=True)
class BadTSettings(Settings):
    """Settings of `badt`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(1e-4, "Step size of the optimiser.", positive=True)
    epochs: int = setting(1, "Passes over D_f and the part of D_r.", positive=True)
    batch_size: int = setting(256, "Examples per step.", positive=True)
    retain_fraction: float = setting(0.3, "Share of D_r that is used.", between=(0, 1))
    temperature: float = setting(1.0, "Softens all predictions.", positive=True)
    reduction: str = setting("batchmean", "How the loss is averaged.", choices=REDUCTIONS)
    optimizer: str = setting("adam", "Which optimiser takes the steps.", choices=OPTIMIZERS)
    weight_decay: float = setting(0.0, "Weight decay.", between=(0, 1))
    forget_per_batch: int = setting(
        0, "Examples of D_f in every batch; 0 is as they come.", between=(0, 4096)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_room(self.batch_size, self.forget_per_batch)


@register_method(
    "badt",
    BadTSettings,
    label="BadT",
    source="arXiv:2205.08096",
    uses_retain=True,
    retain="part",
    norm_mode="train",
    presets={
        "digits": {"learning_rate": 1e-3, "epochs": 4, "batch_size": 64},
        "photographs": {
            "learning_rate": 1e-3,
            "epochs": 3,
            "batch_size": 128,
            "retain_fraction": 1.0,
        },
        "photographs sample": {
            "learning_rate": 3e-4,
            "epochs": 2,
            "batch_size": 128,
            "retain_fraction": 1.0,
        },
        "texts class": {"learning_rate": 1e-3, "epochs": 3, "batch_size": 64},
        "texts": {"learning_rate": 1e-3, "epochs": 2, "batch_size": 64, "retain_fraction": 1.0},
        "eli5": {"learning_rate": 3e-4, "batch_size": 32, "retain_fraction": 1.0},
        "rfa": {
            "learning_rate": 5e-5,
            "batch_size": 128,
            "retain_fraction": 1.0,
            "optimizer": "adamw",
            "weight_decay": 0.01,
        },
    },
)
def badt(inputs: UnlearnInputs, settings: BadTSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    competent = copy.deepcopy(inputs.model).eval().requires_grad_(False)
    incompetent = copy.deepcopy(competent)
    inputs.redraw(incompetent)
    n_retain = max(1, round(settings.retain_fraction * len(inputs.retain)))
    retain = inputs.retain.sample(n_retain, inputs.generator)
    model = to_train_mode(inputs.model, len(inputs.forget) + n_retain, settings.batch_size)
    batches, total = mixed(
        inputs.forget,
        retain,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        forget_per_batch=settings.forget_per_batch,
        generator=inputs.generator,
    )

    def losses_of(batch: Batch) -> Losses:
        student = inputs.answers(batch)
        with torch.no_grad():
            teachers = [inputs.answers(batch, each).logits for each in (competent, incompetent)]
        loss = bad_teacher_loss(
            student.logits.float(),
            teachers[0].float(),
            teachers[1].float(),
            student.is_forget,
            temperature=settings.temperature,
            reduction=settings.reduction,
        )
        return {OBJECTIVE: loss}

    yield from optimise(
        make_optimizer(
            settings.optimizer,
            model.parameters(),
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
        ),
        batches,
        losses_of,
        total=total,
    )
    model.eval()
