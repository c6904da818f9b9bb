"""RF-JSD: does the model speak of D_f as the original speaks of unseen examples of its classes?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.checks import probability_matrix, same_shape
from unlearn_core.metrics.base import (
    WEAKER,
    Evidence,
    NotApplicableError,
    register_metric,
    require_finite_outputs,
)

SOURCE = "LoTUS, CVPR 2025"


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> NDArray[np.float64]:
    r"""Return the Jensen-Shannon divergence (nats) of each row of `p` from that of `q`.

    .. math:: \tfrac12 KL(p \| m) + \tfrac12 KL(q \| m), \quad m = (p + q) / 2

    Parameters
    ----------
    p, q : array-like of shape (n_rows, n_classes)
        Probabilities.

    Returns
    -------
    divergences : float64 ndarray of shape (n_rows,)
        From 0, for equal rows, to ln 2, for rows without a common class.

    Raises
    ------
    ValueError
        If the shapes differ, or a number is not in [0, 1].

    Examples
    --------
    >>> p, q = [[0.9, 0.1], [0.5, 0.5], [1, 0]], [[0.9, 0.1], [0.9, 0.1], [0, 1]]
    >>> jensen_shannon(p, q).round(6)
    array([0.      , 0.101749, 0.693147])
    """
    from scipy.special import rel_entr

    mine, theirs = probability_matrix("p", p), probability_matrix("q", q)
    same_shape(p=mine, q=theirs)
    middle = (mine + theirs) / 2
    both = rel_entr(mine, middle) + rel_entr(theirs, middle)
    return np.asarray(both.sum(axis=1) / 2, dtype=np.float64)


@register_metric(
    "rf_jsd",
    label="RF-JSD",
    group=WEAKER,
    source=SOURCE,
    bounds=(0.0, float(np.log(2))),
)
def rf_jsd(evidence: Evidence) -> float:
    """Jensen-Shannon divergence (nats) of mean predictions on D_f and the original's on test data.

    For each class of D_f, between the mean of the model's probabilities on D_f and the mean of the
    original's on unseen examples of that class; then the mean over classes.  For single examples 0
    is ideal: the model answers as if it had not seen them.  For a class 0 means that it is
    recognised as before.  Weaker evidence, as only averages are compared, and no model that never
    saw D_f is asked.
    """
    sets, own, original = evidence.sets, evidence.records, evidence.original
    forget = evidence.records_of("forget")
    unseen_of = sets.forget_test if sets.forget_test.any() else sets.test
    unseen = original.where(unseen_of)
    shared = np.intersect1d(forget.labels, unseen.labels)
    if not len(shared):
        raise NotApplicableError("no test example has a label of an example to forget")
    require_finite_outputs(own, original)
    mine, theirs = forget.probabilities, unseen.probabilities
    means = [
        (mine[forget.labels == label].mean(axis=0), theirs[unseen.labels == label].mean(axis=0))
        for label in shared
    ]
    return float(jensen_shannon(*zip(*means, strict=True)).mean())
