"""KLoM: do unlearned models answer each example as many retrained ones do, seed by seed?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.checks import matrix
from unlearn_core.metrics.base import OF_SEEDS, register_metric
from unlearn_core.metrics.over_seeds import GROUP, Ensemble

BINS = 20
FLOOR = 1e-5
LEAST_SEEDS = 16
SHOWN = {"forget": "D_f", "retain": "D_r", "test": "D_t"}
DEFINITION = (
    "KL divergence (nats) of the margins that unlearned models give an example from those that "
    "retrained ones do, over histograms of {bins} bins; mean over {shown}. It takes unlearned and "
    "retrained models of {least} seeds or more. Where it stands for the retrained model, half of "
    "these were compared with the other half: so few differ by chance alone, and a little less "
    "where there are as many as of a method."
)


def klom(unlearned: ArrayLike, retrained: ArrayLike) -> NDArray[np.float64]:
    r"""Return, for each example, how the margins of two kinds of models are distributed apart.

    .. math:: \sum_b p_b \ln \frac{p_b}{\max(q_b, 10^{-5})}

    with p and q the shares of unlearned and retrained models in each of 20 bins between the
    smallest and the largest margin of both.

    Parameters
    ----------
    unlearned, retrained : array-like of shape (n_models, n_examples)
        Margins (`over_seeds.label_margins`); the numbers of models may differ.

    Returns
    -------
    divergences : float64 ndarray of shape (n_examples,)
        In nats; 0 where both are alike, ln 100,000 where no bin is shared.

    Raises
    ------
    ValueError
        If an array is empty or not finite, or the examples are not the same number.

    References
    ----------
    .. [1] K. Georgiev et al., 2024, arXiv:2410.23232.

    Examples
    --------
    >>> klom(np.array([[0, 0, 1, 1, 2]]).T, np.array([[0, 1, 1, 2, 2]]).T).round(6)
    array([0.138629])
    """
    ours = matrix("unlearned", unlearned, "n_models, n_examples")
    theirs = matrix("retrained", retrained, "n_models, n_examples")
    n_examples = ours.shape[1]
    if theirs.shape[1] != n_examples:
        raise ValueError(
            f"`unlearned` and `retrained` must be of the same examples, got {n_examples} and "
            f"{theirs.shape[1]}."
        )
    low = np.minimum(ours.min(axis=0), theirs.min(axis=0))
    high = np.maximum(ours.max(axis=0), theirs.max(axis=0))
    width = np.where(high > low, high - low, 1.0)
    p, q = (_shares((margins - low) / width) for margins in (ours, theirs))
    terms = p * np.log(np.maximum(p, FLOOR) / np.maximum(q, FLOOR))
    return np.asarray(terms.sum(axis=0), dtype=np.float64)


def _shares(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of models in each bin, (BINS, n_examples), of places in [0, 1]."""
    n_models, n_examples = places.shape
    bins = np.minimum((places * BINS).astype(np.int64), BINS - 1)
    cells = bins * n_examples + np.arange(n_examples)
    counts = np.bincount(cells.ravel(), minlength=BINS * n_examples)
    return np.asarray(counts.reshape(BINS, n_examples) / n_models, dtype=np.float64)


def _register(name: str) -> None:
    shown = SHOWN[name]

    @register_metric(
        f"klom_{name}",
        label=f"KLoM({shown})",
        group=GROUP,
        source="arXiv:2410.23232",
        ideal="lower",
        bounds=(0.0, float(np.log(1 / FLOOR))),
        tolerance=0.5,
        definition=DEFINITION.format(bins=BINS, shown=shown, least=LEAST_SEEDS),
        scope=OF_SEEDS,
        least_seeds=LEAST_SEEDS,
    )
    def mean_klom(ensemble: Ensemble) -> float:
        return float(klom(*ensemble.where(name)).mean())


for _name in SHOWN:
    _register(_name)
