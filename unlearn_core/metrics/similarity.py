"""Similarity of two representations of the same examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import matrix


def linear_cka(features_a: NDArray[np.floating], features_b: NDArray[np.floating]) -> float:
    r"""Return the linear centred kernel alignment of two sets of features.

    .. math:: \frac{\|X_b^T X_a\|_F^2}{\|X_a^T X_a\|_F \, \|X_b^T X_b\|_F}

    with centred columns; computed from the n_examples x n_examples Gram matrices.

    Parameters
    ----------
    features_a, features_b : ndarray of shape (n_examples, n_features)
        The same examples in the same order; the widths may differ.

    Returns
    -------
    similarity : float
        In [0, 1]; 1 for features equal up to rotation, scale and shift.  0 if either side is
        the same for every example.

    Raises
    ------
    ValueError
        If an array is not finite, the numbers of examples differ, or there are fewer than two.

    References
    ----------
    .. [1] S. Kornblith et al., "Similarity of Neural Network Representations Revisited", 2019,
       arXiv:1905.00414.

    Examples
    --------
    >>> features = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> round(linear_cka(features, 3 * features[:, ::-1]), 6)
    1.0
    """
    exact_a, exact_b = matrix("features_a", features_a), matrix("features_b", features_b)
    if len(exact_a) != len(exact_b):
        raise ValueError(
            "`features_a` and `features_b` must hold the same examples, got "
            f"{len(exact_a)} and {len(exact_b)}."
        )
    if len(exact_a) < 2:
        raise ValueError("`features_a` must hold at least two examples to compare, got 1.")
    return gram_alignment(centred_gram(exact_a), centred_gram(exact_b))


def centred_gram(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the products of all pairs of examples after centring, (n_examples, n_examples)."""
    centred = features - features.mean(axis=0)
    return np.asarray(centred @ centred.T)


def gram_alignment(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return `linear_cka` of two sets of features from their centred Gram matrices."""
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return 0.0 if size == 0 else float(np.clip((a * b).sum() / size, 0.0, 1.0))
