"""Spectrum and principal subspace of a set of feature vectors.

For the metric that measures dimensional alignment, and for MUDA, which trains on it.
Everything is uncentred, as in MUDA's eq. 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def spectrum(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the eigenvalues of F^T F for features (n_examples, n_features), descending.

    F^T F is neither centred nor divided by n_examples; eigenvalues below zero by rounding
    are set to zero.  Shape (n_features,).
    """
    return _eigen(features)[0]


def effective_rank_of(eigenvalues: NDArray[np.float64]) -> float:
    """Return exp of the entropy (nats) of the normalised eigenvalues; 0 if all are zero."""
    from scipy.special import entr

    total = eigenvalues.sum()
    return 0.0 if total == 0 else float(np.exp(entr(eigenvalues / total).sum()))


def principal_basis(
    features: NDArray[np.floating], *, rank: int | None = None, rounding: str = "half_up"
) -> NDArray[np.float64]:
    """Return the leading eigenvectors of F^T F as columns, shape (n_features, rank).

    `rank=None` takes the effective rank as a whole number, at least 1: rounded as `ROUNDINGS` says.
    """
    eigenvalues, vectors = _eigen(features)
    if rank is None:
        rank = max(1, ROUNDINGS[rounding](effective_rank_of(eigenvalues)))
    return vectors[:, :rank]


ROUNDINGS: dict[str, Callable[[float], int]] = {
    "half_up": lambda rank: math.floor(rank + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
}


def _eigen(
    features: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    exact = features.astype(np.float64)
    eigenvalues, vectors = np.linalg.eigh(exact.T @ exact)
    return np.maximum(eigenvalues[::-1], 0.0), np.ascontiguousarray(vectors[:, ::-1])
