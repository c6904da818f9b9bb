"""EU-k: forget the last layers entirely and train them again on the retain set.

Objective: cross-entropy on D_r (MUDA: D'_r).  Trained: the last stage and the classifier (of a
ResNet `layer4` and `fc`), from fresh weights drawn like those of a new network.  The rest is
frozen, so what it encodes of D_f stays; normalisation layers are in eval mode.  It needs D_r
only.
Source: Goel et al. (2022), arXiv:2201.06640 ("exact unlearning-k").  The digits preset is ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.cf_k import LastLayersSettings, cf_k
from unlearn_core.models import initialise
from unlearn_core.models.parts import last_stage
from unlearn_core.training import Progress


@register_method(
    "eu_k",
    LastLayersSettings,
    label="EU-k",
    source="arXiv:2201.06640",
    uses_retain=True,
    presets={
        "digits": {"learning_rate": 2e-3, "epochs": 4, "optimizer": "adam"},
        "muda": {"retain": "part", "epochs": 30},
    },
)
def eu_k(inputs: UnlearnInputs, settings: LastLayersSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    initialise(last_stage(inputs.model), inputs.generator)
    yield from cf_k(inputs, settings)
