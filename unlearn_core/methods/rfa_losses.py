"""The two losses of RFA: of what adapters add in each layer, and of the predictions.

docs/methods.md, "rfa", has their formulas.  A step measures every adapted layer, so what counts for
its cost is how often a layer's output is read and written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from unlearn_core.checks import same_shape
from unlearn_core.data.batches import Batch
from unlearn_core.methods.averages import average_feature, average_label
from unlearn_core.tasks import CLASSIFICATION, Task

NORMS = ("mse", "l2", "sq")


def residual_alignment_loss(
    residuals: Sequence[Tensor],
    frozen: Sequence[Tensor],
    is_forget: Tensor,
    *,
    norm: str = "mse",
    alpha: float = 1.0,
    beta: float = 1.0,
    teacher: Sequence[Tensor] | None = None,
    averages: Sequence[Tensor] | None = None,
) -> Tensor:
    r"""Keep retained features, move forgotten ones to the retained average (RFA, eqs. 5-8).

    .. math:: \frac{\alpha}{|b_r|} \sum_{x \in b_r} \sum_k \|\Delta_k(x)\|
        + \frac{\beta}{|b_f|} \sum_{x \in b_f} \sum_k \|\Delta_k(x) - (\tilde x_k - x_k(x))\|

    where the average is over the batch's retained examples.  A set that is absent from the
    batch contributes exactly zero, and without an average there is no forget term.  The sum over
    layers is not divided by their number.

    Parameters
    ----------
    residuals : sequence of tensors (B, ...)
        What each adapter added, Delta_k.
    frozen : sequence of tensors (B, ...)
        What the frozen layer gave in the same pass, x_k; a constant in direct mode.
    is_forget : bool tensor of shape (B,)
    norm : {"mse", "l2", "sq"}
        Mean of squares over an example's elements, their root of the sum, or their sum.
    teacher : sequence of tensors (B, ...), optional
        Outputs of the same layers in a pass of the frozen model on its own: teacher mode.
    averages : sequence of tensors (...), optional
        Each layer's average to move to, without the batch axis, instead of this batch's.

    Raises
    ------
    ValueError
        If `norm` is unknown, there is no layer, the lists are of different layers, or the shapes
        do not fit.
    """
    if norm not in NORMS:
        raise ValueError(f"`norm` must be one of {', '.join(NORMS)}, got {norm!r}.")
    _require_layers(residuals=residuals, frozen=frozen, teacher=teacher, averages=averages)
    require_flags(is_forget, len(residuals[0]))
    total = residuals[0].new_zeros(())
    if averages is None and bool(is_forget.all()):
        return total
    weights = _weights(is_forget, alpha, beta, residuals[0].dtype)
    forgotten = is_forget.nonzero().squeeze(1)
    for k, (residual, own) in enumerate(zip(residuals, frozen, strict=True)):
        target = (own if teacher is None else teacher[k]).detach()
        same_shape(**{f"residuals[{k}]": residual, f"frozen[{k}]": own, f"target[{k}]": target})
        moved = residual if teacher is None else own + residual - target
        average = average_feature(target, is_forget) if averages is None else averages[k]
        gap = (average - target.index_select(0, forgotten)).to(moved.dtype)
        difference = moved.index_add(0, forgotten, gap, alpha=-1)
        total = total + (weights * _size(difference, norm)).sum()
    return total


def require_flags(is_forget: Tensor, n_examples: int) -> None:
    """Raise `ValueError` unless `is_forget` has one bool an example."""
    if is_forget.dtype != torch.bool or is_forget.shape != (n_examples,):
        raise ValueError(
            f"`is_forget` must be bool of shape ({n_examples},), got {is_forget.dtype} of shape "
            f"{tuple(is_forget.shape)}."
        )


def _require_layers(**lists: Sequence[Tensor] | None) -> None:
    counts = {name: len(layers) for name, layers in lists.items() if layers is not None}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        raise ValueError(f"The same layers, at least one, must be in all lists, got {counts}.")


def _weights(is_forget: Tensor, alpha: float, beta: float, dtype: torch.dtype) -> Tensor:
    """Return each example's share (B,) of the mean over its set, times the set's weight."""
    forgotten = is_forget.to(torch.promote_types(dtype, torch.float32))
    n_forget = forgotten.sum().clamp(min=1)
    n_retain = (1 - forgotten).sum().clamp(min=1)
    return torch.where(is_forget, beta / n_forget, alpha / n_retain)


def _size(difference: Tensor, norm: str) -> Tensor:
    """Return the norm of each example's difference, shape (B,)."""
    total: Tensor = _SumOfSquares.apply(difference)
    if norm == "mse":
        return total / math.prod(difference.shape[1:])
    if norm == "sq":
        return total
    positive = total > 0  # at zero the root's slope is infinite; take the subgradient 0
    return torch.where(positive, torch.where(positive, total, 1.0).sqrt(), 0.0)


class _SumOfSquares(torch.autograd.Function):
    """Sum of squares of each example (B,): one read forward, one write backward.

    `square().sum()` writes three more tensors of the layer's size, which a step notices.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        flat = x.flatten(1).to(torch.promote_types(x.dtype, torch.float32))
        total: Tensor = torch.linalg.vecdot(flat, flat)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        slope: Tensor = (2 * gradient).to(x.dtype).view(-1, *[1] * (x.ndim - 1)) * x
        return slope


def task_loss(
    logits: Tensor,
    batch: Batch,
    *,
    retain_weight: float,
    forget_weight: float,
    average: Tensor | None = None,
    task: Task = CLASSIFICATION,
) -> Tensor:
    """Return the task's loss, with the average retained label in place of forgotten labels.

    `average` (n_classes,) is that label; None means the batch's own.
    """
    is_forget = batch.is_forget
    loss = logits.new_zeros(())
    if bool((~is_forget).any()):
        retained = task.loss(logits[~is_forget], batch.labels[~is_forget])
        loss = loss + retain_weight * retained
        if average is None:
            average = average_label(batch.labels, is_forget, logits.shape[1])
    if average is not None and bool(is_forget.any()):
        forgotten = task.loss(logits[is_forget], average.expand(int(is_forget.sum()), -1))
        loss = loss + forget_weight * forgotten
    return loss
