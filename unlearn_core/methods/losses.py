"""Losses that define the methods. Torch tensors in, a scalar tensor out, in nats.

Specification: methods.md sections 2.5, 2.6, 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import kl_div

NORMS = ("mse", "l2", "sq")
REDUCTIONS = ("batchmean", "official")
TINY = 1e-12


def self_distillation_loss(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Pull the model towards its own prediction with the label's entry removed (MUDA).

    .. math:: L_{SD} = \tfrac1n \sum_x KL(\tilde p(x) \| p(x)) = \tfrac1n \sum_x -\ln(1 - p_y)

    Parameters
    ----------
    logits : tensor of shape (B, n_classes)
    labels : int64 tensor of shape (B,)
        The class whose entry is removed, for each example.
    """
    is_label = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    others = logits.masked_fill(is_label, -torch.inf)
    return (logits.logsumexp(dim=1) - others.logsumexp(dim=1)).mean()


def alignment_loss(forget_features: Tensor, retain_basis: Tensor) -> Tensor:
    r"""Return minus the dimensional alignment of a batch with a fixed subspace (MUDA).

    .. math:: L_{DA} = -\|G \bar U \bar U^T\|_F / \|G\|_F, \quad G = F_f^T F_f

    Parameters
    ----------
    forget_features : tensor of shape (B, n_features)
    retain_basis : tensor of shape (n_features, rank)
        Orthonormal columns; a constant.
    """
    gram: Tensor = forget_features.T @ forget_features
    aligned = (gram @ retain_basis).norm()  # the norm is unchanged by the orthonormal U^T
    alignment: Tensor = aligned / (gram.norm() + TINY)
    return -alignment


def residual_alignment_loss(
    residuals: Sequence[Tensor],
    frozen: Sequence[Tensor],
    is_forget: Tensor,
    *,
    norm: str = "mse",
    alpha: float = 1.0,
    beta: float = 1.0,
    teacher: Sequence[Tensor] | None = None,
) -> Tensor:
    r"""Keep retained features, move forgotten ones to the retained average (RFA, eqs. 5-8).

    .. math:: \frac{\alpha}{|b_r|} \sum_{x \in b_r} \sum_k \|\Delta_k(x)\|
        + \frac{\beta}{|b_f|} \sum_{x \in b_f} \sum_k \|\Delta_k(x) - (\tilde x_k - x_k(x))\|

    where the average is over the batch's retained examples.  A part that is absent from the
    batch contributes exactly zero.  The sum over layers is not divided by their number.

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
    """
    if norm not in NORMS:
        raise ValueError(f"`norm` must be one of {', '.join(NORMS)}, got {norm!r}.")
    retained = ~is_forget
    has_retained, has_forget = bool(retained.any()), bool(is_forget.any())
    total = residuals[0].new_zeros(())
    for k, (residual, own) in enumerate(zip(residuals, frozen, strict=True)):
        if teacher is None:
            moved, target = residual, own.detach()
        else:
            target = teacher[k].detach()
            moved = own + residual - target
        if not has_retained:
            continue
        if alpha:
            total = total + alpha * _size(moved[retained], norm).mean()
        if has_forget and beta:
            average = target[retained].mean(dim=0, keepdim=True)
            gap = average - target[is_forget]
            total = total + beta * _size(moved[is_forget] - gap, norm).mean()
    return total


def average_label(labels: Tensor, is_forget: Tensor, n_classes: int) -> Tensor:
    """Return the mean one-hot label (n_classes,) of the batch's retained examples."""
    one_hot = torch.nn.functional.one_hot(labels[~is_forget], n_classes)
    return one_hot.float().mean(dim=0)


def _size(difference: Tensor, norm: str) -> Tensor:
    """Return the norm of each example's difference, shape (B,)."""
    squares = difference.flatten(1).square()
    if norm == "mse":
        return squares.mean(dim=1)
    if norm == "sq":
        return squares.sum(dim=1)
    total = squares.sum(dim=1)
    positive = total > 0  # at zero the root's slope is infinite; take the subgradient 0
    return torch.where(positive, torch.where(positive, total, 1.0).sqrt(), 0.0)


def scrub_divergence(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    r"""Return how far the student's softened prediction is from the teacher's (SCRUB).

    .. math:: d = \tfrac{T^2}{n} \sum_x KL(p_T^{teacher}(x) \| p_T^{student}(x))

    Parameters
    ----------
    student_logits, teacher_logits : tensor of shape (B, n_classes)
    temperature : float
        T; softens both.
    """
    student = (student_logits / temperature).log_softmax(dim=1)
    teacher = (teacher_logits / temperature).log_softmax(dim=1)
    return temperature**2 * kl_div(student, teacher, reduction="batchmean", log_target=True)


def bad_teacher_loss(
    student_logits: Tensor,
    competent_logits: Tensor,
    incompetent_logits: Tensor,
    is_forget: Tensor,
    *,
    temperature: float = 1.0,
    reduction: str = "batchmean",
) -> Tensor:
    r"""Follow the incompetent teacher on forgotten, the competent one on retained examples.

    .. math:: \tfrac1n \sum_x KL(p_T^{teacher(x)}(x) \| p_T^{student}(x))

    Parameters
    ----------
    student_logits, competent_logits, incompetent_logits : tensor of shape (B, n_classes)
    is_forget : bool tensor of shape (B,)
    temperature : float
    reduction : {"batchmean", "official"}
        "official" also divides by the number of classes, as the published code does.
    """
    if reduction not in REDUCTIONS:
        known = ", ".join(REDUCTIONS)
        raise ValueError(f"`reduction` must be one of {known}, got {reduction!r}.")
    teacher_logits = torch.where(is_forget[:, None], incompetent_logits, competent_logits)
    student = (student_logits / temperature).log_softmax(dim=1)
    teacher = (teacher_logits / temperature).log_softmax(dim=1)
    loss = kl_div(student, teacher, reduction="batchmean", log_target=True)
    return loss / student_logits.shape[1] if reduction == "official" else loss
