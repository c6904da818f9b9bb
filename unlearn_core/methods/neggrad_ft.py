"""NegGrad+FT: one pass that unteaches the forget set, one that repairs, in turns.

Objective: alternate whole passes: maximise cross-entropy on D_f, then minimise it on D'_r (as many
retained examples, drawn once).  All parameters are trained, by one optimiser.  It needs D_f and
D'_r and costs two passes over |D_f| examples an alternation.  Normalisation layers: eval mode.
Source: MUDA section 5.1 (arXiv:2407.17710), where it is a baseline.  Which pass comes first is not
stated: forget first, as in MUDA itself.  Not the joint step of `neggrad_plus`.
The digits preset is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.settings import Settings, setting
from unlearn_core.training import OPTIMIZERS, Progress, make_optimizer, optimise


@dataclass(frozen=True, kw_only=True)
class NegGradFtSettings(Settings):
    """Settings of `neggrad_ft`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(1e-4, "Step size of the optimiser.", positive=True)
    alternations: int = setting(5, "Pairs of a forget and a repair pass.", positive=True)
    batch_size: int = setting(128, "Examples per step.", positive=True)
    optimizer: str = setting("adam", "Which optimiser takes the steps.", choices=OPTIMIZERS)


@register_method(
    "neggrad_ft",
    NegGradFtSettings,
    label="NegGrad+FT",
    source="arXiv:2407.17710, section 5.1",
    uses_retain=True,
    presets={"digits": {"learning_rate": 1e-4, "alternations": 10, "batch_size": 64}},
)
def neggrad_ft(inputs: UnlearnInputs, settings: NegGradFtSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval()
    retain = inputs.retain_part()
    optimizer = make_optimizer(
        settings.optimizer, model.parameters(), learning_rate=settings.learning_rate
    )
    phases = (("forget", inputs.forget, inputs.ascend), ("recover", retain, inputs.classify))
    in_one_pair = sum(examples.steps(settings.batch_size) for _, examples, _ in phases)
    step, total = 0, settings.alternations * in_one_pair
    for _ in range(settings.alternations):
        for phase, examples, losses_of in phases:
            yield from optimise(
                optimizer,
                examples.shuffled(settings.batch_size, inputs.generator),
                losses_of,
                total=total,
                first_step=step,
                phase=phase,
            )
            step += examples.steps(settings.batch_size)
