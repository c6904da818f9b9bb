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
from unlearn_core.methods.averages import average_feature, average_label, in_memory_order
from unlearn_core.models.lora import Residual, by_position
from unlearn_core.tasks import CLASSIFICATION, Task

NORMS = ("mse", "l2", "sq")


def residual_alignment_loss(  # noqa: PLR0913 - what is measured, and how
    residuals: Sequence[Tensor | Residual],
    frozen: Sequence[Tensor],
    is_forget: Tensor,
    *,
    norm: str = "mse",
    alpha: float = 1.0,
    beta: float = 1.0,
    teacher: Sequence[Tensor] | None = None,
    averages: Sequence[Tensor] | None = None,
    is_real: Tensor | None = None,
) -> Tensor:
    r"""Keep retained features, move forgotten ones to the retained average (RFA, eqs. 5-8).

    .. math:: \frac{\alpha}{|b_r|} \sum_{x \in b_r} \sum_k \|\Delta_k(x)\|
        + \frac{\beta}{|b_f|} \sum_{x \in b_f} \sum_k \|\Delta_k(x) - (\tilde x_k - x_k(x))\|

    where the average is over the batch's retained examples.  A set that is absent from the
    batch contributes exactly zero, and without an average there is no forget term.  The sum over
    layers is not divided by their number.

    Parameters
    ----------
    residuals : sequence of tensors (B, ...) or of `Residual`
        What each adapter added, Delta_k; with its factors the sizes of retained examples are
        taken in as many dimensions as the adapter's rank, not as the layer has channels.
    frozen : sequence of tensors (B, ...)
        What the frozen layer gave in the same pass, x_k; a constant in direct mode.
    is_forget : bool tensor of shape (B,)
    norm : {"mse", "l2", "sq"}
        Mean of squares over an example's elements, their root of the sum, or their sum.
    teacher : sequence of tensors (B, ...), optional
        Outputs of the same layers in a pass of the frozen model on its own: teacher mode.
    averages : sequence of tensors (...), optional
        Each layer's average to move to, without the batch axis, instead of this batch's.
    is_real : bool tensor of shape (B, n_positions), optional
        Which positions of sequences (B, n_positions, n_channels) are no padding.  Only these are
        averaged and measured, and their number is that of an example's elements.

    Raises
    ------
    ValueError
        If `norm` is unknown, there is no layer, the lists are of different layers, or the shapes
        do not fit.
    """
    if norm not in NORMS:
        raise ValueError(f"`norm` must be one of {', '.join(NORMS)}, got {norm!r}.")
    _require_layers(residuals=residuals, frozen=frozen, teacher=teacher, averages=averages)
    require_flags(is_forget, len(frozen[0]))
    total = frozen[0].new_zeros(())
    if averages is None and bool(is_forget.all()):
        return total
    weights = _weights(is_forget, alpha, beta, frozen[0].dtype)
    forgotten = is_forget.nonzero().squeeze(1)
    for k, (residual, own) in enumerate(zip(residuals, frozen, strict=True)):
        target = (own if teacher is None else teacher[k]).detach()
        value = residual.value if isinstance(residual, Residual) else residual
        same_shape(**{f"residuals[{k}]": value, f"frozen[{k}]": own, f"target[{k}]": target})
        average = average_feature(target, is_forget, is_real) if averages is None else averages[k]
        gap = (average - target.index_select(0, forgotten)).to(value.dtype)
        if is_real is not None:  # padding is neither moved nor measured
            gap = gap * is_real[forgotten].unsqueeze(-1)
        if teacher is None and isinstance(residual, Residual):
            down = _without_padding(residual.down, is_real)
            squares = _factored_squares(down, residual.up, gap, is_forget, forgotten)
        else:
            moved = _without_padding(value if teacher is None else own + value - target, is_real)
            squares = _SumOfSquares.apply(moved.index_add(0, forgotten, gap, alpha=-1))
        total = total + (weights * _size(squares, norm, _n_elements(own, is_real))).sum()
    return total


def _without_padding(x: Tensor, is_real: Tensor | None) -> Tensor:
    return x if is_real is None else x * is_real.unsqueeze(-1)


def _n_elements(layer: Tensor, is_real: Tensor | None) -> int | Tensor:
    """Return how many elements an example has in a layer, or each example (B,) without padding."""
    if is_real is None:
        return math.prod(layer.shape[1:])
    return is_real.sum(dim=1) * layer.shape[-1]


def _factored_squares(
    down: Tensor, up: Tensor, gap: Tensor, is_forget: Tensor, forgotten: Tensor
) -> Tensor:
    r"""Return \|\Delta\|^2 of retained examples, \|\Delta - gap\|^2 of forgotten ones, (B,).

    With Delta = Z U^T at an example's positions, \|\Delta\|^2 = <Z^T Z, U^T U>, which never makes
    Delta; what forgotten examples differ by from their gap (n_forgotten, ...) is made, as it has
    no such form.
    """
    grams, form = _at_least_32_bits(down.transpose(1, 2) @ down), _at_least_32_bits(up.T @ up)
    retained = (grams * form).sum(dim=(1, 2))
    difference = down.index_select(0, forgotten) @ up.T.to(down.dtype) - by_position(gap)
    differing = _at_least_32_bits(difference).square().sum(dim=(1, 2))
    return torch.where(is_forget, 0.0, retained).index_add(0, forgotten, differing)


def require_flags(is_forget: Tensor, n_examples: int) -> None:
    """Raise `ValueError` unless `is_forget` has one bool an example."""
    if is_forget.dtype != torch.bool or is_forget.shape != (n_examples,):
        raise ValueError(
            f"`is_forget` must be bool of shape ({n_examples},), got {is_forget.dtype} of shape "
            f"{tuple(is_forget.shape)}."
        )


def _require_layers(**lists: Sequence[object] | None) -> None:
    counts = {name: len(layers) for name, layers in lists.items() if layers is not None}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        raise ValueError(f"The same layers, at least one, must be in all lists, got {counts}.")


def _weights(is_forget: Tensor, alpha: float, beta: float, dtype: torch.dtype) -> Tensor:
    """Return each example's share (B,) of the mean over its set, times the set's weight."""
    forgotten = is_forget.to(torch.promote_types(dtype, torch.float32))
    n_forget = forgotten.sum().clamp(min=1)
    n_retain = (1 - forgotten).sum().clamp(min=1)
    return torch.where(is_forget, beta / n_forget, alpha / n_retain)


def _size(squares: Tensor, norm: str, n_elements: int | Tensor) -> Tensor:
    """Return the norm of each example's difference (B,) from the sum of its squares (B,)."""
    if norm == "mse":
        return squares / n_elements
    if norm == "sq":
        return squares
    positive = squares > 0  # at zero the root's slope is infinite; take the subgradient 0
    return torch.where(positive, torch.where(positive, squares, 1.0).sqrt(), 0.0)


def _at_least_32_bits(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


class _SumOfSquares(torch.autograd.Function):
    """Sum of squares of each example (B,): one read forward, one write backward.

    `square().sum()` writes three more tensors of the layer's size, which a step notices.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        flat = _at_least_32_bits(in_memory_order(x))
        total: Tensor = torch.linalg.vecdot(flat, flat)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        slope: Tensor = (2 * gradient).to(x.dtype).view(-1, *[1] * (x.ndim - 1)) * x
        return slope


def task_loss(
    outputs: Tensor,
    batch: Batch,
    *,
    retain_weight: float,
    forget_weight: float,
    average: Tensor | None = None,
    task: Task = CLASSIFICATION,
) -> Tensor:
    """Return the task's loss, with the average retained answer in place of forgotten ones.

    `average` (n_choices,) is that answer; None means the batch's own.
    """
    answers = task.answers(outputs, batch)
    logits, targets, is_forget = answers.logits, answers.targets, answers.is_forget
    loss = logits.new_zeros(())
    if bool((~is_forget).any()):
        retained = task.loss(logits[~is_forget], targets[~is_forget])
        loss = loss + retain_weight * retained
        if average is None:
            average = average_label(targets, is_forget, logits.shape[1])
    if average is not None and bool(is_forget.any()):
        forgotten = task.loss(logits[is_forget], average.expand(int(is_forget.sum()), -1))
        loss = loss + forget_weight * forgotten
    return loss
