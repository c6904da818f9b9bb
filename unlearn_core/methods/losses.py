"""Losses that define the methods: torch tensors in, a scalar tensor out, in nats.

docs/methods.md has their formulas under `badt`, `scrub`, `muda` and `rfa`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import kl_div

from unlearn_core.checks import same_shape, whole_numbers
from unlearn_core.methods.averages import average_label
from unlearn_core.methods.rfa_losses import NORMS, require_flags, residual_alignment_loss

__all__ = [
    "NORMS",
    "REDUCTIONS",
    "alignment_loss",
    "average_label",
    "bad_teacher_loss",
    "residual_alignment_loss",
    "scrub_divergence",
    "self_distillation_loss",
]
REDUCTIONS = ("batchmean", "official")
TINY = 1e-12


def self_distillation_loss(
    logits: Tensor, labels: Tensor, teacher_logits: Tensor | None = None
) -> Tensor:
    r"""Pull the model towards a prediction with the label's entry removed (MUDA, DELETE).

    .. math:: L = \tfrac1n \sum_x KL(\tilde p^{teacher}(x) \| p(x))

    MUDA's teacher is the model itself, and the loss is then the mean of -ln(1 - p_y), with the
    same gradient whether the teacher is held fixed or not.  DELETE's is the original.  Where the
    model still is the original both are equal.

    Parameters
    ----------
    logits : tensor of shape (B, n_classes)
    labels : int64 tensor of shape (B,)
        The class whose entry is removed, for each example.
    teacher_logits : tensor of shape (B, n_classes), optional
        A constant; by default those of the model itself.

    Raises
    ------
    ValueError
        If the shapes do not fit, there are fewer than two classes, or a label is not one of them.
    """
    fits = logits.ndim == 2 and labels.shape == logits.shape[:1] and logits.shape[1] > 1
    if not fits or labels.dtype != torch.int64:
        raise ValueError(
            "`logits` and int64 `labels` must have shapes (B, n_classes) with n_classes > 1 and "
            f"(B,), got {tuple(logits.shape)} and {labels.dtype} {tuple(labels.shape)}."
        )
    teacher_logits = logits if teacher_logits is None else teacher_logits
    _require_logits(logits=logits, teacher_logits=teacher_logits)
    if labels.device.type == "cpu":  # looking at a GPU's labels would wait for it in every step
        whole_numbers("labels", labels.numpy(), below=logits.shape[1])
    is_label = torch.nn.functional.one_hot(labels, logits.shape[1]).bool()
    target = teacher_logits.detach().masked_fill(is_label, -torch.inf).softmax(dim=1)
    return kl_div(logits.log_softmax(dim=1), target, reduction="batchmean")


def alignment_loss(forget_features: Tensor, retain_basis: Tensor) -> Tensor:
    r"""Return minus the dimensional alignment of a batch with a fixed subspace (MUDA).

    .. math:: L_{DA} = -\|G \bar U \bar U^T\|_F / \|G\|_F, \quad G = F_f^T F_f

    Parameters
    ----------
    forget_features : tensor of shape (B, n_features)
    retain_basis : tensor of shape (n_features, rank)
        Orthonormal columns; a constant.

    Raises
    ------
    ValueError
        If the numbers of features differ.
    """
    are_matrices = forget_features.ndim == 2 and retain_basis.ndim == 2
    if not are_matrices or forget_features.shape[1] != len(retain_basis):
        raise ValueError(
            "`forget_features` must have shape (B, n_features) with the n_features of "
            f"`retain_basis` (n_features, rank), got {tuple(forget_features.shape)} and "
            f"{tuple(retain_basis.shape)}."
        )
    gram: Tensor = forget_features.T @ forget_features
    aligned = (gram @ retain_basis).norm()  # the norm is unchanged by the orthonormal U^T
    alignment: Tensor = aligned / (gram.norm() + TINY)
    return -alignment


def scrub_divergence(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    r"""Return how far the student's softened prediction is from the teacher's (SCRUB).

    .. math:: d = \tfrac{T^2}{n} \sum_x KL(p_T^{teacher}(x) \| p_T^{student}(x))

    Parameters
    ----------
    student_logits, teacher_logits : tensor of shape (B, n_classes)
    temperature : float
        T; softens both.

    Raises
    ------
    ValueError
        If the shapes differ or `temperature` is not above 0.
    """
    _require_logits(student_logits=student_logits, teacher_logits=teacher_logits)
    _require_warm(temperature)
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

    Raises
    ------
    ValueError
        If the shapes do not fit, `temperature` is not above 0, or `reduction` is unknown.
    """
    _require_logits(
        student_logits=student_logits,
        competent_logits=competent_logits,
        incompetent_logits=incompetent_logits,
    )
    require_flags(is_forget, len(student_logits))
    _require_warm(temperature)
    if reduction not in REDUCTIONS:
        known = ", ".join(REDUCTIONS)
        raise ValueError(f"`reduction` must be one of {known}, got {reduction!r}.")
    teacher_logits = torch.where(is_forget[:, None], incompetent_logits, competent_logits)
    student = (student_logits / temperature).log_softmax(dim=1)
    teacher = (teacher_logits / temperature).log_softmax(dim=1)
    loss = kl_div(student, teacher, reduction="batchmean", log_target=True)
    return loss / student_logits.shape[1] if reduction == "official" else loss


def _require_logits(**logits: Tensor) -> None:
    same_shape(**logits)
    for name, values in logits.items():
        if values.ndim != 2:
            raise ValueError(f"`{name}` must have shape (B, n_classes), got {tuple(values.shape)}.")


def _require_warm(temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"`temperature` must be above 0, got {temperature}.")
