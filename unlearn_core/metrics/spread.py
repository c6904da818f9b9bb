"""Spread over seeds: confidence intervals, and how near to retrained counts as matched."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unlearn_core.metrics.base import METRICS

ENOUGH_SEEDS = 3
LEAST_SHARE = 0.2


def half_width(values: Sequence[float]) -> float:
    r"""Return half the width of the 95 % confidence interval of the mean.

    .. math:: t_{0.975, n-1} \, s / \sqrt n

    NaN for fewer than two values.

    Examples
    --------
    >>> round(half_width([1.0, 2.0, 3.0]), 6)
    2.484138
    """
    n = len(values)
    if n < 2:
        return math.nan
    return _t(n) * float(np.std(values, ddof=1)) / math.sqrt(n)


def sampling_noise(share: float, n_examples: int) -> float:
    r"""Return how far two models' shares of `n_examples` differ by chance alone (95 %).

    .. math:: 1.96 \sqrt{2 \tilde p (1 - \tilde p) / \tilde n}, \quad \tilde n = n + 4,
        \tilde p = (p n + 2) / \tilde n

    With 95 % confidence two models that are right equally often differ by less, if they err
    independently; two are added to hits and misses (Agresti and Coull 1998), because the plain
    formula gives 0 for a share of 0 or 1.

    Examples
    --------
    >>> round(sampling_noise(1.0, 50), 4), round(sampling_noise(0.0, 1000), 4)
    (0.0712, 0.0039)
    """
    n = n_examples + 4
    p = (share * n_examples + 2) / n
    return 1.96 * math.sqrt(2 * p * (1 - p) / n)


def matched_within(metric: str, retrained: Sequence[float], n_examples: int | None = None) -> float:
    r"""Return the tolerance of a metric: how far from retrained a value still counts as matched.

    From three retrained models on it is what retraining itself varies by: with 95 % confidence
    two retrained models differ by less than

    .. math:: t_{0.975, n-1} \, s \sqrt 2,

    and it is at least a fifth of the metric's own tolerance, because a spread of zero over few
    seeds does not mean that there is none.  With fewer retrained models it is the metric's
    tolerance.  For a share of `n_examples` it is at least `sampling_noise`, so that one image of
    fifty decides nothing.
    """
    tolerance, n = METRICS[metric].tolerance, len(retrained)
    if n >= ENOUGH_SEEDS:
        spread = _t(n) * float(np.std(retrained, ddof=1)) * math.sqrt(2)
        tolerance = max(spread, LEAST_SHARE * tolerance)
    if n and n_examples:
        return max(tolerance, sampling_noise(float(np.mean(retrained)), n_examples))
    return tolerance


def _t(n: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, n - 1))
