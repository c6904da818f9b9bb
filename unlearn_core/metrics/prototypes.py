"""Bring a class back without training: a few forgotten examples stand for it in feature space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import matrix, whole_numbers
from unlearn_core.metrics.base import (
    BROUGHT_BACK,
    Evidence,
    NotApplicableError,
    register_metric,
    usable_features,
)
from unlearn_core.metrics.nearest import class_means
from unlearn_core.seeding import numpy_stream

SHOWN = 5  # examples of each forgotten class
DRAWS = 10


def prototype_accuracy(
    retain: tuple[NDArray[np.floating], NDArray[np.integer]],
    forget: tuple[NDArray[np.floating], NDArray[np.integer]],
    unseen: tuple[NDArray[np.floating], NDArray[np.integer]],
    *,
    shown: int = SHOWN,
    draws: int = DRAWS,
) -> float:
    r"""Return how many forgotten examples the nearest class mean recognises, given a few of them.

    Class c is nearest to an example with features f where the cosine of f and its mean is largest,

    .. math:: \arg\max_c \frac{f^T \mu_c}{\|f\| \, \|\mu_c\|},

    with the mean of a retained class over all its examples, of a forgotten one over `shown`
    examples.  Those are left out of the score; a tie goes to a retained class.

    Parameters
    ----------
    retain, forget, unseen : (features, labels)
        Features (n_examples, n_features) and labels (n_examples,) of D_r, D_f and D_ft.  Labels of
        `forget` and `unseen` are the forgotten classes; no retained example has one.
    shown : int
        How many of `forget` stand for each class.
    draws : int
        How often they are drawn; the score is the mean.

    Returns
    -------
    accuracy : float
        In [0, 1], over the rest of `forget` and all of `unseen`.

    Raises
    ------
    ValueError
        If an array is empty or not finite, or a forgotten class has not more than `shown` examples.

    References
    ----------
    .. [1] After the prototypical relearning attack of arXiv:2506.01318.

    Examples
    --------
    >>> retain = np.array([[1.0, 0.0], [0.9, 0.1]]), np.array([0, 0])
    >>> forget = np.array([[0.1, 1.0], [0.0, 2.0]]), np.array([1, 1])
    >>> unseen = np.array([[0.2, 1.0], [3.0, 0.1]]), np.array([1, 1])
    >>> round(prototype_accuracy(retain, forget, unseen, shown=1), 6)
    0.666667
    """
    kept, train, test = (
        (matrix(f"{name} features", features), whole_numbers(f"{name} labels", labels))
        for name, (features, labels) in (("retain", retain), ("forget", forget), ("unseen", unseen))
    )
    classes = np.unique(train[1])
    rows_of = [np.flatnonzero(train[1] == name) for name in classes]
    if min(map(len, rows_of)) <= shown:
        raise ValueError(f"Each forgotten class must have more than {shown} examples in `forget`.")
    asked = _unit(np.concatenate([train[0], test[0]]))
    own = np.searchsorted(classes, np.concatenate([train[1], test[1]]))
    retained = (asked @ _unit(class_means(*kept)[1]).T).max(axis=1)
    random = numpy_stream(0, "shown examples")
    scores = []
    for _ in range(draws):
        drawn = [random.permutation(rows)[:shown] for rows in rows_of]
        means = np.stack([train[0][rows].mean(axis=0) for rows in drawn])
        likeness = asked @ _unit(means).T
        is_right = (likeness.argmax(axis=1) == own) & (likeness.max(axis=1) > retained)
        is_asked = np.ones(len(asked), dtype=bool)
        is_asked[np.concatenate(drawn)] = False
        scores.append(is_right[is_asked].mean())
    return float(np.mean(scores))


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the vectors (n, d) with length 1; those of length 0 stay so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, where=lengths > 0, out=np.zeros_like(vectors)))


@register_metric(
    "prototype_forget",
    label="Prototypes(D_f)",
    group=BROUGHT_BACK,
    source="after arXiv:2506.01318",
    tolerance=0.1,
    unit="fraction of forget",
)
def prototype_forget(evidence: Evidence) -> float:
    """Share of D_f and D_ft that five examples bring back: the nearest class mean is their own.

    The forgotten class's mean feature is that of 5 examples of D_f, which do not count (mean of 10
    draws); of retained classes it is that of D_r.  What only hides the class in the classifier is
    found out.  For classes and subclasses.
    """
    sets, records = evidence.sets, evidence.records
    if not sets.forget_test.any():
        raise NotApplicableError("only a class or a subclass has a mean to come back by")
    features = usable_features(records)
    labels = records.labels if evidence.subclass_labels is None else evidence.subclass_labels
    if np.unique(labels[sets.forget], return_counts=True)[1].min() <= SHOWN:
        raise NotApplicableError(f"a forgotten class has no more than {SHOWN} examples")
    order = np.argsort(records.example_ids, kind="stable")
    parts = {
        name: order[getattr(sets, name)[order]] for name in ("retain", "forget", "forget_test")
    }
    shown = ((features[rows], labels[rows]) for rows in parts.values())
    return prototype_accuracy(*shown)
