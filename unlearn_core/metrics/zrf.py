"""Zero-retrain forgetting: does the model know no more of D_f than a random network?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import probability_matrix, same_shape
from unlearn_core.metrics.base import (
    WEAKER,
    Evidence,
    NotApplicableError,
    register_metric,
    require_finite_outputs,
)
from unlearn_core.metrics.rf_jsd import jensen_shannon

TINY = 1e-30


def zero_retrain_forgetting(
    probabilities: NDArray[np.floating],
    random_probabilities: NDArray[np.floating],
    *,
    variant: str = "nats",
) -> float:
    r"""Return one minus the mean Jensen-Shannon divergence from a random model's predictions.

    .. math:: 1 - \tfrac1n \sum_x \tfrac12 KL(p \| m) + \tfrac12 KL(q \| m), \; m = (p + q) / 2

    Parameters
    ----------
    probabilities, random_probabilities : ndarray of shape (n_examples, n_classes)
        Of the unlearned and of a randomly initialised model.
    variant : {"nats", "official"}
        The true divergence in nats; or KL(m || p) and KL(m || q) averaged over all elements, as
        in the published code, which is not a Jensen-Shannon divergence.

    Returns
    -------
    zrf : float
        1 if both models agree; at least 1 - ln 2 for "nats".

    Raises
    ------
    ValueError
        If the shapes differ, a number is not in [0, 1], or `variant` is unknown.

    References
    ----------
    .. [1] V. Chundawat et al., 2023, arXiv:2205.08096.

    Examples
    --------
    >>> p, q = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]])
    >>> round(1 - zero_retrain_forgetting(p, q), 6)
    0.101749
    """
    p = probability_matrix("probabilities", probabilities)
    q = probability_matrix("random_probabilities", random_probabilities)
    same_shape(probabilities=p, random_probabilities=q)
    if variant == "nats":
        divergence = jensen_shannon(p, q).mean()
    elif variant == "official":  # infinite where a model is certain that it is not a class
        from scipy.special import rel_entr

        middle = (p + q) / 2
        p, q = np.maximum(p, TINY), np.maximum(q, TINY)
        divergence = (rel_entr(middle, p) + rel_entr(middle, q)).mean() / 2
    else:
        raise ValueError(f'`variant` must be "nats" or "official", got {variant!r}.')
    return float(1 - divergence)


@register_metric(
    "zrf",
    label="ZRF",
    group=WEAKER,
    source="arXiv:2205.08096",
    bounds=(float(1 - np.log(2)), 1.0),
    tolerance=0.05,
)
def zrf(evidence: Evidence) -> float:
    """One minus the Jensen-Shannon divergence (nats) from a random model's predictions on D_f."""
    forget = evidence.records_of("forget")
    own = forget.probabilities
    if evidence.random_probabilities is None:
        raise NotApplicableError("no randomly initialised model was recorded")
    require_finite_outputs(forget)
    return zero_retrain_forgetting(own, evidence.random_probabilities)
