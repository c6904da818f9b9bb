"""Interclass confusion: does the model still take two classes for each other?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import same_shape, whole_numbers
from unlearn_core.metrics.base import (
    Evidence,
    NotApplicableError,
    register_metric,
    require_finite_outputs,
)


def mutual_confusion(
    predictions: NDArray[np.integer], labels: NDArray[np.integer], first: int, second: int
) -> float:
    """Return the share of two classes' examples that are answered with the other of the two.

    Parameters
    ----------
    predictions, labels : integer ndarray of shape (n_examples,)
    first, second : int
        The classes; examples of others do not count.

    Returns
    -------
    share : float
        In [0, 1].

    Raises
    ------
    ValueError
        If the shapes differ or there is no example of the two.

    Examples
    --------
    >>> mutual_confusion(np.array([1, 0, 1, 2, 0]), np.array([0, 0, 1, 1, 2]), 0, 1)
    0.25
    """
    predicted, true = whole_numbers("predictions", predictions), whole_numbers("labels", labels)
    same_shape(predictions=predicted, labels=true)
    both = np.array([first, second])
    counted = np.isin(true, both)
    if not counted.any():
        raise ValueError(f"There is no example of the classes {first} and {second}.")
    other = both.sum() - true[counted]
    return float((predicted[counted] == other).mean())


@register_metric(
    "mutual_confusion",
    label="Confusion(I, J)",
    group="Confusion",
    source="arXiv:2201.06640",
    unit="fraction of test",
)
def confusion_of_the_swapped(evidence: Evidence) -> float:
    """Share of test images of two classes answered with the other one, after labels were swapped.

    D_f are the training images with swapped labels.  What remains of the confusion above that of
    the retrained model is what was not forgotten, on images that nobody mislabelled.
    """
    if evidence.confused is None:
        raise NotApplicableError("the request is not a confusion of two classes")
    records = evidence.records_of("test")
    require_finite_outputs(records)
    if not np.isin(records.labels, evidence.confused).any():
        raise NotApplicableError("the test set has no image of the two classes")
    return mutual_confusion(records.predictions, records.labels, *evidence.confused)
