r"""How much of an example has to be memorised: a proxy that takes no network and no training.

Memorisation of an example is how much likelier a model answers it right for having seen it
(Feldman and Zhang 2020): of networks, the retraining of hundreds.  Here the model is kernel ridge
regression on the pixels, or on a text's words, whose answers without an example follow from those
with it:

.. math:: m_i = f(x_i)_{y_i} - f_{-i}(x_i)_{y_i} = \frac{h_{ii}}{1 - h_{ii}} (1 - f(x_i)_{y_i})

with f fitted to all training examples and their labels as ones and zeros, and H = Z (Z'Z +
lambda I)^-1 Z' its hat matrix.  Z are Nystroem features of a Gaussian kernel at up to 1,000
training examples, of the width of their median distance; pictures larger than 32 pixels a side are
averaged down.  What is odd and what is mislabelled comes out high, what has many like it low.

It is a proxy: it ranks by what pixels or words show.  Zhao et al. (2024) rank by proxies too, of
networks.
Source: Feldman and Zhang (2020), arXiv:2008.03703, for the quantity; Zhao et al. (2024),
arXiv:2406.01257, for forget sets of low, medium and high memorisation; both read only as far as
these definitions go.  Kernel, ridge and number of landmarks are ours.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.data.base import Dataset
from unlearn_core.seeding import numpy_stream

LANDMARKS = 1000
RIDGE = 0.1
CHUNK = 4096  # examples
RELATIVE_RANK = 1e-6  # eigenvalues of the kernel below this part of the largest are left out
POOL = 2  # as many candidates as examples are drawn
Matrix = NDArray[np.float64]


def draw(
    dataset: Dataset, n_examples: int, difficulty: str, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the ids of random training examples of one difficulty, shape (n_examples,).

    Drawn are half of as many candidates: those with the lowest memorisation, those around its
    median, or those with the highest.  So draws differ by their seed.

    Parameters
    ----------
    dataset : Dataset
    n_examples : int
        At most a sixth of the training examples, so that no candidate is of two kinds.
    difficulty : {"low", "medium", "high"}
    random : numpy.random.Generator

    Raises
    ------
    InputError
        If there are too few training examples.
    """
    n_train = len(dataset.train_ids)
    most = n_train // (3 * POOL)
    if not 0 < n_examples <= most:
        raise InputError(
            f"Of one difficulty, at most a sixth of the {n_train} training examples can be "
            f"forgotten, {most}; got {n_examples}."
        )
    n_candidates = POOL * n_examples
    start = {"low": 0, "medium": (n_train - n_candidates) // 2, "high": n_train - n_candidates}
    ranked = dataset.train_ids[np.argsort(memorisation(dataset), kind="stable")]
    candidates = ranked[start[difficulty] : start[difficulty] + n_candidates]
    return random.permutation(np.sort(candidates))[:n_examples]


@lru_cache(maxsize=2)  # as many data sets as stay in memory
def memorisation(dataset: Dataset) -> Matrix:
    """Return each training example's memorisation, shape (n_train,), in the order of `train_ids`.

    Kept for the last two data sets.  Mostly in [0, 1]; below 0 where the fit overshoots its label.
    """
    ids = dataset.train_ids
    labels = dataset.labels[ids]
    features = _nystroem(dataset.numbers(ids))
    return leave_one_out(features, np.eye(dataset.n_classes)[labels], RIDGE)


def leave_one_out(features: Matrix, targets: Matrix, ridge: float) -> Matrix:
    """Return by how much each example's own target is fitted better for having been seen.

    Parameters
    ----------
    features : ndarray of shape (n_examples, n_features)
    targets : ndarray of shape (n_examples, n_classes)
        Ones at the labels, else zeros.
    ridge : float
        Above 0.

    Returns
    -------
    gain : ndarray of shape (n_examples,)

    Examples
    --------
    >>> leave_one_out(np.array([[1.0], [1.0]]), np.eye(2), 1.0).round(6)  # 1/3 with it, 0 without
    array([0.333333, 0.333333])
    """
    gram = features.T @ features + ridge * np.eye(features.shape[1])
    solved = np.linalg.solve(gram, features.T)  # (n_features, n_examples)
    leverage = np.einsum("ij,ji->i", features, solved)
    fitted = features @ (solved @ targets)
    own = (fitted * targets).sum(axis=1)
    return np.asarray(leverage * (1 - own) / (1 - leverage))


def _nystroem(pixels: NDArray[np.float32]) -> Matrix:
    """Return features whose products approximate a Gaussian kernel, (n_examples, rank)."""
    order = numpy_stream(0, "landmarks").permutation(len(pixels))
    landmarks = pixels[np.sort(order[:LANDMARKS])]
    between = _squared_distances(landmarks, landmarks)
    positive = between[between > between.max() * RELATIVE_RANK]
    width = float(np.median(positive)) if positive.size else 1.0
    values, vectors = np.linalg.eigh(np.exp(-between / width))
    kept = values > RELATIVE_RANK * values.max()
    project = vectors[:, kept] / np.sqrt(values[kept])
    parts = [
        np.exp(-_squared_distances(pixels[start : start + CHUNK], landmarks) / width) @ project
        for start in range(0, len(pixels), CHUNK)
    ]
    return np.concatenate(parts)


def _squared_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> Matrix:
    left, right = a.astype(np.float64), b.astype(np.float64)
    products = left @ right.T
    squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None] - 2 * products
    return np.asarray(np.maximum(squared, 0.0))
