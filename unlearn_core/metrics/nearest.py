"""Which examples and classes lie nearest in feature space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import matrix, whole_numbers


def class_means(
    features: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the labels that occur, ascending, and the mean feature of each.

    Shapes (n_classes,) and (n_classes, n_features), of features (n_examples, n_features).

    Examples
    --------
    >>> class_means(np.array([[2.0, 0.0], [0.0, 1.0], [4.0, 0.0]]), np.array([7, 9, 7]))
    (array([7, 9]), array([[3., 0.],
           [0., 1.]]))
    """
    names = np.unique(labels)
    means = [features[labels == name].mean(axis=0, dtype=np.float64) for name in names]
    return names.astype(np.int64), np.stack(means)


def nearest_examples(
    features: NDArray[np.floating], query: NDArray[np.floating], n: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows of `features` with the largest cosine with `query`, and the cosines.

    Parameters
    ----------
    features : ndarray of shape (n_examples, n_features)
    query : ndarray of shape (n_features,)
    n : int
        How many; fewer where there are not as many examples.

    Returns
    -------
    rows : int64 ndarray of shape (n,)
        The nearest first; of equals the earlier row.
    cosines : float64 ndarray of shape (n,)
        In [-1, 1]; 0 for a vector of zeros.

    Raises
    ------
    ValueError
        If an array is not finite or the numbers of features differ.

    Examples
    --------
    >>> features, query = np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([1.0, 0.0])
    >>> rows, cosines = nearest_examples(features, query, 1)
    >>> rows.tolist(), cosines.tolist()
    ([1], [1.0])
    """
    exact, wanted = matrix("features", features), matrix("query", np.atleast_2d(query))[0]
    if exact.shape[1] != len(wanted):
        raise ValueError(
            f"`query` must have as many features as `features`, got {len(wanted)} and "
            f"{exact.shape[1]}."
        )
    sizes = np.linalg.norm(exact, axis=1) * np.linalg.norm(wanted)
    cosines = np.divide(exact @ wanted, sizes, out=np.zeros(len(exact)), where=sizes > 0)
    rows = np.argsort(-cosines, kind="stable")[:n]
    return rows.astype(np.int64), cosines[rows].clip(-1.0, 1.0)


def nearest_class_shares(
    features: NDArray[np.floating],
    class_features: NDArray[np.floating],
    class_labels: NDArray[np.integer],
) -> dict[int, float]:
    r"""Return, by class, the share of examples whose nearest class it is.

    Class c is nearest to an example with features f where the cosine between f and the mean
    feature of c is largest:

    .. math:: \arg\max_c \frac{f^T \mu_c}{\|f\| \, \|\mu_c\|}, \quad
       \mu_c = \frac{1}{n_c} \sum_{i: y_i = c} g_i

    A vector of zeros has cosine 0 with everything; a tie goes to the smaller label.

    Parameters
    ----------
    features : ndarray of shape (n_examples, n_features)
        The examples that are asked about.
    class_features : ndarray of shape (n_labelled, n_features)
        Features g of the examples that make up the classes.
    class_labels : integer ndarray of shape (n_labelled,)

    Returns
    -------
    shares : dict of int to float
        In [0, 1], with sum 1; the largest first, classes without any example left out.

    Raises
    ------
    ValueError
        If an array of features is empty or not finite, or the shapes do not fit.

    References
    ----------
    .. [1] MUDA, arXiv:2407.17710, section 3.1, says that examples of a class that a model has not
       seen gravitate towards the classes they share the most similarities with.

    Examples
    --------
    >>> classes = np.array([[2.0, 0.0], [4.0, 0.0], [0.0, 1.0]])
    >>> examples = np.array([[1.0, 0.1], [0.2, 3.0], [5.0, 4.0], [1.0, 0.0]])
    >>> nearest_class_shares(examples, classes, np.array([0, 0, 7]))
    {0: 0.75, 7: 0.25}
    """
    from sklearn.metrics.pairwise import cosine_similarity

    examples = matrix("features", features)
    labelled = matrix("class_features", class_features)
    label_of_each = whole_numbers("class_labels", class_labels, len(labelled))
    if examples.shape[1] != labelled.shape[1]:
        raise ValueError(
            "`features` and `class_features` must have the same number of features, got "
            f"{examples.shape[1]} and {labelled.shape[1]}."
        )
    labels, means = class_means(labelled, label_of_each)
    nearest = cosine_similarity(examples, means).argmax(axis=1)
    counts = np.bincount(nearest, minlength=len(labels))
    order = np.argsort(-counts, kind="stable")
    return {int(labels[i]): float(counts[i] / len(examples)) for i in order if counts[i]}
