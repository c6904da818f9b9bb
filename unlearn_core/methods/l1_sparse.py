"""l1-sparse: keep training on the retain set while a penalty shrinks the weights.

Objective: cross-entropy on D_r + gamma_t |w|_1 over all parameters, which are all trained; what a
weight holds of D_f fades where D_r does not hold on to it.  gamma_t falls in a straight line, by
epochs: gamma (1 - e / E) in epoch e = 0..E-1.  It needs D_r and costs one pass over it per epoch.
Normalisation layers: train mode, as published.
Source: Jia et al. (2023), arXiv:2304.04934: gamma 5e-4, 10 epochs, SGD .01; momentum, weight decay
and batch of its code.  The presets for digits, photographs and texts are ours: a sum over all
weights grows with the network, so gamma has to follow its size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from unlearn_core.data.batches import Batch
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.optimiser import OptimiserSettings
from unlearn_core.settings import setting
from unlearn_core.training import (
    OBJECTIVE,
    Losses,
    LossesOf,
    Progress,
    optimise,
    to_train_mode,
)


@dataclass(frozen=True, kw_only=True)
class L1SparseSettings(OptimiserSettings):
    """Settings of `l1_sparse`; each field is one widget on the Unlearn page."""

    epochs: int = setting(10, "Passes over the retained examples.", positive=True)
    batch_size: int = setting(256, "Examples per step.", positive=True)
    gamma: float = setting(5e-4, "Weight of |w|_1 in the first epoch.", between=(0, 1))
    retain: str = setting(
        "all", "All of D_r, or as many examples as D_f has.", choices=("all", "part")
    )
    train_mode: bool = setting(True, "Update the statistics of batch normalisation.")


@register_method(
    "l1_sparse",
    L1SparseSettings,
    label="l1-sparse",
    source="arXiv:2304.04934",
    uses_retain=True,
    norm_mode="train",
    presets={
        "digits": {"gamma": 5e-3, "epochs": 20, "batch_size": 64},
        "photographs class": {"gamma": 2e-3, "epochs": 5, "batch_size": 128},
        "many photographs class": {"gamma": 5e-4, "epochs": 1},
        "texts class": {
            "gamma": 5e-5,
            "learning_rate": 1e-3,
            "epochs": 2,
            "batch_size": 64,
            "optimizer": "adam",
        },
        "eli5": {
            "gamma": 1e-3,
            "learning_rate": 2e-3,
            "epochs": 2,
            "batch_size": 32,
            "optimizer": "adam",
        },
    },
)
def l1_sparse(inputs: UnlearnInputs, settings: L1SparseSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model, retain = inputs.model.eval(), inputs.retained(settings.retain)
    if settings.train_mode:
        to_train_mode(model, len(retain), settings.batch_size)
    optimizer = settings.build(model.parameters())
    in_an_epoch = retain.steps(settings.batch_size)
    for epoch in range(settings.epochs):
        yield from optimise(
            optimizer,
            retain.shuffled(settings.batch_size, inputs.generator),
            _penalised(inputs, settings.gamma * (1 - epoch / settings.epochs)),
            total=settings.epochs * in_an_epoch,
            first_step=epoch * in_an_epoch,
        )
    model.eval()


def _penalised(inputs: UnlearnInputs, gamma: float) -> LossesOf:
    weights = list(inputs.model.parameters())

    def losses_of(batch: Batch) -> Losses:
        loss = inputs.classify(batch)[OBJECTIVE]
        norm = torch.stack([weight.abs().sum() for weight in weights]).sum()
        return {OBJECTIVE: loss + gamma * norm, "retain_loss": loss, "l1_norm": norm}

    return losses_of
