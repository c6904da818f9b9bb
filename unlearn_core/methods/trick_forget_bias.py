"""Forget bias: a trick that forbids the forgotten class and changes nothing else.

The classifier's bias of every class of which nothing is retained becomes very negative.  Accuracy
on the class is 0 at once, and no feature moves.  It takes no step and needs no data beyond
labels; normalisation layers are in eval mode.  Chosen or random examples leave every class with
retained members; then nothing changes, and the run's log says so.
Source: MUDA section D.2 (bias of minus infinity); -1e4 here, so that losses stay finite. Not an
unlearning method: it shows why accuracy alone does not prove forgetting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unlearn_core.checks import InputError
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.fisher import forgotten_classes
from unlearn_core.models import head
from unlearn_core.settings import Settings, setting
from unlearn_core.training import Progress


@dataclass(frozen=True, kw_only=True)
class ForgetBiasSettings(Settings):
    """Settings of `trick_forget_bias`; each field is one widget on the Unlearn page."""

    bias: float = setting(-1e4, "Bias of the forgotten classes.", between=(-1e9, 0))


@register_method(
    "trick_forget_bias",
    ForgetBiasSettings,
    label="Forget bias (trick)",
    source="arXiv:2407.17710, section D.2",
    uses_retain=True,
    retain="labels",
    trains="part",
    not_for={"language modelling": "no answer of a language model is the class to forget"},
)
def trick_forget_bias(inputs: UnlearnInputs, settings: ForgetBiasSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once."""
    model = inputs.model.eval().requires_grad_(False)
    bias = _bias(head(model)).requires_grad_(True)
    classes = forgotten_classes(inputs)
    if not classes:
        inputs.log("trick_forget_bias: every class has retained members, so nothing was changed.")
    with torch.no_grad():
        bias[classes] = settings.bias
    yield Progress(step=1, total=1)
    model.requires_grad_(True)


def _bias(classifier: nn.Linear) -> Tensor:
    bias: Tensor | None = classifier.bias
    if bias is None:
        raise InputError("trick_forget_bias needs a classifier that has a bias, got one without.")
    return bias
