"""Accuracy on each set, and the names the papers give to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import same_shape, whole_numbers
from unlearn_core.metrics.base import Evidence, NotApplicableError, register_metric
from unlearn_core.records import Records

SOURCE = "methods.md 4.1"


def accuracy(predictions: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Return the share of predictions that equal the labels, in [0, 1].

    Parameters
    ----------
    predictions, labels : integer ndarray of shape (n_examples,)

    Raises
    ------
    ValueError
        If the shapes differ or there is no example.

    Examples
    --------
    >>> accuracy(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 4]))
    0.75
    """
    predicted = whole_numbers("predictions", predictions)
    wanted = whole_numbers("labels", labels)
    same_shape(predictions=predicted, labels=wanted)
    return float((predicted == wanted).mean())


def accuracy_of(records: Records) -> float:
    """Return the accuracy on recorded examples, or say that the outputs are not finite."""
    if not np.isfinite(records.logits).all():
        raise NotApplicableError("the model's outputs are not finite")
    return accuracy(records.predictions, records.labels)


@register_metric(
    "retain_accuracy",
    label="Acc(D_r)",
    group="Accuracy",
    source=SOURCE,
    tolerance=0.02,
    unit="fraction of retain",
)
def retain_accuracy(evidence: Evidence) -> float:
    """Accuracy on the retained training examples (RA)."""
    return accuracy_of(evidence.part("retain"))


@register_metric(
    "forget_accuracy",
    label="Acc(D_f)",
    group="Accuracy",
    source=SOURCE,
    tolerance=0.02,
    unit="fraction of forget",
)
def forget_accuracy(evidence: Evidence) -> float:
    """Accuracy on the examples to forget; for a class the retrained model has 0."""
    return accuracy_of(evidence.part("forget"))


@register_metric(
    "retain_test_accuracy",
    label="Acc(D_rt)",
    group="Accuracy",
    source=SOURCE,
    tolerance=0.02,
    unit="fraction of retain_test",
)
def retain_test_accuracy(evidence: Evidence) -> float:
    """Accuracy on test examples of the retained classes (TA); all of D_t for chosen examples."""
    return accuracy_of(evidence.part("retain_test"))


@register_metric(
    "forget_test_accuracy",
    label="Acc(D_ft)",
    group="Accuracy",
    source=SOURCE,
    tolerance=0.02,
    unit="fraction of forget_test",
)
def forget_test_accuracy(evidence: Evidence) -> float:
    """Accuracy on test examples of the forgotten class or subclass."""
    return accuracy_of(evidence.part("forget_test"))


@register_metric(
    "test_accuracy",
    label="Acc(D_t)",
    group="Accuracy",
    source=SOURCE,
    tolerance=0.02,
    unit="fraction of test",
)
def test_accuracy(evidence: Evidence) -> float:
    """Accuracy on the whole test set, forgotten classes included."""
    return accuracy_of(evidence.part("test"))


@register_metric(
    "unlearning_accuracy",
    label="UA",
    group="Accuracy",
    source=SOURCE,
    tolerance=0.02,
    unit="fraction of forget",
)
def unlearning_accuracy(evidence: Evidence) -> float:
    """One minus the accuracy on the examples to forget."""
    return 1.0 - accuracy_of(evidence.part("forget"))
