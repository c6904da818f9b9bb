"""Fisher forgetting: add noise to the weights that matter least for the retain set.

Objective: none is descended.  F_j, the diagonal Fisher information of weight j on D_r (MUDA:
D'_r), is the expectation over the model's own labels of the squared gradient, example by example
in eval mode. Weights get noise of variance alpha min(1 / (F_j + 1e-8), 1e3), averaged over
dimension 1 of matrices and kernels; ten times as much in the classifier and in vectors; the
classifier's cap is 1e2.  If classes are forgotten whole, their rows of the classifier are set to
zero, with variance 1e-4 before the factor ten.  It needs D'_r, and K backward passes an example.
Source: Golatkar et al. (2020), arXiv:1911.04933 (docs/methods.md); the classifier
is matched by name, not by its first dimension.  The presets are ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unlearn_core.data.batches import Batch
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.importance import chunk_size, squared_gradients, zeros_like
from unlearn_core.models import head
from unlearn_core.settings import Settings, setting
from unlearn_core.tasks import CLASSIFICATION, Task
from unlearn_core.training import Progress, require_finite

CAP, HEAD_CAP, FORGOTTEN_ROW, BOOST = 1e3, 1e2, 1e-4, 10.0


@dataclass(frozen=True, kw_only=True)
class FisherSettings(Settings):
    """Settings of `fisher`; each field is one widget on the Unlearn page."""

    alpha: float = setting(1e-6, "Scale of the noise's variance.", positive=True)
    retain: str = setting(
        "part", "All of D_r, or as many examples as D_f has.", choices=("all", "part")
    )


@register_method(
    "fisher",
    FisherSettings,
    label="Fisher",
    source="arXiv:1911.04933",
    uses_retain=True,
    retain="part",
    not_for={
        "language modelling": "it goes through every class an example may have, and a token may "
        "be any of the vocabulary"
    },
    presets={
        "digits": {"alpha": 1e-7},
        "many photographs class": {"alpha": 3e-7},
        "texts class": {"alpha": 3e-7},
    },
)
def fisher(inputs: UnlearnInputs, settings: FisherSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per chunk and once for the noise."""
    model = inputs.model.eval()
    retain = inputs.retained(settings.retain)
    parameters = dict(model.named_parameters())
    information = zeros_like(model)
    chunk = chunk_size(model)
    total = retain.steps(chunk) + 1
    for step, batch in enumerate(retain.ordered(chunk), start=1):
        for name, squares in fisher_information(model, batch, inputs.task).items():
            information[name] += squares / len(retain)
        yield Progress(step=step, total=total, n_examples=len(batch), phase="information")
    forgotten = forgotten_classes(inputs)
    last = head(model)
    with torch.no_grad():
        for name, parameter in parameters.items():
            is_head = parameter is last.weight or parameter is last.bias
            variance = noise_variance(
                information[name], settings.alpha, is_head=is_head, forgotten=forgotten
            )
            if is_head:
                parameter[forgotten] = 0
            noise = torch.empty(parameter.shape).normal_(generator=inputs.generator)
            parameter.add_(variance.sqrt() * noise.to(parameter.device))
    require_finite(parameters.values(), "the noise")
    yield Progress(step=total, total=total, phase="noise")


def forgotten_classes(inputs: UnlearnInputs) -> list[int]:
    """Return the classes of which nothing is retained."""
    return sorted(set(inputs.forget.labels.tolist()) - set(inputs.retain.labels.tolist()))


def fisher_information(
    model: nn.Module, batch: Batch, task: Task = CLASSIFICATION
) -> dict[str, Tensor]:
    """Return each parameter's Fisher information, summed over a batch.

    Over the batch's examples x of E_y[(d loss(x, y) / d w)^2], with the model's own labels y.
    """
    with torch.no_grad():
        probabilities = model(batch.inputs).softmax(dim=1)
    sums = zeros_like(model)
    for label in range(probabilities.shape[1]):
        labels = torch.full_like(batch.labels, label)
        for name, squares in squared_gradients(model, batch, labels, task).items():
            sums[name] += torch.einsum("b,b...->...", probabilities[:, label], squares)
    return sums


def noise_variance(
    information: Tensor, alpha: float, *, is_head: bool, forgotten: list[int]
) -> Tensor:
    """Return the variance of the noise for one parameter, of the parameter's shape."""
    cap = HEAD_CAP if is_head else CAP
    variance = (1 / (information + 1e-8)).clamp(max=cap)
    if information.ndim > 1:
        variance = variance.mean(dim=1, keepdim=True).expand_as(variance).clone()
    variance = alpha * variance
    if is_head:
        variance[forgotten] = FORGOTTEN_ROW
    boosted = is_head or information.ndim == 1
    return variance * BOOST if boosted else variance
