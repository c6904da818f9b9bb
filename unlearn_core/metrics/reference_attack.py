"""RMIA: membership by how much surer the model is than models that never saw the example."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.checks import finite, same_shape
from unlearn_core.metrics.attacks import label_probabilities
from unlearn_core.metrics.base import (
    Evidence,
    NotApplicableError,
    register_metric,
    require_finite_outputs,
)
from unlearn_core.metrics.fitted_attack import GROUP
from unlearn_core.records import Records
from unlearn_core.seeding import numpy_stream

SOURCE = "arXiv:2312.03262"
FALSE_POSITIVES = 0.01
LEAST = 5  # examples on each side


def likelihood_ratio(
    probabilities: ArrayLike, out_probabilities: ArrayLike, *, slope: float = 0.5
) -> NDArray[np.float64]:
    r"""Return how much likelier the model makes each example than the population does.

    .. math:: r(x) = \frac{p(x)}{\frac{1 + a}{2} \bar p_{out}(x) + \frac{1 - a}{2}}

    The denominator stands for the mean over models with and without x: those that were trained
    on it are taken to be surer by a straight line of slope a (the "offline" attack).

    Parameters
    ----------
    probabilities : array-like of shape (n_examples,)
        What the attacked model gives each example's label.
    out_probabilities : array-like of shape (n_examples,)
        The same, as a mean over models that were not trained on the example.
    slope : float
        a in [0, 1].

    Returns
    -------
    ratios : float64 ndarray of shape (n_examples,)

    Raises
    ------
    ValueError
        If the shapes differ, a probability or the slope is not in [0, 1].

    References
    ----------
    .. [1] S. Zarifzadeh, P. Liu and R. Shokri, 2024, arXiv:2312.03262.

    Examples
    --------
    >>> likelihood_ratio([0.8, 0.9], [0.2, 0.8]).round(6)
    array([2.      , 1.058824])
    """
    mine = _shares("probabilities", probabilities)
    theirs = _shares("out_probabilities", out_probabilities)
    same_shape(probabilities=mine, out_probabilities=theirs)
    if not 0 <= slope <= 1:
        raise ValueError(f"`slope` must be in [0, 1], got {slope}.")
    expected = (1 + slope) / 2 * theirs + (1 - slope) / 2
    # a slope of 1 leaves nothing under an example that no other model believes
    return np.asarray(mine / np.maximum(expected, np.finfo(np.float64).tiny), dtype=np.float64)


def population_score(ratios: ArrayLike, population_ratios: ArrayLike) -> NDArray[np.float64]:
    r"""Return the share of the population that each example's ratio is above.

    .. math:: s(x) = P_z \left( r(x) / r(z) > 1 \right)

    Parameters
    ----------
    ratios : array-like of shape (n_examples,)
    population_ratios : array-like of shape (n_population,)
        Of examples that are neither attacked nor training data.

    Returns
    -------
    scores : float64 ndarray of shape (n_examples,)
        In [0, 1], high for members.

    Examples
    --------
    >>> population_score([2.0, 0.9], [1.058824, 0.8, 0.428571, 1.52])
    array([1. , 0.5])
    """
    mine, others = finite("ratios", ratios), np.sort(finite("population_ratios", population_ratios))
    if not len(others):
        raise ValueError("`population_ratios` must hold an example, got none.")
    return np.asarray(np.searchsorted(others, mine, side="left") / len(others), dtype=np.float64)


def _shares(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = finite(name, value)
    if array.size and (array.min() < 0 or array.max() > 1):
        raise ValueError(f"`{name}` must be in [0, 1], got {array.min():.4g} to {array.max():.4g}.")
    return array


def _scores(evidence: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return who is a member, and the scores, of D_f and of unseen examples of its kind."""
    return evidence.cached("reference attack", lambda: _attacked(evidence))


def _attacked(evidence: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    own, out, sets = evidence.records, evidence.reference(), evidence.sets
    require_finite_outputs(own, out)
    alike = unseen_alike(own, sets.forget, sets.forget_test, sets.test)
    n_unseen = len(alike) // 2
    if min(int(sets.forget.sum()), n_unseen) < LEAST:
        raise NotApplicableError(
            f"fewer than {LEAST} examples to forget, or {2 * LEAST} unseen ones of their classes"
        )
    unseen = np.zeros_like(sets.forget)
    unseen[alike[:n_unseen]] = True
    population = sets.test & ~unseen
    ratios = likelihood_ratio(label_probabilities(own), label_probabilities(out))
    attacked = sets.forget | unseen
    return sets.forget[attacked], population_score(ratios[attacked], ratios[population])


def unseen_alike(
    records: Records,
    forget: NDArray[np.bool_],
    forget_test: NDArray[np.bool_],
    test: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return the rows of unseen examples of D_f's kind, in a drawn order that ids alone decide.

    D_ft where a class or subclass is forgotten, else the test examples with labels of D_f.
    """
    alike = forget_test
    if not alike.any():
        alike = test & np.isin(records.labels, records.labels[forget])
    rows = np.flatnonzero(alike)
    rows = rows[np.argsort(records.example_ids[rows])]
    return np.asarray(numpy_stream(0, "unseen examples").permutation(rows), dtype=np.int64)


@register_metric(
    "rmia_auc", label="RMIA AUC", group=GROUP, source=SOURCE, tolerance=0.1, unit="fraction"
)
def rmia_auc(evidence: Evidence) -> float:
    """Area under the ROC of RMIA, which tells D_f from unseen examples of its kind; 0.5 is chance.

    An example counts as the more of a member, the more of the population has a smaller ratio of
    the model's probability for the label to that of a model that never saw it.  That model is the
    retrained one; of D_ft, or the test examples with labels of D_f, half are attacked, and the
    population is the rest of the test set.  The retrained model is attacked with itself.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_scores(evidence)))


@register_metric(
    "rmia_tpr",
    label="RMIA TPR at 1 % FPR",
    group=GROUP,
    source=SOURCE,
    tolerance=0.1,
    unit="fraction of forget",
)
def rmia_tpr(evidence: Evidence) -> float:
    """Share of D_f that RMIA finds while at most 1 % of the unseen examples are taken for members.

    With fewer than 100 unseen examples this means: with none of them.
    """
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(*_scores(evidence), drop_intermediate=False)
    return float(true[false <= FALSE_POSITIVES].max())
