"""Spread over seeds: what retrained models differ by, and how near to them counts as matched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_core.metrics.base import METRICS

ENOUGH_SEEDS = 5  # for a t interval; of fewer numbers the range is shown
DEVIATIONS = 3.0
FLOOR_MODELS = 8  # as how many models the measured floor counts
RESOLUTION = 0.1
MOST_EXAMPLES = 10_000

# Standard deviation of retrained models over seeds, as `benchmarks/verdicts.py` prints it: digits
# without class 3, 16 models.  These answer all of D_r and none of D_f right, so that their
# deviations there are no floor for models that fit less: on D_r and D_rt those of clothes without
# class 5 stand here, 6 models, and on D_f and D_ft what is set by hand.  With a trigger: digits
# with a backdoor to class 0, 6 models.
FLOORS = {
    "forget_accuracy": 0.01,
    "forget_test_accuracy": 0.01,
    "retain_accuracy": 0.008,
    "retain_test_accuracy": 0.01,
    "dimensional_alignment": 0.013,
    "cluster_f1": 0.11,
    "cluster_nmi": 0.07,
    "linear_probe_forget": 0.064,
    "prototype_forget": 0.11,
    "mia_rfa": 0.13,
    "relearn_k": 0.13,
    "triggered_accuracy": 0.052,
    "top_wrong_answer": 0.099,
}


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What the retrained models say of one metric.

    Attributes
    ----------
    mean : float
    deviation : float
        Standard deviation by which one more retrained model differs from the mean.
    within : float
        How far from the mean a model still counts as matched.
    n_models : int
    """

    mean: float
    deviation: float
    within: float
    n_models: int

    def deviations(self, value: float) -> float:
        """Return how many deviations a value lies above the mean.

        NaN for one retrained model, which cannot say what retrained models differ by.
        """
        return (value - self.mean) / self.deviation if self.n_models > 1 else math.nan


def reference(
    metric: str, retrained: Sequence[float], n_examples: int | None = None
) -> Reference | None:
    r"""Return what retrained models say of a metric; None where there are none.

    The deviation of :math:`n` models is pooled with the floor :math:`s_0`, which counts as
    :math:`n_0 = 8` models, so that three models that happen to agree do not forbid every other
    value:

    .. math:: s^2 = \frac{n_0 s_0^2 + \sum_i (x_i - \bar x)^2}{n_0 + n - 1}

    One more model differs from the mean by a standard deviation of

    .. math:: \sqrt{s^2 (1 + 1/n) + \tilde p (1 - \tilde p) / \tilde n_e},

    where the second term is the chance in a share of :math:`n_e` examples
    (`sampling_deviation`).  It counts as matched within three of these, though never by more than
    the metric's bounds are apart.
    A metric without a measured floor has half of its tolerance as one; of a perplexity both are
    shares of the retrained models' mean.

    References
    ----------
    .. [1] G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential
       expression", 2004, for pooling a variance with a prior one.
    """
    n = len(retrained)
    if not n:
        return None
    spec = METRICS[metric]
    mean = float(np.mean(retrained))
    floor = FLOORS.get(metric, spec.tolerance / 2) * (abs(mean) if spec.is_relative else 1)
    scatter = float(np.square(np.subtract(retrained, mean)).sum())
    variance = (FLOOR_MODELS * floor**2 + scatter) / (FLOOR_MODELS + n - 1)
    by_chance = sampling_deviation(mean, n_examples) if n_examples else 0.0
    deviation = math.sqrt(variance * (1 + 1 / n) + by_chance**2)
    within = DEVIATIONS * deviation
    low, high = spec.bounds
    if low is not None and high is not None:
        within = min(within, high - low)
    return Reference(mean=mean, deviation=deviation, within=within, n_models=n)


def sampling_deviation(share: float, n_examples: int) -> float:
    r"""Return the standard deviation by chance of a share of `n_examples`.

    .. math:: \sqrt{\tilde p (1 - \tilde p) / \tilde n}, \quad \tilde n = n + 4,
        \tilde p = (p n + 2) / \tilde n

    Two are added to hits and misses (Agresti and Coull 1998), because the plain formula gives 0
    for a share of 0 or 1.

    Examples
    --------
    >>> round(sampling_deviation(1.0, 50), 4), round(sampling_deviation(0.0, 1000), 4)
    (0.0257, 0.0014)
    """
    n = n_examples + 4
    p = (share * n_examples + 2) / n
    return math.sqrt(p * (1 - p) / n)


def chance(share: float, n_examples: int) -> float:
    """Return by how much chance alone may move a share of `n_examples`: three deviations."""
    return DEVIATIONS * sampling_deviation(share, n_examples)


def examples_needed(share: float) -> int:
    """Return of how many examples a share is known to a tenth (`RESOLUTION`), at least.

    Examples
    --------
    >>> examples_needed(0.95), examples_needed(0.5)
    (61, 221)
    """
    n = 1
    while chance(share, n) > RESOLUTION and n < MOST_EXAMPLES:
        n += 1
    return n


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Where numbers over seeds lie. `kind` is "95 % interval", "range" or, of one, ""."""

    low: float
    high: float
    kind: str


def interval(metric: str, values: Sequence[float]) -> Interval:
    r"""Return the 95 % confidence interval of the mean, from five values on; else their range.

    .. math:: \bar x \pm t_{0.975, n-1} \, s / \sqrt n, \quad \text{inside the metric's bounds}

    For fewer values it would be wider than what they can be, and is no evidence: their smallest
    and largest say all there is.  NaN for fewer than two.

    Examples
    --------
    >>> interval("forget_accuracy", [0.0, 0.4, 0.2])
    Interval(low=0.0, high=0.4, kind='range')
    """
    n = len(values)
    if n < 2:
        return Interval(low=math.nan, high=math.nan, kind="")
    if n < ENOUGH_SEEDS:
        return Interval(low=min(values), high=max(values), kind="range")
    mean, half = float(np.mean(values)), half_width(values)
    bounds = METRICS[metric].bounds if metric in METRICS else (None, None)
    low, high = (
        edge if edge is not None else sign * math.inf
        for edge, sign in zip(bounds, (-1, 1), strict=True)
    )
    return Interval(low=max(low, mean - half), high=min(high, mean + half), kind="95 % interval")


def half_width(values: Sequence[float]) -> float:
    r"""Return half the width of the 95 % confidence interval of the mean.

    .. math:: t_{0.975, n-1} \, s / \sqrt n

    NaN for fewer than two values.

    Examples
    --------
    >>> round(half_width([1.0, 2.0, 3.0]), 6)
    2.484138
    """
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return math.nan
    return float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
