"""NegGrad+: one joint step down the retain loss and up the forget loss.

Objective: a (CE(D_r) + w/2 |theta - theta_o|^2) - (1 - a) CE(D_f), on a retain batch and a forget
batch together; the forget batches start again when they are used up.  All parameters are trained.
It needs D_f and D_r and costs two forward passes a step.  Normalisation layers: eval mode.
Source: Kurmanji et al. (2023), arXiv:2302.09880: SGD 0.01 without momentum, a = 0.95 on small
scale ("small", the default), 0.9999 in its study of membership attacks ("mia").
Not the alternation of `neggrad_ft`.  The presets for digits, photographs and texts are ours.
Nothing bounds its ascent: on all of CIFAR-10 the preset for few photographs has forgotten a class
after 25 of its 704 steps and then ruins the network, so many have a tenth of its rate for one pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unlearn_core.data.batches import Batch
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.settings import Settings, setting
from unlearn_core.training import (
    OBJECTIVE,
    OPTIMIZERS,
    Losses,
    Progress,
    make_optimizer,
    optimise,
)


@dataclass(frozen=True, kw_only=True)
class NegGradPlusSettings(Settings):
    """Settings of `neggrad_plus`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(0.01, "Step size of the optimiser.", positive=True)
    epochs: int = setting(5, "Passes over the retained examples.", positive=True)
    batch_size: int = setting(128, "Examples per step, of each set.", positive=True)
    alpha: float = setting(
        0.95, "Weight of the retained loss; the rest weighs the ascent.", between=(0, 1)
    )
    stay_close: float = setting(0.1, "Weight w of staying near the original.", between=(0, 1e6))
    optimizer: str = setting("sgd", "Which optimiser takes the steps.", choices=OPTIMIZERS)


@register_method(
    "neggrad_plus",
    NegGradPlusSettings,
    label="NegGrad+",
    source="arXiv:2302.09880",
    uses_retain=True,
    presets={
        "small": {},
        "mia": {"alpha": 0.9999},
        "digits": {
            "learning_rate": 5e-4,
            "epochs": 3,
            "batch_size": 64,
            "optimizer": "adam",
            "stay_close": 0.0,
        },
        "photographs": {
            "learning_rate": 5e-5,
            "epochs": 2,
            "optimizer": "adam",
            "stay_close": 0.0,
        },
        "many photographs class": {
            "learning_rate": 5e-6,
            "epochs": 1,
            "batch_size": 256,
            "optimizer": "adam",
            "stay_close": 0.0,
        },
        "texts class": {
            "learning_rate": 2e-4,
            "epochs": 1,
            "batch_size": 64,
            "alpha": 0.99,
            "optimizer": "adam",
            "stay_close": 0.0,
        },
        "eli5": {
            "learning_rate": 2e-3,
            "epochs": 2,
            "batch_size": 32,
            "alpha": 0.85,
            "optimizer": "adam",
            "stay_close": 0.0,
        },
        "digits backdoor": {
            "learning_rate": 1e-3,
            "epochs": 6,
            "batch_size": 64,
            "optimizer": "adam",
            "stay_close": 0.0,
        },
    },
)
def neggrad_plus(inputs: UnlearnInputs, settings: NegGradPlusSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval()
    start = [parameter.detach().clone() for parameter in model.parameters()]

    def losses_of(pair: tuple[Batch, Batch]) -> Losses:
        retain_loss = inputs.classify(pair[0])[OBJECTIVE]
        forget_loss = inputs.classify(pair[1])[OBJECTIVE]
        moved = distance_squared(model, start)
        keep = retain_loss + settings.stay_close / 2 * moved
        return {
            OBJECTIVE: joint_objective(keep, forget_loss, settings.alpha),
            "retain_loss": retain_loss,
            "forget_loss": forget_loss,
        }

    retain = inputs.retain.epochs(settings.epochs, settings.batch_size, inputs.generator)
    forget = inputs.forget.forever(settings.batch_size, inputs.generator)
    yield from optimise(
        make_optimizer(
            settings.optimizer, model.parameters(), learning_rate=settings.learning_rate
        ),
        zip(retain, forget, strict=False),
        losses_of,
        total=settings.epochs * inputs.retain.steps(settings.batch_size),
    )


def joint_objective(keep: Tensor, forget_loss: Tensor, alpha: float) -> Tensor:
    """Return alpha * keep - (1 - alpha) * forget_loss."""
    return alpha * keep - (1 - alpha) * forget_loss


def distance_squared(model: nn.Module, start: list[Tensor]) -> Tensor:
    """Return |theta - theta_o|^2 over all parameters."""
    pairs = zip(model.parameters(), start, strict=True)
    return torch.stack([(now - before).square().sum() for now, before in pairs]).sum()
