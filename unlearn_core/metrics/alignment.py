"""Dimensional alignment: does the forget set live in the retain set's feature subspace?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import matrix
from unlearn_core.metrics.base import (
    Evidence,
    NotApplicableError,
    register_metric,
    usable_features,
)
from unlearn_core.subspace import ROUNDINGS, effective_rank_of, principal_basis, spectrum


def effective_rank(features: NDArray[np.floating]) -> float:
    r"""Return the effective rank of the uncentred covariance of `features`.

    .. math:: \exp(-\sum_i p_i \ln p_i), \quad p_i = \sigma_i / \sum_j \sigma_j

    with sigma_i the eigenvalues of F^T F (the squared singular values of F).

    Parameters
    ----------
    features : ndarray of shape (n_examples, n_features)

    Returns
    -------
    rank : float
        Between 1 and min(n_examples, n_features); 0 if every feature is zero.

    Raises
    ------
    ValueError
        If `features` is empty, not a matrix, or not finite.

    References
    ----------
    .. [1] O. Roy and M. Vetterli, "The effective rank", 2007.

    Examples
    --------
    >>> round(effective_rank(np.diag([2.0, 1.0])), 6)
    1.649385
    """
    return effective_rank_of(spectrum(matrix("features", features)))


def dimensional_alignment(
    forget_features: NDArray[np.floating],
    retain_features: NDArray[np.floating],
    *,
    rank: int | None = None,
    rounding: str = "half_up",
    variant: str = "covariance",
) -> float:
    r"""Return how much of the forget set's covariance lies in the retain set's subspace.

    .. math:: DA(D_f | D_r) = \|G_f \bar U_r \bar U_r^T\|_F / \|G_f\|_F, \quad G_f = F_f^T F_f

    where the columns of U are the leading eigenvectors of the retained F_r^T F_r.

    Parameters
    ----------
    forget_features, retain_features : ndarray of shape (n_examples, n_features)
    rank : int, optional
        Number of eigenvectors; None takes the effective rank of the retained features.
    rounding : {"half_up", "floor", "ceil"}
        How the effective rank becomes a whole number (at least 1), which MUDA leaves open.
    variant : {"covariance", "feature"}
        "covariance" is eq. 1; "feature" measures F_f itself in place of G_f, which weighs
        strong directions less.

    Returns
    -------
    alignment : float
        In [0, 1]; 1 if the forget set lies inside the subspace.  The target is the retrained
        model's value, not 1.  0 if every forgotten feature is zero.

    Raises
    ------
    ValueError
        If an array is empty or not finite, the widths differ, `rank` is out of range, or
        `rounding` or `variant` is unknown.

    References
    ----------
    .. [1] MUDA, arXiv:2407.17710, eq. 1.

    Examples
    --------
    >>> features = np.diag([2.0, 1.0])
    >>> round(dimensional_alignment(features, features, rank=1), 6)
    0.970143
    """
    forget = matrix("forget_features", forget_features)
    retain = matrix("retain_features", retain_features)
    n_features = retain.shape[1]
    if forget.shape[1] != n_features:
        raise ValueError(
            "`forget_features` and `retain_features` must have the same number of features, "
            f"got {forget.shape[1]} and {n_features}."
        )
    is_whole = isinstance(rank, int | np.integer)
    if rank is not None and not (is_whole and 1 <= rank <= n_features):
        raise ValueError(f"`rank` must be a whole number from 1 to {n_features}, got {rank}.")
    if rounding not in ROUNDINGS:
        raise ValueError(f"`rounding` must be one of {', '.join(ROUNDINGS)}, got {rounding!r}.")
    if variant not in ("covariance", "feature"):
        raise ValueError(f'`variant` must be "covariance" or "feature", got {variant!r}.')
    basis = principal_basis(retain, rank=rank, rounding=rounding)
    measured = forget.T @ forget if variant == "covariance" else forget
    size = np.linalg.norm(measured)
    if size == 0:
        return 0.0
    return min(1.0, float(np.linalg.norm(measured @ basis) / size))


@register_metric(
    "dimensional_alignment",
    label="DA(D_f|D_r)",
    group="Features",
    source="arXiv:2407.17710, eq. 1",
    tolerance=0.05,
)
def _dimensional_alignment(evidence: Evidence) -> float:
    """Share of the forget set's feature covariance inside the retain set's principal subspace.

    Both on training examples; the subspace has as many dimensions as the retained features'
    effective rank.  In [0, 1]; the retrained model's value is the target.
    """
    forget, retain = (usable_features(evidence.records_of(name)) for name in ("forget", "retain"))
    if not (forget.any() and retain.any()):
        raise NotApplicableError("all features are zero, so there is no subspace")
    return dimensional_alignment(forget, retain)


@register_metric(
    "effective_rank",
    label="Effective rank",
    group="Features",
    source="Roy and Vetterli 2007",
    bounds=(0.0, None),
    tolerance=1.0,
)
def _effective_rank(evidence: Evidence) -> float:
    """Exponential of the entropy of the retained features' normalised eigenvalues."""
    return effective_rank(usable_features(evidence.records_of("retain")))
