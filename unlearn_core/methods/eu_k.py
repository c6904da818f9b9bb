"""EU-k: forget the last layers entirely and train them again on the retain set.

Objective: cross-entropy on D_r (MUDA: D'_r).  Trained: the last stage and the classifier (of a
ResNet `layer4` and `fc`), from fresh weights drawn like those of a new network.  The rest is
frozen, so what it encodes of D_f stays.  Normalisation layers are in eval mode; those of the last
stage are new, with mean 0 and variance 1 throughout.  It needs D_r only.
Source: Goel et al. (2022), arXiv:2201.06640 ("exact unlearning-k"), where k counts layers; that the
last stage and the classifier are meant is MUDA's reading, and as many epochs as an original has
(SCRUB's code: 25 to 30).  The presets for digits, photographs and texts are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.cf_k import LastLayersSettings, cf_k
from unlearn_core.models import parts_of
from unlearn_core.settings import setting
from unlearn_core.training import Progress


@dataclass(frozen=True, kw_only=True)
class EuKSettings(LastLayersSettings):
    """Settings of `eu_k`: as long as an original is trained."""

    epochs: int = setting(30, "Passes over the retained examples.", positive=True)


@register_method(
    "eu_k",
    EuKSettings,
    label="EU-k",
    source="arXiv:2201.06640",
    uses_retain=True,
    trains="part",
    norm_mode="fresh",
    presets={
        "digits": {"learning_rate": 2e-3, "epochs": 4, "optimizer": "adam"},
        "photographs": {"learning_rate": 2e-3, "epochs": 4, "optimizer": "adam"},
        "texts class": {
            "learning_rate": 5e-4,
            "epochs": 6,
            "batch_size": 64,
            "optimizer": "adam",
        },
        "muda": {"retain": "part"},
    },
)
def eu_k(inputs: UnlearnInputs, settings: EuKSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per optimiser step."""
    inputs.redraw(inputs.model, parts_of(inputs.model).last_stage)
    yield from cf_k(inputs, settings)
