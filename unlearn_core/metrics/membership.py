"""Membership inference: does an attacker take the forget set for training data?

The papers' attacks differ in what they look at and how they decide, so each is a metric of its
own and none is called "MIA" alone (docs/methods.md): `attacks` holds them, `attack_variants` what
else the papers print.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import finite, probability_matrix, whole_numbers
from unlearn_core.metrics.fits import quiet_fit
from unlearn_core.seeding import numpy_stream

DRAWS = {"svc": 9, "logistic": 25}
# an RBF SVC is quadratic in the number of examples
MOST_PER_SIDE = {"svc": 1000, "logistic": 4000}
MOST_TOGETHER = 3000  # of an unbalanced SVC
Scores = NDArray[np.floating]


def entropy(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the entropy (nats) of each row of `probabilities` (n_examples, n_classes).

    Raises
    ------
    ValueError
        If `probabilities` is not a finite matrix of numbers in [0, 1].

    Examples
    --------
    >>> entropy(np.array([[0.7, 0.2, 0.1]])).round(6)
    array([0.801819])
    """
    from scipy.special import entr

    exact = probability_matrix("probabilities", probabilities)
    return np.asarray(entr(exact).sum(axis=1), dtype=np.float64)


def modified_entropy(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    r"""Return the modified entropy (nats) of each row: low if confident *and* right.

    .. math:: -(1 - p_y) \ln p_y - \sum_{j \ne y} p_j \ln(1 - p_j)

    Probabilities (n_examples, n_classes) are kept 1e-30 away from 0 and 1 inside the logarithms.

    Raises
    ------
    ValueError
        If a probability is not in [0, 1], or a label is not one of the classes.

    Examples
    --------
    >>> modified_entropy(np.array([[0.7, 0.2, 0.1]]), np.array([0])).round(6)
    array([0.162167])
    """
    exact = probability_matrix("probabilities", probabilities)
    rows = np.arange(len(exact))
    own = whole_numbers("labels", labels, len(exact), below=exact.shape[1])
    of_label = exact[rows, own]
    others = -exact * np.log(np.maximum(1 - exact, 1e-30))
    others[rows, own] = 0.0
    right = -(1 - of_label) * np.log(np.maximum(of_label, 1e-30))
    return np.asarray(right + others.sum(axis=1), dtype=np.float64)


def membership_rate(
    retain_scores: Scores,
    test_scores: Scores,
    forget_scores: Scores,
    *,
    attack: str = "svc",
    balanced: bool = True,
    seed: int = 0,
    class_weight: str | None = None,
    probability: bool = False,
) -> float:
    """Return the share of the forget set that an attack calls members of the training set.

    The attack is fitted on the scores of examples: members are retained training examples,
    non-members test examples.

    Parameters
    ----------
    retain_scores, test_scores, forget_scores : ndarray of shape (n_examples,) or (n_examples, d)
        One score an example, or a row of `d` scores.
    attack : {"svc", "logistic"}
        SVC with an RBF kernel, C = 3 and gamma = 1 / d; or logistic regression.
    balanced : bool
        Draw as many examples from the larger side as the smaller has, 9 times for the SVC and 25
        times for logistic regression, and average; at most 1,000 a side for the SVC, 4,000 for
        logistic regression.  So many, because a draw now and then turns a nearly flat regression
        around, which then calls nearly all of D_f members, or none.
        Unbalanced, a useless score is answered with the larger side (docs/golden.md, M3).  The
        attack is then fitted once, on all examples; the SVC, which is quadratic in them, on at
        most 3,000 of both sides together, drawn so that their ratio stays.
    seed : int
    class_weight : {None, "balanced"}
        "balanced" weighs both sides alike, however many examples they have.
    probability : bool
        Average the predicted probability of being a member instead of the decision; logistic
        regression only.

    Returns
    -------
    rate : float
        In [0, 1].  The target is the retrained model's value, not 0.

    Raises
    ------
    ValueError
        If an array is empty, not of one of the shapes or not finite, if `d` differs between them,
        or if an option is unknown or does not fit the attack.
    """
    rates = membership_rates(
        retain_scores,
        test_scores,
        forget_scores,
        attack=attack,
        balanced=balanced,
        seed=seed,
        class_weight=class_weight,
        probability=probability,
    )
    return float(rates.mean())


def membership_rates(
    retain_scores: Scores,
    test_scores: Scores,
    forget_scores: Scores,
    *,
    attack: str = "svc",
    balanced: bool = True,
    seed: int = 0,
    class_weight: str | None = None,
    probability: bool = False,
) -> NDArray[np.float64]:
    """Return `membership_rate` of each draw, shape (n_draws,); one where nothing is drawn."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    retain, test, forget = _as_rows(
        retain_scores=retain_scores, test_scores=test_scores, forget_scores=forget_scores
    )
    model = _model(attack, class_weight, probability)
    sizes = _sizes(len(retain), len(test), attack, balanced)
    random = numpy_stream(seed, "membership attack")
    rates = []
    with threadpool_limits(1):  # on so few columns threads only wait for each other
        for _ in range(DRAWS[attack] if balanced else 1):
            members, others = draw(retain, sizes[0], random), draw(test, sizes[1], random)
            rates.append(_attack(members, others, forget, model, probability))
    return np.asarray(rates)


def draw(scores: Scores, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return `n` of the scores, as rows (n, d); the draw does not depend on their order."""
    rows = np.asarray(scores, dtype=np.float64).reshape(len(scores), -1)
    return random.permutation(rows[np.lexsort(rows.T[::-1])])[:n]


def _as_rows(**arrays: Scores) -> list[NDArray[np.float64]]:
    """Return scores as rows (n, d), or raise `ValueError` where an array cannot be, by its name."""
    rows = []
    for name, scores in arrays.items():
        array = np.asarray(scores)
        if array.ndim not in (1, 2) or not array.size:
            raise ValueError(
                f"`{name}` must have shape (n,) or (n, d) with n > 0, got {array.shape}."
            )
        rows.append(finite(name, array).reshape(len(array), -1))
    columns = [part.shape[1] for part in rows]
    if len(set(columns)) > 1:
        raise ValueError(f"All scores must have the same number of columns, got {columns}.")
    return rows


def _sizes(n_members: int, n_others: int, attack: str, balanced: bool) -> tuple[int, int]:
    """Return how many members and others the attack is fitted on."""
    if balanced:
        n = min(n_members, n_others, MOST_PER_SIDE[attack])
        return n, n
    share = min(1.0, MOST_TOGETHER / (n_members + n_others)) if attack == "svc" else 1.0
    return max(1, round(share * n_members)), max(1, round(share * n_others))


def _model(attack: str, class_weight: str | None, probability: bool) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    if attack not in ("svc", "logistic"):
        raise ValueError(f'`attack` must be "svc" or "logistic", got {attack!r}.')
    if class_weight not in (None, "balanced"):
        raise ValueError(f'`class_weight` must be None or "balanced", got {class_weight!r}.')
    if probability and attack != "logistic":
        raise ValueError(f'`probability` needs attack="logistic", got {attack!r}.')
    if attack == "svc":
        return SVC(C=3, gamma="auto", class_weight=class_weight)
    return LogisticRegression(max_iter=1000, class_weight=class_weight)


def _attack(
    members: NDArray[np.float64],
    others: NDArray[np.float64],
    targets: NDArray[np.float64],
    model: Any,
    probability: bool,
) -> float:
    is_member = np.concatenate([np.ones(len(members)), np.zeros(len(others))])
    with quiet_fit():
        warnings.simplefilter("ignore", category=RuntimeWarning)  # separable scores overflow exp
        model.fit(np.concatenate([members, others]), is_member)
    memberships = model.predict_proba(targets)[:, 1] if probability else model.predict(targets)
    return float(memberships.mean())
