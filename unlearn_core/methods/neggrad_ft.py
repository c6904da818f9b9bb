"""NegGrad+FT: gradient ascent on the forget set and finetuning on the retain set, in turns.

Objective: alternate whole passes: maximise cross-entropy on D_f, then minimise it on D'_r (as many
retained examples, drawn once).  `until_loss` or `until_guessing` can end it early, after the
repair.  All parameters are trained, by one optimiser.  It needs D_f and D'_r and costs two passes
over |D_f| examples an alternation.  Normalisation layers: eval mode.
Source: MUDA section 5.1 (arXiv:2407.17710), where it is a baseline.  Which pass comes first is not
stated: forget first, as in MUDA itself.  Neither are optimiser, step size and number of
alternations: Adam 1e-4 and 5 are ours.  Not the joint step of `neggrad_plus`.
The presets for digits, photographs and texts are ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.methods.ascent import (
    FORGET_LOSS,
    AscentStopSettings,
    digits_presets,
    is_enough,
    photographs_presets,
)
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.settings import setting
from unlearn_core.training import Progress, make_optimizer, optimise


@dataclass(frozen=True, kw_only=True)
class NegGradFtSettings(AscentStopSettings):
    """Settings of `neggrad_ft`; each field is one widget on the Unlearn page."""

    alternations: int = setting(5, "Pairs of a forget and a repair pass.", positive=True)
    batch_size: int = setting(128, "Examples per step.", positive=True)


@register_method(
    "neggrad_ft",
    NegGradFtSettings,
    label="NegGrad+FT",
    source="arXiv:2407.17710, section 5.1",
    uses_retain=True,
    retain="part",
    presets={
        **digits_presets(learning_rate=5e-5, alternations=40),
        **photographs_presets(learning_rate=2e-5, alternations=20, many_loss=3.0),
        "texts class": {"learning_rate": 1e-4, "alternations": 15},
        "eli5": {"learning_rate": 1e-4, "alternations": 5, "batch_size": 64},
        "muda": {},
    },
)
def neggrad_ft(inputs: UnlearnInputs, settings: NegGradFtSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval()
    retain = inputs.retain_subset()
    optimizer = make_optimizer(
        settings.optimizer, model.parameters(), learning_rate=settings.learning_rate
    )
    phases = (("forget", inputs.forget, inputs.ascend), ("recover", retain, inputs.classify))
    in_one_pair = sum(examples.steps(settings.batch_size) for _, examples, _ in phases)
    limit = settings.limit(model)
    step, total = 0, settings.alternations * in_one_pair
    for _ in range(settings.alternations):
        ascended = []
        for phase, examples, losses_of in phases:
            for progress in optimise(
                optimizer,
                examples.shuffled(settings.batch_size, inputs.generator),
                losses_of,
                total=total,
                first_step=step,
                phase=phase,
            ):
                yield progress
                if limit < math.inf and FORGET_LOSS in progress.losses:
                    ascended.append(progress.losses[FORGET_LOSS])
            step = progress.step
        if ascended and is_enough(inputs, limit, ascended, progress):
            return
