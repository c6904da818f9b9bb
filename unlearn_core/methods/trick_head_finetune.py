"""Head-only finetuning: a trick that fools accuracy and forgets nothing in the features.

Objective: cross-entropy on D'_r, training only the last linear layer.  Accuracy on a forgotten
class falls to 0 while DA, linear probes, F1 and NMI stay those of the original to the last bit,
because the features never change.  Normalisation layers stay in eval mode.
Source: MUDA Table 2 and section D.2.  Not an unlearning method: it shows why accuracy and MIA
alone do not prove forgetting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.optimiser import retained_at_least
from unlearn_core.models import head
from unlearn_core.settings import Settings, setting
from unlearn_core.training import Progress, make_optimizer, optimise


@dataclass(frozen=True, kw_only=True)
class HeadFinetuneSettings(Settings):
    """Settings of `trick_head_finetune`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(1e-2, "Step size of the optimiser.", positive=True)
    epochs: int = setting(10, "Passes over the retained examples.", positive=True)
    batch_size: int = setting(64, "Examples per step.", positive=True)
    retain_at_least: int = retained_at_least()


@register_method(
    "trick_head_finetune",
    HeadFinetuneSettings,
    label="Head-only finetune (trick)",
    source="arXiv:2407.17710, Table 2",
    uses_retain=True,
    retain="part",
    trains="part",
    not_for={"language modelling": "its head is the embedding, which all features are made from"},
    presets={
        "digits": {"learning_rate": 5e-2, "epochs": 40},
        "texts class": {"learning_rate": 3e-3, "epochs": 6, "retain_at_least": 5000},
    },
)
def trick_head_finetune(
    inputs: UnlearnInputs, settings: HeadFinetuneSettings
) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval().requires_grad_(False)
    head(model).requires_grad_(True)
    retain = inputs.retain_subset(settings.retain_at_least)

    yield from optimise(
        make_optimizer("adam", model.parameters(), learning_rate=settings.learning_rate),
        retain.epochs(settings.epochs, settings.batch_size, inputs.generator),
        inputs.classify,
        total=settings.epochs * retain.steps(settings.batch_size),
    )
    model.requires_grad_(True)
