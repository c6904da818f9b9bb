"""Accuracy on each set, and the names the papers give to it."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import same_shape, whole_numbers
from unlearn_core.metrics.base import (
    Evidence,
    register_metric,
    require_finite_outputs,
)
from unlearn_core.records import Records

register_accuracy = partial(
    register_metric, group="Accuracy", source="docs/methods.md", tolerance=0.02
)


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
    true = whole_numbers("labels", labels)
    same_shape(predictions=predicted, labels=true)
    return float((predicted == true).mean())


def accuracy_of(records: Records) -> float:
    """Return a model's accuracy on recorded examples.

    Raises
    ------
    NotApplicableError
        If the model's outputs are not finite.
    """
    require_finite_outputs(records)
    return accuracy(records.predictions, records.labels)


@register_accuracy("retain_accuracy", label="Acc(D_r)", unit="fraction of retain")
def retain_accuracy(evidence: Evidence) -> float:
    """Accuracy on the retained training examples (RA)."""
    return accuracy_of(evidence.records_of("retain"))


@register_accuracy("forget_accuracy", label="Acc(D_f)", unit="fraction of forget")
def forget_accuracy(evidence: Evidence) -> float:
    """Accuracy on the examples to forget; for a class the retrained model has 0."""
    return accuracy_of(evidence.records_of("forget"))


@register_accuracy("retain_test_accuracy", label="Acc(D_rt)", unit="fraction of retain_test")
def retain_test_accuracy(evidence: Evidence) -> float:
    """Accuracy on test examples of the retained classes (TA); all of D_t for chosen examples."""
    return accuracy_of(evidence.records_of("retain_test"))


@register_accuracy("forget_test_accuracy", label="Acc(D_ft)", unit="fraction of forget_test")
def forget_test_accuracy(evidence: Evidence) -> float:
    """Accuracy on test examples of the forgotten class or subclass."""
    return accuracy_of(evidence.records_of("forget_test"))


@register_accuracy("test_accuracy", label="Acc(D_t)", unit="fraction of test")
def test_accuracy(evidence: Evidence) -> float:
    """Accuracy on the whole test set, forgotten classes included."""
    return accuracy_of(evidence.records_of("test"))


@register_accuracy("unlearning_accuracy", label="UA", unit="fraction of forget")
def unlearning_accuracy(evidence: Evidence) -> float:
    """One minus the accuracy on the examples to forget."""
    return 1.0 - accuracy_of(evidence.records_of("forget"))
