"""Which classes some examples lie nearest to in feature space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import matrix, whole_numbers


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
    asked = matrix("features", features)
    known = matrix("class_features", class_features)
    of_class = whole_numbers("class_labels", class_labels, len(known))
    if asked.shape[1] != known.shape[1]:
        raise ValueError(
            "`features` and `class_features` must have the same number of features, got "
            f"{asked.shape[1]} and {known.shape[1]}."
        )
    labels = np.unique(of_class)
    centroids = np.stack([known[of_class == label].mean(axis=0) for label in labels])
    cosines = _unit(asked) @ _unit(centroids).T
    counts = np.bincount(cosines.argmax(axis=1), minlength=len(labels))
    order = np.argsort(-counts, kind="stable")
    return {int(labels[i]): float(counts[i] / len(asked)) for i in order if counts[i]}


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each row to length 1, leaving rows of zeros as they are."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
