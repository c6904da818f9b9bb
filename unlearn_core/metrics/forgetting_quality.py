"""Forgetting quality, as in the challenge of 2023: can unlearned models be told from retrained?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.checks import matrix
from unlearn_core.metrics.base import OF_SEEDS, NotApplicableError, register_metric
from unlearn_core.metrics.over_seeds import GROUP, Ensemble

DELTA = 1e-5
MOST = 50.0
BIN = 0.5
LEAST_SEEDS = 32
AT_ONCE = 512  # examples, which have two thousand pairs of thresholds each for 32 models


def privacy_loss(
    false_positives: NDArray[np.floating], false_negatives: NDArray[np.floating]
) -> NDArray[np.float64]:
    r"""Return how much an attack of these error rates tells, element by element.

    .. math:: \epsilon = \max \left( \ln \frac{1 - \delta - FPR}{FNR},
        \ln \frac{1 - \delta - FNR}{FPR} \right), \quad \delta = 10^{-5}

    Between 0 and 50, which stands for infinite: an attack that never errs.  0 where one rate alone
    is 0, because so few models cannot show how small it is.

    Examples
    --------
    >>> privacy_loss(np.array([0.2, 0.5, 0.0, 0.0]), np.array([0.1, 0.5, 0.3, 0.0])).round(6)
    array([ 2.079429,  0.      ,  0.      , 50.      ])
    """
    positive, negative = (np.asarray(r, np.float64) for r in (false_positives, false_negatives))
    counts = (positive > 0) & (negative > 0)
    ratios = [
        np.divide(1 - DELTA - a, b, where=counts, out=np.ones_like(a))
        for a, b in ((positive, negative), (negative, positive))
    ]
    losses = np.log(np.maximum(np.maximum(*ratios), 1.0))
    return np.asarray(np.where((positive == 0) & (negative == 0), MOST, np.minimum(losses, MOST)))


def distinguishability(unlearned: ArrayLike, retrained: ArrayLike) -> NDArray[np.float64]:
    """Return, for each example, the largest privacy loss of any single or double threshold.

    An attacker sees the margin that a model gives the example, and says "unlearned" inside an
    interval, or outside of it; an interval without a lower or upper end is a single threshold.

    Parameters
    ----------
    unlearned, retrained : array-like of shape (n_models, n_examples)
        Margins (`over_seeds.label_margins`).

    Returns
    -------
    epsilons : float64 ndarray of shape (n_examples,)
        From 0, where nothing tells them apart, to 50.

    Examples
    --------
    >>> distinguishability([[1.0, 1.0], [2.0, 1.0]], [[3.0, 1.0], [4.0, 1.0]])
    array([50.,  0.])
    """
    ours = matrix("unlearned", unlearned, "n_models, n_examples")
    theirs = matrix("retrained", retrained, "n_models, n_examples")
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            "`unlearned` and `retrained` must be of the same examples, got "
            f"{ours.shape[1]} and {theirs.shape[1]}."
        )
    starts = range(0, ours.shape[1], AT_ONCE)
    parts = [_largest(ours[:, i : i + AT_ONCE], theirs[:, i : i + AT_ONCE]) for i in starts]
    return np.concatenate(parts)


def _largest(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    margins = np.concatenate([ours, theirs])
    order = margins.argsort(axis=0, kind="stable")
    is_ours = order < len(ours)
    ends = np.zeros((1, margins.shape[1]))
    below = np.concatenate([ends, is_ours.cumsum(axis=0)]) / len(ours)
    below_of_theirs = np.concatenate([ends, (~is_ours).cumsum(axis=0)]) / len(theirs)
    ranked = np.take_along_axis(margins, order, axis=0)
    # a threshold lies before the first, behind the last, or between two different margins
    can_part = np.ones_like(below, dtype=bool)
    can_part[1:-1] = ranked[1:] > ranked[:-1]
    low, high = np.triu_indices(len(below), k=1)
    inside = below[high] - below[low]
    inside_of_theirs = below_of_theirs[high] - below_of_theirs[low]
    losses = np.maximum(
        privacy_loss(_rate(inside_of_theirs), _rate(1 - inside)),
        privacy_loss(_rate(1 - inside_of_theirs), _rate(inside)),
    )
    losses[~(can_part[low] & can_part[high])] = 0.0
    return np.asarray(losses.max(axis=0), dtype=np.float64)


def _rate(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares of a few models without what subtraction leaves of a zero."""
    return np.where(shares < 1e-9, 0.0, shares)


def quality(
    epsilons: ArrayLike, retain_accuracies: tuple[float, float], accuracies: tuple[float, float]
) -> float:
    r"""Return the challenge's score.

    .. math:: \frac{RA_u}{RA_r} \, \frac{TA_u}{TA_r} \cdot
        \frac1n \sum_x 2^{- \lfloor \epsilon_x / 0.5 \rfloor}

    Parameters
    ----------
    epsilons : array-like of shape (n_examples,)
    retain_accuracies, accuracies : (float, float)
        On D_r and on test examples, of unlearned and of retrained models.

    Returns
    -------
    score : float
        1 for models that nothing tells from retrained ones.

    References
    ----------
    .. [1] E. Triantafillou et al., 2024, arXiv:2406.09073.

    Examples
    --------
    >>> quality([0.1, 0.6, 2.2, 50.0], (0.9, 1.0), (0.8, 0.8))
    0.3515625
    """
    points = 2.0 ** -np.floor(np.asarray(epsilons, np.float64) / BIN)
    utility = retain_accuracies[0] / retain_accuracies[1] * accuracies[0] / accuracies[1]
    return float(points.mean() * utility)


@register_metric(
    "forgetting_quality",
    label="Forgetting quality",
    group=GROUP,
    source="arXiv:2406.09073",
    ideal="higher",
    bounds=(0.0, None),
    tolerance=0.1,
    scope=OF_SEEDS,
    least_seeds=LEAST_SEEDS,
)
def forgetting_quality(ensemble: Ensemble) -> float:
    """How little the margins of D_f tell unlearned models from retrained ones.

    For each example the surest attacker by one or two thresholds; points halve with each 0.5 of
    its epsilon.  The mean is multiplied by the ratios of the accuracies on D_r and D_rt to the
    retrained models'.  It takes models of 32 seeds or more; two groups of 32 that do not differ
    at all reach about 0.1, because the surest attacker finds something by chance.  Where it stands
    for the retrained model, half of these were compared with the other half.
    """
    epsilons = distinguishability(*ensemble.where("forget"))
    return quality(epsilons, _accuracies(ensemble, "retain"), _accuracies(ensemble, "retain_test"))


def _accuracies(ensemble: Ensemble, name: str) -> tuple[float, float]:
    """Return the mean accuracies of unlearned and retrained models on a set."""
    mask = getattr(ensemble.sets, name)
    if not ensemble.retrained.is_right[:, mask].any():
        raise NotApplicableError(f"the retrained models are never right on the set {name}")
    return (
        float(ensemble.unlearned.is_right[:, mask].mean()),
        float(ensemble.retrained.is_right[:, mask].mean()),
    )
