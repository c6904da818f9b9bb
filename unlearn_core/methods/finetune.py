"""Finetune: keep training on the retain set and hope that the rest fades.

Objective: cross-entropy on D_r, or on D'_r (as many examples as D_f has).  All parameters are
trained.  It needs D_r and costs one pass over it per epoch.  Normalisation layers: train mode
where `train_mode` is set (RFA's preset), otherwise their statistics stay frozen.
Source: RFA section V (AdamW 5e-5, batch 128, 1 epoch); MUDA section 5.1 uses D'_r.
The digits preset is ours: the published learning rate does not move so small a network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F

from unlearn_core.config import require_choice, require_positive
from unlearn_core.data.batches import Batch
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.training import OBJECTIVE, OPTIMIZERS, Losses, Progress, make_optimizer, optimise


@dataclass(frozen=True, kw_only=True)
class FinetuneSettings:
    """Settings of `finetune`; each field is one widget on the Unlearn page."""

    learning_rate: float = 5e-5
    epochs: int = 1
    batch_size: int = 128
    optimizer: str = "adamw"
    retain: str = "all"
    train_mode: bool = True

    def __post_init__(self) -> None:
        require_positive(self, "learning_rate", "epochs", "batch_size")
        require_choice(self, "optimizer", OPTIMIZERS)
        require_choice(self, "retain", ("all", "part"))


@register_method(
    "finetune",
    FinetuneSettings,
    label="Finetune",
    source="arXiv:2411.08443, section V",
    uses_retain=True,
    presets={
        "digits": {"learning_rate": 1e-3, "epochs": 5, "batch_size": 64},
        "muda": {"learning_rate": 0.01, "optimizer": "sgd", "retain": "part"},
    },
)
def finetune(inputs: UnlearnInputs, settings: FinetuneSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.train(settings.train_mode)
    retain = inputs.retain if settings.retain == "all" else inputs.retain_part()

    def losses_of(batch: Batch) -> Losses:
        with inputs.autocast():
            return {OBJECTIVE: F.cross_entropy(model(batch.images), batch.labels)}

    yield from optimise(
        make_optimizer(
            settings.optimizer, model.parameters(), learning_rate=settings.learning_rate
        ),
        retain.epochs(settings.epochs, settings.batch_size, inputs.generator),
        losses_of,
        total=settings.epochs * retain.steps(settings.batch_size),
    )
