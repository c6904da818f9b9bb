"""DELETE: distil the original's prediction without the label, on the forget set alone.

Objective: KL(teacher' || student) on D_f, where the teacher is the frozen original and its label's
logit is minus infinity: forgotten examples are to be answered with what the original thought next.
All parameters are trained.  D_r is never read; the teacher's order of the other classes is what
keeps them apart.  It costs two forward passes a step.  Normalisation layers stay in eval mode: in
train mode one class alone drags their statistics.
Source: Zhou et al. (2025), arXiv:2503.23751; rate, epochs and batch of its released configuration
of a ResNet-18 on CIFAR-10, momentum as is usual there.  At the start the loss equals MUDA's
self-distillation; later it does not, because this teacher is fixed.
The presets for digits and texts are ours.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from unlearn_core.data.batches import Batch
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.losses import self_distillation_loss
from unlearn_core.methods.optimiser import OptimiserSettings, decay_of_weights, step_size
from unlearn_core.settings import setting
from unlearn_core.training import (
    OBJECTIVE,
    Losses,
    Progress,
    optimise,
)

STEPS = {"optimizer": "adam", "batch_size": 64}


@dataclass(frozen=True, kw_only=True)
class DeleteSettings(OptimiserSettings):
    """Settings of `delete`; each field is one widget on the Unlearn page."""

    learning_rate: float = step_size(1e-4)
    weight_decay: float = decay_of_weights(0.0)
    epochs: int = setting(20, "Passes over the forget set.", positive=True)
    batch_size: int = setting(128, "Examples per step.", positive=True)


@register_method(
    "delete",
    DeleteSettings,
    label="DELETE",
    source="arXiv:2503.23751",
    uses_retain=False,
    presets={
        "digits": {"learning_rate": 2.5e-4, "epochs": 15, **STEPS},
        "digits sample": {"learning_rate": 1e-4, "epochs": 12, **STEPS},
        "digits backdoor": {"learning_rate": 1e-4, "epochs": 15, **STEPS},
        "texts class": {"learning_rate": 5e-4, "epochs": 10, **STEPS},
    },
)
def delete(inputs: UnlearnInputs, settings: DeleteSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    teacher = copy.deepcopy(inputs.model).eval().requires_grad_(False)
    model = inputs.model.eval()

    def losses_of(batch: Batch) -> Losses:
        own = inputs.answers(batch)
        with torch.no_grad():
            target = inputs.answers(batch, teacher).logits
        loss = self_distillation_loss(own.logits.float(), own.targets, target.float())
        return {OBJECTIVE: loss}

    yield from optimise(
        settings.build(model.parameters()),
        inputs.forget.epochs(settings.epochs, settings.batch_size, inputs.generator),
        losses_of,
        total=settings.epochs * inputs.forget.steps(settings.batch_size),
    )
