"""Calibration: a trick that fools membership attacks by softening confidence.

Objective: focal loss, mean of (1 - p_y)^g times cross-entropy, on D'_r with label smoothing,
training the last linear layer only.  The model becomes less sure of everything, so an attack on
confidence finds no members; no feature moves.  Normalisation layers stay in eval mode.
Source: MUDA section D.2 (the classifier is finetuned with "a calibration loss"; which one is not
given).  Focal loss with smoothing is ours (Mukhoti et al. 2020, arXiv:2002.09437). Not an
unlearning method: it shows why a membership attack alone does not prove forgetting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from unlearn_core.data.batches import Batch
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.optimiser import retained_at_least
from unlearn_core.models import head
from unlearn_core.settings import Settings, setting
from unlearn_core.tasks import CLASSIFICATION, Task
from unlearn_core.training import OBJECTIVE, Losses, Progress, make_optimizer, optimise


@dataclass(frozen=True, kw_only=True)
class CalibrationSettings(Settings):
    """Settings of `trick_calibration`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(1e-2, "Step size of Adam.", positive=True)
    epochs: int = setting(20, "Passes over the retained examples.", positive=True)
    batch_size: int = setting(64, "Examples per step.", positive=True)
    retain_at_least: int = retained_at_least()
    focus: float = setting(3.0, "Exponent of the focal loss.", between=(0, 10))
    smoothing: float = setting(0.2, "Label smoothing.", between=(0, 1))


@register_method(
    "trick_calibration",
    CalibrationSettings,
    label="Calibration (trick)",
    source="arXiv:2407.17710, section D.2",
    uses_retain=True,
    retain="part",
    trains="part",
    not_for={"language modelling": "its head is the embedding, which all features are made from"},
    presets={"texts class": {"learning_rate": 3e-3, "epochs": 6, "retain_at_least": 5000}},
)
def trick_calibration(inputs: UnlearnInputs, settings: CalibrationSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval().requires_grad_(False)
    head(model).requires_grad_(True)
    retain = inputs.retain_subset(settings.retain_at_least)

    def losses_of(batch: Batch) -> Losses:
        with inputs.autocast():
            logits = model(batch.inputs)
        loss = focal_loss(
            logits.float(), batch.labels, settings.focus, settings.smoothing, inputs.task
        )
        return {OBJECTIVE: loss}

    yield from optimise(
        make_optimizer("adam", model.parameters(), learning_rate=settings.learning_rate),
        retain.epochs(settings.epochs, settings.batch_size, inputs.generator),
        losses_of,
        total=settings.epochs * retain.steps(settings.batch_size),
    )
    model.requires_grad_(True)


def focal_loss(
    logits: Tensor,
    labels: Tensor,
    focus: float,
    smoothing: float = 0.0,
    task: Task = CLASSIFICATION,
) -> Tensor:
    """Return the mean of (1 - p_y)^focus times the task's (smoothed) loss."""
    loss = task.losses(logits, labels, smoothing=smoothing)
    of_label = logits.softmax(dim=1).gather(1, labels[:, None]).squeeze(1)
    return ((1 - of_label) ** focus * loss).mean()
