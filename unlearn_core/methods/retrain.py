"""Retrain: the reference. Train again from the start, never seeing the forget set.

Objective: cross-entropy on D_r, with the recipe that made the original, from fresh weights or, if
the original started from those of ImageNet, from these with a fresh classifier.  All parameters are
trained, in train mode.  The classifier keeps its outputs for forgotten classes.  It costs as
much as the original training, which is what the other methods try to avoid.
Source: the exact-unlearning baseline of all three papers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.settings import Settings
from unlearn_core.training import Progress, train


@dataclass(frozen=True, kw_only=True)
class RetrainSettings(Settings):
    """`retrain` has no settings of its own: it follows the original's recipe."""


@register_method(
    "retrain",
    RetrainSettings,
    label="Retrained",
    source="exact unlearning",
    uses_retain=True,
    norm_mode="train",
)
def retrain(inputs: UnlearnInputs, settings: RetrainSettings) -> Iterator[Progress]:  # noqa: ARG001
    """Change `inputs.model` in place, yielding once per optimiser step."""
    inputs.restart(inputs.model, inputs.generator)
    yield from train(
        inputs.model,
        inputs.retain,
        inputs.recipe,
        inputs.generator,
        inputs.precision,
        inputs.task,
    )
