"""Partial NegGrad: gradient ascent on a part of the network only.

Objective: maximise cross-entropy on D_f.  Trained: of a ResNet every convolution and linear layer;
of a transformer the classifier, and the feed-forward layers and the output projection of attention
in the last block.  Normalisation layers are frozen and in eval mode.  D_r is never read.
Source: NegLoRA (paper text, "GA (headatt)"), where it is the full-rank baseline.  The parameter
counts printed there fit no choice of layers (docs/methods.md); we follow the text.
The digits preset is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from unlearn_core.methods.ascent import (
    AscentSettings,
    ascend,
    digits_presets,
    photographs_presets,
    reviews_presets,
    texts_presets,
)
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.models.parts import parts_of, weighted_layers
from unlearn_core.training import Progress


@dataclass(frozen=True, kw_only=True)
class PartialNegGradSettings(AscentSettings):
    """Settings of `partial_neggrad`; each field is one widget on the Unlearn page."""


@register_method(
    "partial_neggrad",
    PartialNegGradSettings,
    label="Partial NegGrad",
    source="NegLoRA, section 4",
    uses_retain=False,
    trains="part",
    presets={
        **digits_presets(learning_rate=1e-4, epochs=60),
        **photographs_presets(learning_rate=2e-5, epochs=40),
        **texts_presets(learning_rate=1e-4),
        **reviews_presets(learning_rate=2e-5),
        "eli5": {"learning_rate": 5e-5, "epochs": 10, "batch_size": 32, "until_loss": 4.7},
    },
)
def partial_neggrad(inputs: UnlearnInputs, settings: PartialNegGradSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    model = inputs.model.eval().requires_grad_(False)
    for module in trained_modules(model):
        module.requires_grad_(True)
    yield from ascend(inputs, settings, model)
    model.requires_grad_(True)


def trained_modules(model: nn.Module) -> list[nn.Module]:
    """Return the modules whose weights are trained."""
    parts = parts_of(model)
    if not parts.is_transformer:
        return list(weighted_layers(model).values())
    names = (*parts.feed_forward[-1], parts.projections[-1], parts.head)
    return [model.get_submodule(name) for name in names]
