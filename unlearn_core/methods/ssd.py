"""SSD: dampen the weights that matter much more for the forget set than for the whole training set.

Objective: none is descended.  The importance of a weight for a set is the mean over its examples
of the squared gradient of the loss: I_f for D_f, I_D for all of D.  Where I_f > alpha I_D the
weight is multiplied by min(lambda I_D / I_f, 1).  It needs D_f and D_r, costs one pass with a
gradient for each example, in eval mode, and takes no training.
Source: Foster et al. (2024), arXiv:2308.07707: alpha 10, lambda 1.  Its code squares the mean
gradient of a batch, another number, which is `squares="batch"`.

Where it ends.  D holds D_f, so I_f / I_D is at most |D| / |D_f|: with a tenth of the examples
forgotten no weight can be ten times as important, the default does nothing, and the log says so.
On single examples drawn at random it fails, as is reported: D_f is like the rest, so I_f and I_D
have one expectation and a weight is chosen by the chance of a few large gradients, not because it
holds D_f.  A small alpha then breaks the answers for everything, a large one changes nothing.
No alpha suits every network either: one that forgets a class in the first breaks the next.  So
`may_lose` (ours) raises alpha until Acc(D_r) falls by no more than that; 1 is the paper's.
The presets for digits and photographs are ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unlearn_core.data.batches import Batch, Examples
from unlearn_core.methods.base import UnlearnInputs, register_method
from unlearn_core.methods.importance import chunk_size, squared_gradients, zeros_like
from unlearn_core.settings import Settings, setting
from unlearn_core.training import Progress, require_finite

RAISED, TRIES = 1.1, 100  # alpha from try to try, and how often: up to 12,500 times as much


@dataclass(frozen=True, kw_only=True)
class SsdSettings(Settings):
    """Settings of `ssd`; each field is one widget on the Unlearn page."""

    alpha: float = setting(
        10.0, "Dampen where D_f matters so many times as much as D.", between=(0, 1e6)
    )
    dampening: float = setting(
        1.0, "Scale of what is left of a chosen weight (lambda).", between=(0, 1e6)
    )
    squares: str = setting(
        "example",
        "Square the gradient of each example, or of each batch.",
        choices=("example", "batch"),
    )
    batch_size: int = setting(128, "Examples of a batch whose gradient is squared.", positive=True)
    may_lose: float = setting(
        1.0,
        "Raise alpha until Acc(D_r) falls by at most this (.01: one point); 1 never does.",
        between=(0, 1),
    )


@register_method(
    "ssd",
    SsdSettings,
    label="SSD",
    source="arXiv:2308.07707",
    uses_retain=True,
    not_for={
        "language modelling": "it weighs the loss of one answer an example, and a text has many"
    },
    presets={
        "digits": {"alpha": 5.0, "may_lose": 0.01},
        "photographs class": {"alpha": 5.0},
        "released": {"squares": "batch"},
    },
)
def ssd(inputs: UnlearnInputs, settings: SsdSettings) -> Iterator[Progress]:
    """Change `inputs.model` in place, yielding once per chunk and once for the dampening."""
    model = inputs.model.eval()
    sets = {"forget": inputs.forget, "all": inputs.forget.join(inputs.retain)}
    size = chunk_size(model) if settings.squares == "example" else settings.batch_size
    total = sum(math.ceil(len(examples) / size) for examples in sets.values()) + 1
    importances: dict[str, dict[str, Tensor]] = {}
    step = 0
    for name, examples in sets.items():
        sums, n_squares = zeros_like(model), 0
        order = torch.randperm(len(examples), generator=inputs.generator).to(inputs.device)
        for batch in examples.take(order).ordered(size):
            squares = _squares(inputs, batch, settings.squares)
            for parameter, each in squares.items():
                sums[parameter] += each.sum(dim=0)
            n_squares += len(batch) if settings.squares == "example" else 1
            step += 1
            yield Progress(step=step, total=total, n_examples=len(batch), phase=name)
        importances[name] = {parameter: each / n_squares for parameter, each in sums.items()}
    of_forget, of_all = importances["forget"], importances["all"]
    alpha, n_dampened = _dampen_sparingly(inputs, of_forget, of_all, settings)
    n_weights = sum(weight.numel() for weight in model.parameters())
    inputs.facts["dampened_share"] = n_dampened / n_weights
    inputs.facts["alpha"] = alpha
    inputs.log(f"ssd: dampened {n_dampened} of {n_weights} weights, with alpha {alpha:.3g}.")
    if not n_dampened and alpha > settings.alpha:
        inputs.log(
            f"ssd: alpha was raised from {settings.alpha:.3g} to {alpha:.3g} and nothing changed: "
            f"with any smaller one tried, Acc(D_r) falls by more than {settings.may_lose:g}. Let "
            "it lose more, or dampen less (a larger lambda)."
        )
    elif not n_dampened:
        most = len(sets["all"]) / len(inputs.forget)
        inputs.log(
            f"ssd: no weight matters {alpha:.3g} times as much for D_f as for D, so nothing "
            f"changed; as D_f is a part of D, none can matter more than {most:.3g} times as much. "
            "Try a smaller alpha."
        )
    require_finite(model.parameters(), "the dampening")
    yield Progress(step=total, total=total, phase="dampen")


def _squares(inputs: UnlearnInputs, batch: Batch, squares: str) -> dict[str, Tensor]:
    """Return squared gradients by parameter: one row an example, or one for the batch."""
    model = inputs.model
    if squares == "example":
        return squared_gradients(model, batch, batch.labels, inputs.task)
    loss = inputs.task.loss(model(batch.inputs), batch.labels)
    names, weights = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, weights)
    return {name: g.square()[None] for name, g in zip(names, gradients, strict=True)}


@torch.no_grad()
def _dampen_sparingly(
    inputs: UnlearnInputs,
    of_forget: Mapping[str, Tensor],
    of_all: Mapping[str, Tensor],
    settings: SsdSettings,
) -> tuple[float, int]:
    """Dampen with the smallest alpha that costs no more than it may; return it and how many."""
    model, alpha = inputs.model, settings.alpha
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    wanted = 0.0 if settings.may_lose == 1 else accuracy(model, inputs.retain) - settings.may_lose
    for attempt in range(TRIES):
        alpha = settings.alpha * RAISED**attempt
        n_dampened = 0
        for name, weight in model.named_parameters():
            factors = dampening_factors(of_forget[name], of_all[name], alpha, settings.dampening)
            weight.copy_(before[name] * factors)
            n_dampened += int((factors != 1).sum())
        if not n_dampened or wanted <= 0 or accuracy(model, inputs.retain) >= wanted:
            return alpha, n_dampened
    for name, weight in model.named_parameters():
        weight.copy_(before[name])
    return alpha, 0  # even the largest costs too much


@torch.no_grad()
def accuracy(model: nn.Module, examples: Examples) -> float:
    """Return the share of examples, as they are, that are answered with their label."""
    right = sum((model(b.inputs).argmax(1) == b.labels).sum() for b in examples.ordered())
    return float(right) / len(examples)


def dampening_factors(of_forget: Tensor, of_all: Tensor, alpha: float, dampening: float) -> Tensor:
    r"""Return what each weight is multiplied by.

    .. math:: \min(\lambda I_D / I_f, 1) \text{ where } I_f > \alpha I_D, \text{ else } 1

    Parameters
    ----------
    of_forget, of_all : tensor
        I_f and I_D, not negative, of one shape, which is the result's.
    alpha, dampening : float

    Examples
    --------
    >>> dampening_factors(torch.tensor([20.0, 10.0]), torch.tensor([1.0, 2.0]), 10, 1).tolist()
    [0.05000000074505806, 1.0]
    """
    is_chosen = of_forget > alpha * of_all
    return torch.where(is_chosen, (dampening * of_all / of_forget).clamp(max=1), 1.0)
