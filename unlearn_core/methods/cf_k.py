"""CF-k: keep training only the last layers on the retain set, and count on forgetting.

Objective: cross-entropy on D_r (MUDA: D'_r).  Trained: the last stage and the classifier (of a
ResNet `layer4` and `fc`, as MUDA writes), from their own weights.  The rest is frozen;
normalisation layers are in eval mode.  It needs D_r only.
Source: Goel et al. (2022), arXiv:2201.06640 ("catastrophic forgetting-k"), where k counts layers;
SGD without momentum.  SCRUB's code also pulls the weights to where they were and leaves the
classifier frozen; MUDA's text, which is followed, does neither.  The presets for digits,
photographs and texts are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.models.parts import last_stage
from unlearn_core.settings import Settings, setting
from unlearn_core.training import OPTIMIZERS, Progress, make_optimizer, optimise


@dataclass(frozen=True, kw_only=True)
class LastLayersSettings(Settings):
    """Settings of `cf_k` and `eu_k`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(0.01, "Step size of the optimiser.", positive=True)
    epochs: int = setting(10, "Passes over the retained examples.", positive=True)
    batch_size: int = setting(64, "Examples per step.", positive=True)
    optimizer: str = setting("sgd", "Which optimiser takes the steps.", choices=OPTIMIZERS)
    retain: str = setting(
        "all", "All of D_r, or as many examples as D_f has.", choices=("all", "part")
    )


@register_method(
    "cf_k",
    LastLayersSettings,
    label="CF-k",
    source="arXiv:2201.06640",
    uses_retain=True,
    trains="part",
    presets={
        "digits": {"learning_rate": 0.02, "epochs": 5},
        "photographs": {"learning_rate": 0.02, "epochs": 5},
        "texts class": {
            "learning_rate": 1e-3,
            "epochs": 4,
            "batch_size": 64,
            "optimizer": "adam",
        },
        "muda": {"retain": "part"},
    },
)
def cf_k(inputs: UnlearnInputs, settings: LastLayersSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval().requires_grad_(False)
    last_stage(model).requires_grad_(True)
    retain = inputs.retained(settings.retain)
    yield from optimise(
        make_optimizer(
            settings.optimizer, model.parameters(), learning_rate=settings.learning_rate
        ),
        retain.epochs(settings.epochs, settings.batch_size, inputs.generator),
        inputs.classify,
        total=settings.epochs * retain.steps(settings.batch_size),
    )
    model.requires_grad_(True)
