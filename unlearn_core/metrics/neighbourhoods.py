"""How a model's features changed around each example: its neighbours, and its own place.

Places on a map are drawn; neighbours in feature space are not, and need no common axes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import matrix

ROWS_AT_ONCE = 1024  # whose similarities with all examples are in memory together


def nearest_rows(features: NDArray[np.floating], n: int) -> NDArray[np.int64]:
    """Return each example's nearest other examples by cosine, the nearest first.

    Parameters
    ----------
    features : ndarray of shape (n_examples, n_features)
        A vector of zeros has cosine 0 with everything.
    n : int
        How many neighbours; at most all other examples.

    Returns
    -------
    rows : int64 ndarray of shape (n_examples, min(n, n_examples - 1))
        Of equally near ones the earlier row comes first.

    Raises
    ------
    ValueError
        If the features are not a finite matrix, or `n` is below 1.

    Examples
    --------
    >>> nearest_rows(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]]), 1).tolist()
    [[2], [2], [0]]
    """
    exact = matrix("features", features)
    if n < 1:
        raise ValueError(f"`n` must be at least 1, got {n}.")
    sizes = np.linalg.norm(exact, axis=1, keepdims=True)
    unit = np.divide(exact, sizes, out=np.zeros_like(exact), where=sizes > 0).astype(np.float32)
    n_found = min(n, len(unit) - 1)
    found = np.empty((len(unit), n_found), dtype=np.int64)
    if not n_found:
        return found
    for start in range(0, len(unit), ROWS_AT_ONCE):
        block = unit[start : start + ROWS_AT_ONCE]
        distances = -(block @ unit.T)
        distances[np.arange(len(block)), np.arange(start, start + len(block))] = np.inf
        rows = np.argpartition(distances, n_found - 1, axis=1)[:, :n_found]
        order = np.lexsort((rows, np.take_along_axis(distances, rows, axis=1)))
        found[start : start + len(block)] = np.take_along_axis(rows, order, axis=1)
    return found


def neighbourhood_change(
    before: NDArray[np.integer], after: NDArray[np.integer]
) -> NDArray[np.float64]:
    r"""Return how much of each example's neighbourhood is another: one minus Jaccard's index.

    .. math:: 1 - \frac{|A_i \cap B_i|}{|A_i \cup B_i|}

    Parameters
    ----------
    before, after : integer ndarray of shape (n_examples, n_neighbours)
        Names of the neighbours, each once in a row, in any order.

    Returns
    -------
    change : float64 ndarray of shape (n_examples,)
        0 where all neighbours are the same, 1 where none is.

    Raises
    ------
    ValueError
        If the shapes differ or there is no neighbour.

    Examples
    --------
    >>> neighbourhood_change(np.array([[1, 2, 3]]), np.array([[2, 3, 4]])).tolist()
    [0.5]
    """
    if before.shape != after.shape or before.ndim != 2 or not before.shape[1]:
        raise ValueError(
            "`before` and `after` must be (n_examples, n_neighbours) with at least one neighbour, "
            f"got {before.shape} and {after.shape}."
        )
    shared = np.zeros(len(before), dtype=np.int64)
    for column in after.T:
        shared += (before == column[:, None]).any(axis=1)
    change: NDArray[np.float64] = 1.0 - shared / (2 * before.shape[1] - shared)
    return change


def relative_displacement(
    features: NDArray[np.floating], reference: NDArray[np.floating]
) -> NDArray[np.float64]:
    r"""Return how far each example's features moved, relative to their size before.

    .. math:: \frac{\|f_i - g_i\|}{\|g_i\|}

    It has a meaning where both models share their axes, as a model and what was unlearned from
    it do; a network that was trained from the start has other axes.

    Parameters
    ----------
    features, reference : ndarray of shape (n_examples, n_features)
        f of the model, g of the one before.

    Returns
    -------
    displacement : float64 ndarray of shape (n_examples,)
        0 where nothing moved; NaN where the features before are zeros.

    Raises
    ------
    ValueError
        If the shapes differ or a number is not finite.

    Examples
    --------
    >>> relative_displacement(np.array([[3.0, 4.0]]), np.array([[3.0, 0.0]])).round(6).tolist()
    [1.333333]
    """
    after, before = matrix("features", features), matrix("reference", reference)
    if after.shape != before.shape:
        raise ValueError(
            f"`features` and `reference` must have one shape, got {after.shape} and {before.shape}."
        )
    sizes = np.linalg.norm(before, axis=1)
    moved = np.full(len(before), np.nan)
    np.divide(np.linalg.norm(after - before, axis=1), sizes, out=moved, where=sizes > 0)
    return moved
