"""Similarity of two representations of the same examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.subspace import check_features


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
        If an array is empty or not finite, or the numbers of examples differ.

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
    check_features("features_a", features_a)
    check_features("features_b", features_b)
    if len(features_a) != len(features_b):
        raise ValueError(
            "`features_a` and `features_b` must hold the same examples, got "
            f"{len(features_a)} and {len(features_b)}."
        )
    a, b = _centred_gram(features_a), _centred_gram(features_b)
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return 0.0 if size == 0 else float(np.clip((a * b).sum() / size, 0.0, 1.0))


def _centred_gram(features: NDArray[np.floating]) -> NDArray[np.float64]:
    exact = features.astype(np.float64)
    exact -= exact.mean(axis=0)
    return exact @ exact.T
