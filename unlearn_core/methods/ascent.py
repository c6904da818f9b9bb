"""Gradient ascent: steps that raise the loss on the forget set, shared by several methods.

Nothing bounds the loss that it ascends, and steps after the examples are forgotten only damage the
rest, so `until_loss` or `until_guessing` can end it early (MUDA, section 3.3, names the need for
early stopping).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from torch import nn

from unlearn_core.methods.base import UnlearnInputs
from unlearn_core.models import head
from unlearn_core.settings import Settings, setting
from unlearn_core.training import OPTIMIZERS, Progress, make_optimizer, optimise

FORGET_LOSS = "forget_loss"

# photographs not of ten classes
OF_OTHER_SIZES = ("folder", "cifar20", "cifar100", "tiny_imagenet", "imagenet100")

SLOWER = 0.25  # share of the rate, where a class has thousands of images

Presets = dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class AscentStopSettings(Settings):
    """Settings of methods that raise the loss on D_f without a bound, and may stop early."""

    learning_rate: float = setting(1e-4, "Step size of the optimiser.", positive=True)
    batch_size: int = setting(256, "Examples per step.", positive=True)
    until_loss: float = setting(
        0.0,
        "Stop early at this forget loss (nats, mean of one pass); 0 means never.",
        between=(0, 1e6),
    )
    until_guessing: float = setting(
        0.0,
        "Stop early at so many times the loss of guessing among all answers, log n; 0 means never.",
        between=(0, 100),
    )
    optimizer: str = setting("adam", "Which optimiser takes the steps.", choices=OPTIMIZERS)

    def limit(self, model: nn.Module) -> float:
        """Return the forget loss in nats at which to stop, the smaller of both; inf for never."""
        limits = [self.until_loss or math.inf]
        if self.until_guessing:
            limits.append(self.until_guessing * math.log(head(model).out_features))
        return min(limits)


@dataclass(frozen=True, kw_only=True)
class AscentSettings(AscentStopSettings):
    """Settings of methods that consist of gradient ascent alone."""

    epochs: int = setting(1, "Passes over the forget set.", positive=True)
    momentum: float = setting(0.0, "Momentum of SGD.", between=(0, 1))
    weight_decay: float = setting(0.0, "Weight decay.", between=(0, 1))


def digits_presets(
    *, class_loss: float = 2.3, backdoor_loss: float = 1.5, **settings: float
) -> Presets:
    """Return a method's presets for the digits: small steps, and a loss at which to stop.

    That loss differs.  A class is forgotten where its loss is that of guessing among ten: log 10.
    Single images are forgotten where they are answered like ones never trained on, whose mean
    loss here is about 0.12: the model still knows their class.  A backdoor's label is also that
    of clean images, which a higher loss than 1.5 takes along.  Adapters with dropout harm more of
    the rest and have to stop earlier.
    """
    common = {"batch_size": 64, **settings}
    return {
        "digits": {**common, "until_loss": class_loss},
        "digits sample": {**common, "until_loss": 0.12},
        "digits backdoor": {**common, "until_loss": backdoor_loss},
    }


def photographs_presets(*, many_loss: float = 1.5, **settings: float) -> Presets:
    """Return a method's presets for photographs: small steps, and a loss at which to stop.

    Classes are unlike each other: at the loss of guessing among ten, 2.3, some are still named in a
    quarter of their images, and at 4 the rest loses 10 points on others; 3 is between.  Single
    images are forgotten where they are answered like unseen ones, whose loss is near 0.5.

    A class of 5,000 images is gone after a pass of steps that are right for 300, and the rest with
    it: it has a quarter of their rate, and stops at `many_loss`.  At 1.5 a quarter of it is still
    named and the rest loses 2 to 5 points, at 3 a tenth and 5 to 9 points, whatever the rate below
    that.
    """
    losses = {"class": 3.0, "sample": 0.5, "backdoor": 1.5}
    found = {
        f"photographs {kind}": {"until_loss": loss, **settings} for kind, loss in losses.items()
    }
    found["many photographs class"] = {
        **settings,
        "until_loss": many_loss,
        "learning_rate": settings["learning_rate"] * SLOWER,
    }
    # 3 is 1.3 times log 10; where there may be two classes or 200, the share counts
    others = {f"{name} class": {"until_guessing": 1.3, **settings} for name in OF_OTHER_SIZES}
    return {**found, **others}


def texts_presets(**settings: float) -> Presets:
    """Return a method's presets for a class of texts, or those with a word.

    They end at the loss of guessing, which among the 77 of the bank's questions is 4.3.  Where
    classes are few a word is forgotten at half of it, or the rest is lost too.
    """
    common = {"batch_size": 64, "epochs": 60, **settings}
    among_77 = {"until_loss": 4.3, **common}
    return {
        "banking77 class": among_77,
        "banking77 keyword": among_77,
        "texts class": {"until_guessing": 1.0, **common},
        "texts keyword": {"until_guessing": 0.5, **common},
    }


def reviews_presets(**settings: float) -> Presets:
    """Return a method's preset for film reviews, which are good or bad.

    At the loss of guessing among two, 0.69, the rest is lost too; half of it costs 3 to 9 points.
    """
    return {"imdb": {"until_loss": 0.35, "batch_size": 32, "epochs": 40, **settings}}


def ascend(
    inputs: UnlearnInputs,
    settings: AscentSettings,
    model: nn.Module,
    *,
    first_step: int = 0,
) -> Iterator[Progress]:
    """Raise the loss on D_f by changing the weights of `model` that are not frozen.

    `first_step` steps of the method came before.
    """
    optimizer = make_optimizer(
        settings.optimizer,
        model.parameters(),
        learning_rate=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    in_a_pass = inputs.forget.steps(settings.batch_size)
    total = first_step + settings.epochs * in_a_pass
    losses: deque[float] = deque(maxlen=in_a_pass)
    limit = settings.limit(inputs.model)
    for progress in optimise(
        optimizer,
        inputs.forget.epochs(settings.epochs, settings.batch_size, inputs.generator),
        inputs.ascend,
        total=total,
        first_step=first_step,
        phase="ascend",
    ):
        yield progress
        if math.isinf(limit):
            continue  # looking at a loss waits for an accelerator
        losses.append(progress.losses[FORGET_LOSS])
        # over a whole pass, so never in the middle of the first
        if len(losses) == in_a_pass and is_enough(inputs, limit, losses, progress):
            return


def is_enough(
    inputs: UnlearnInputs,
    limit: float,
    losses: Collection[float],
    progress: Progress,
) -> bool:
    """Tell whether the forget losses of one pass end the ascent before its time, and log it."""
    reached = sum(losses) / len(losses)
    if reached < limit or progress.step == progress.total:
        return False
    inputs.log(
        f"The ascent ended at step {progress.step} of {progress.total}: "
        f"the forget loss reached {reached:.2f} nats."
    )
    return True
