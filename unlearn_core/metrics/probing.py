"""Linear probing: what can a fresh linear classifier still read from the features?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import matrix, whole_numbers
from unlearn_core.metrics.base import (
    Evidence,
    NotApplicableError,
    register_metric,
    usable_features,
)
from unlearn_core.metrics.fits import quiet_fit
from unlearn_core.records import Records

SOURCE = "arXiv:2407.17710, section 4.2"
FEW = 1_000_000  # numbers


def linear_probe_accuracy(
    train_features: NDArray[np.floating],
    train_labels: NDArray[np.integer],
    test_features: NDArray[np.floating],
    test_labels: NDArray[np.integer],
    *,
    seed: int = 0,
) -> float:
    """Return the test accuracy of multinomial logistic regression on fixed features.

    Features are standardised with the training examples' statistics; L2 penalty C = 1, L-BFGS,
    at most 1000 iterations.

    Parameters
    ----------
    train_features, test_features : ndarray of shape (n_examples, n_features)
    train_labels, test_labels : integer ndarray of shape (n_examples,)
    seed : int
        Passed on to the solver, which does not draw random numbers today.

    Returns
    -------
    accuracy : float
        In [0, 1].

    Raises
    ------
    ValueError
        If an array is empty or not finite, the shapes do not fit, or the training labels are all
        the same.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    train, test = matrix("train_features", train_features), matrix("test_features", test_features)
    taught = whole_numbers("train_labels", train_labels, len(train))
    true = whole_numbers("test_labels", test_labels, len(test))
    if train.shape[1] != test.shape[1]:
        raise ValueError(
            "`train_features` and `test_features` must have the same number of features, got "
            f"{train.shape[1]} and {test.shape[1]}."
        )
    if len(np.unique(taught)) < 2:
        raise ValueError(f"`train_labels` must hold at least two classes, got only {taught[0]}.")
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed))
    # L-BFGS takes hundreds of tiny steps: on few numbers, threads only wait for each other
    threads = 1 if train.size < FEW else None
    with threadpool_limits(threads, user_api="blas"), quiet_fit():
        probe.fit(train, taught)
    return float((probe.predict(test) == true).mean())


def probe_accuracy(records: Records, train: NDArray[np.bool_], test: NDArray[np.bool_]) -> float:
    """Return the accuracy on the examples `test` of a linear probe fitted on those of `train`."""
    fitted, held_out = records.where(train), records.where(test)
    usable_features(records)
    if len(np.unique(fitted.labels)) < 2:
        raise NotApplicableError("the probe's training set has only one class")
    return linear_probe_accuracy(fitted.features, fitted.labels, held_out.features, held_out.labels)


@register_metric(
    "linear_probe_forget",
    label="LP(D_f)",
    group="Features",
    source=SOURCE,
    tolerance=0.05,
    unit="fraction of forget_test",
)
def linear_probe_forget(evidence: Evidence) -> float:
    """Accuracy on the forgotten class's test examples of a fresh linear classifier.

    It is trained on the features of D_r and D_f with their original labels: high means that
    the features still tell the forgotten class apart.
    """
    evidence.records_of("forget_test")
    sets = evidence.sets
    return probe_accuracy(evidence.records, sets.retain | sets.forget, sets.forget_test)


@register_metric(
    "linear_probe_retain",
    label="LP(D_r)",
    group="Features",
    source=SOURCE,
    tolerance=0.03,
    unit="fraction of retain_test",
)
def linear_probe_retain(evidence: Evidence) -> float:
    """Accuracy on retained test examples of a fresh linear classifier trained on D_r."""
    evidence.records_of("retain_test")
    return probe_accuracy(evidence.records, evidence.sets.retain, evidence.sets.retain_test)


@register_metric(
    "linear_probe_subclass",
    label="LP_s(D_f)",
    group="Features",
    source=SOURCE,
    tolerance=0.05,
    unit="fraction of forget_test",
)
def linear_probe_subclass(evidence: Evidence) -> float:
    """Accuracy on the forgotten subclass's test examples of a probe for all subclasses.

    It is trained on the features of all training examples with their finer labels.
    """
    if evidence.subclass_labels is None:
        raise NotApplicableError("the request is not a subclass")
    evidence.records_of("forget_test")
    fine = replace(evidence.records, labels=evidence.subclass_labels)
    sets = evidence.sets
    return probe_accuracy(fine, sets.retain | sets.forget, sets.forget_test)
