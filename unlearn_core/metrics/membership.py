"""Membership inference: does an attacker take the forget set for training data?

The papers' attacks differ in what they look at and how they decide, so each is a metric of its
own and none is called "MIA" alone (methods.md 4.2).
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from unlearn_core.metrics.base import Evidence, NotApplicableError, register_metric
from unlearn_core.seeding import numpy_stream

REPEATS = 5
MOST_PER_SIDE = 4000  # an RBF SVC is quadratic in the number of examples


def entropy(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the entropy (nats) of each row of `probabilities` (n_examples, n_classes).

    Examples
    --------
    >>> entropy(np.array([[0.7, 0.2, 0.1]])).round(6)
    array([0.801819])
    """
    exact = probabilities.astype(np.float64)
    safe = np.where(exact > 0, exact, 1.0)
    return np.asarray(-(exact * np.log(safe)).sum(axis=1), dtype=np.float64)


def modified_entropy(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    r"""Return the modified entropy (nats) of each row: low if confident *and* right.

    .. math:: -(1 - p_y) \ln p_y - \sum_{j \ne y} p_j \ln(1 - p_j)

    Probabilities are kept 1e-30 away from 0 and 1 inside the logarithms.

    Examples
    --------
    >>> modified_entropy(np.array([[0.7, 0.2, 0.1]]), np.array([0])).round(6)
    array([0.162167])
    """
    exact = probabilities.astype(np.float64)
    rows = np.arange(len(exact))
    of_label = exact[rows, labels]
    others = -exact * np.log(np.maximum(1 - exact, 1e-30))
    others[rows, labels] = 0.0
    right = -(1 - of_label) * np.log(np.maximum(of_label, 1e-30))
    return np.asarray(right + others.sum(axis=1), dtype=np.float64)


def membership_rate(
    retain_scores: NDArray[np.floating],
    test_scores: NDArray[np.floating],
    forget_scores: NDArray[np.floating],
    *,
    attack: str = "svc",
    balanced: bool = True,
    seed: int = 0,
) -> float:
    """Return the share of the forget set that an attack calls members of the training set.

    The attack is fitted on one score an example: members are retained training examples,
    non-members test examples.

    Parameters
    ----------
    retain_scores, test_scores, forget_scores : ndarray of shape (n_examples,)
    attack : {"svc", "logistic"}
        SVC with an RBF kernel, C = 3 and gamma = 1; or logistic regression.
    balanced : bool
        Draw as many examples from the larger side as the smaller has, 5 times, and average.
        Unbalanced, a useless score is answered with the larger side (methods.md G-M3).
    seed : int

    Returns
    -------
    rate : float
        In [0, 1].  The target is the retrained model's value, not 0.

    Raises
    ------
    ValueError
        If an array is empty, not one-dimensional or not finite, or `attack` is unknown.
    """
    for name, scores in (
        ("retain_scores", retain_scores),
        ("test_scores", test_scores),
        ("forget_scores", forget_scores),
    ):
        if scores.ndim != 1 or not scores.size:
            raise ValueError(f"`{name}` must have shape (n,) with n > 0, got {scores.shape}.")
        if not np.isfinite(scores).all():
            n_bad = int((~np.isfinite(scores)).sum())
            raise ValueError(f"`{name}` has {n_bad} non-finite values out of {scores.size}.")
    if attack not in ("svc", "logistic"):
        raise ValueError(f'`attack` must be "svc" or "logistic", got {attack!r}.')
    random = numpy_stream(seed, "membership attack")
    rates = []
    for _ in range(REPEATS if balanced else 1):
        members, others = retain_scores, test_scores
        if balanced:
            n = min(len(members), len(others), MOST_PER_SIDE)
            # sorted first, so that the draw does not depend on the order of examples
            members = random.permutation(np.sort(members))[:n]
            others = random.permutation(np.sort(others))[:n]
        rates.append(_attack(members, others, forget_scores, attack))
    return float(np.mean(rates))


def _attack(
    members: NDArray[np.floating],
    others: NDArray[np.floating],
    targets: NDArray[np.floating],
    attack: str,
) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    scores = np.concatenate([members, others]).astype(np.float64)[:, None]
    is_member = np.concatenate([np.ones(len(members)), np.zeros(len(others))])
    model = SVC(C=3, gamma="auto") if attack == "svc" else LogisticRegression(max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)  # separable scores overflow exp
        model.fit(scores, is_member)
    return float(model.predict(targets.astype(np.float64)[:, None]).mean())


def _outputs(evidence: Evidence) -> list[NDArray[np.float64]]:
    """Return the probabilities on D_r, on the matching test set, and on D_f."""
    parts = [evidence.part(name) for name in ("retain", "retain_test", "forget")]
    if not all(np.isfinite(part.logits).all() for part in parts):
        raise NotApplicableError("the model's outputs are not finite")
    return [part.probabilities for part in parts]


@register_metric(
    "mia_rfa",
    label="MIA (RFA)",
    group="Membership",
    source="arXiv:2411.08443, section V",
    tolerance=0.1,
    unit="fraction",
)
def mia_rfa(evidence: Evidence) -> float:
    """Share of D_f that an SVC on the prediction's entropy calls training data.

    Fitted on D_r against test examples of the retained classes, balanced.
    """
    retain, test, forget = (entropy(p) for p in _outputs(evidence))
    return membership_rate(retain, test, forget, attack="svc", seed=evidence.seed)


@register_metric(
    "mia_muda",
    label="MIA (MUDA)",
    group="Membership",
    source="arXiv:2407.17710, section 4.1",
    tolerance=0.1,
    unit="fraction",
)
def mia_muda(evidence: Evidence) -> float:
    """Share of D_f that a logistic regression on the top probability calls training data.

    Fitted on D_r against test examples of the retained classes, balanced.
    """
    retain, test, forget = (p.max(axis=1) for p in _outputs(evidence))
    return membership_rate(retain, test, forget, attack="logistic", seed=evidence.seed)
