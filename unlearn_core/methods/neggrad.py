"""Gradient ascent: raise the loss on the forget set.

Objective: maximise cross-entropy on D_f.  All parameters are trained; D_r is never read, so
nothing holds it in place and accuracy there usually falls too.  It costs one pass over D_f per
epoch.  The ascent has no bound: `until_loss` or `until_guessing` ends it, and a loss that is no
longer finite stops the run with a reason.
Normalisation layers stay in eval mode (RFA leaves it open; in train mode one class alone drags
the running statistics), but for the preset "usparse", whose source trains in train mode.
Source: Golatkar et al. (2020), arXiv:1911.04933; settings of RFA (AdamW 5e-5, batch 128, 1 epoch;
the weight decay, unstated there, is the usual 0.01); "usparse": arXiv:2304.04934.
The digits preset is ours: strong enough to forget a class, and still a working classifier.  "eli5"
was found on the category Repost of 1,500 texts; what it forgets of language it forgets of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.methods.ascent import (
    AscentSettings,
    ascend,
    digits_presets,
    photographs_presets,
    reviews_presets,
    texts_presets,
)
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.settings import setting
from unlearn_core.training import OPTIMIZERS, Progress, to_train_mode


@dataclass(frozen=True, kw_only=True)
class NegGradSettings(AscentSettings):
    """Settings of `neggrad`; each field is one widget on the Unlearn page."""

    learning_rate: float = setting(5e-5, "Step size of the optimiser.", positive=True)
    batch_size: int = setting(128, "Examples per step.", positive=True)
    optimizer: str = setting("adamw", "Which optimiser takes the steps.", choices=OPTIMIZERS)
    weight_decay: float = setting(0.01, "Weight decay.", between=(0, 1))
    train_mode: bool = setting(False, "Update the statistics of batch normalisation.")


@register_method(
    "neggrad",
    NegGradSettings,
    label="NegGrad",
    source="arXiv:1911.04933",
    uses_retain=False,
    presets={
        **digits_presets(learning_rate=1e-4, epochs=60),
        **photographs_presets(learning_rate=2e-5, epochs=40),
        **texts_presets(learning_rate=1e-4),
        **reviews_presets(learning_rate=2e-5),
        "eli5": {"learning_rate": 2e-5, "epochs": 5, "batch_size": 32, "until_loss": 4.8},
        "rfa": {},
        "muda": {"learning_rate": 1e-4, "optimizer": "sgd", "epochs": 10, "weight_decay": 0.0},
        "neglora": {
            "learning_rate": 1e-4,
            "optimizer": "adam",
            "batch_size": 256,
            "weight_decay": 0.0,
        },
        "usparse": {
            "learning_rate": 1e-4,
            "optimizer": "sgd",
            "epochs": 5,
            "batch_size": 256,
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "train_mode": True,
        },
    },
)
def neggrad(inputs: UnlearnInputs, settings: NegGradSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval()
    if settings.train_mode:
        to_train_mode(model, len(inputs.forget), settings.batch_size)
    yield from ascend(inputs, settings, model)
    model.eval()
