"""Gradient ascent on the forget set: what every method that climbs the loss shares.

Nothing bounds the loss that it climbs, and steps after the examples are forgotten only damage the
rest, so `until_loss` can end it early (MUDA, section 3.3, names the need for early stopping).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from unlearn_core.methods.base import UnlearnInputs
from unlearn_core.methods.settings import Settings, setting
from unlearn_core.training import Progress, optimise

FORGET_LOSS = "forget_loss"

Presets = dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class AscentSettings(Settings):
    """Settings of every method that climbs the loss on D_f."""

    learning_rate: float = setting(1e-4, "Step size of the optimiser.", positive=True)
    epochs: int = setting(1, "Passes over the forget set.", positive=True)
    batch_size: int = setting(256, "Examples per step.", positive=True)
    until_loss: float = setting(
        0.0,
        "Stop early at this forget loss (nats, mean of one pass); 0 means never.",
        between=(0, 1e6),
    )


def digits_presets(*, until_loss: float, epochs: int, **settings: float) -> Presets:
    """Return the digits' presets of an ascent: climb in small steps and stop when it is enough.

    Enough differs: a class is gone at a loss of about 4 nats.  A backdoor's label is also that of
    clean images, which a higher loss than 1.5 takes along.  Single images are answered like unseen
    ones at about 0.3: the model still knows their class.  Measured on three seeds.
    """
    common = {"batch_size": 64, **settings}
    return {
        "digits": {**common, "epochs": epochs, "until_loss": until_loss},
        "digits sample": {**common, "epochs": (2 * epochs) // 5, "until_loss": 0.3},
        "digits backdoor": {**common, "epochs": epochs, "until_loss": 1.5},
    }


def climb(
    inputs: UnlearnInputs,
    settings: AscentSettings,
    optimizer: torch.optim.Optimizer,
    *,
    first_step: int = 0,
) -> Iterator[Progress]:
    """Take the ascent's steps; `first_step` steps of another phase came before."""
    in_a_pass = inputs.forget.steps(settings.batch_size)
    total = first_step + settings.epochs * in_a_pass
    losses: deque[float] = deque(maxlen=in_a_pass)
    for progress in optimise(
        optimizer,
        inputs.forget.epochs(settings.epochs, settings.batch_size, inputs.generator),
        inputs.ascend,
        total=total,
        first_step=first_step,
        phase="ascend",
    ):
        yield progress
        losses.append(progress.losses[FORGET_LOSS])
        reached = sum(losses) / in_a_pass  # over a whole pass, so never in the middle of the first
        is_enough = 0 < settings.until_loss <= reached and len(losses) == in_a_pass
        if is_enough and progress.step < total:
            inputs.log(
                f"The ascent ended at step {progress.step} of {total}: "
                f"the forget loss reached {reached:.2f} nats."
            )
            return
