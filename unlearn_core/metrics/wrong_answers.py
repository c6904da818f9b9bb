"""Where the answers on forgotten examples go: into one class, or into many that look alike?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import same_shape, whole_numbers
from unlearn_core.metrics.base import Evidence, register_metric, require_finite_outputs


def top_wrong_answer(predictions: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Return the share of examples that are given the most frequent of all wrong answers.

    Parameters
    ----------
    predictions, labels : integer ndarray of shape (n_examples,)

    Returns
    -------
    share : float
        In [0, 1], of all examples, also those answered right; 0 where no answer is wrong.

    Raises
    ------
    ValueError
        If the shapes differ or there is no example.

    Examples
    --------
    >>> top_wrong_answer(np.array([5, 5, 8, 3]), np.array([3, 3, 3, 3]))
    0.5
    """
    predicted = whole_numbers("predictions", predictions)
    true = whole_numbers("labels", labels)
    same_shape(predictions=predicted, labels=true)
    _, counts = np.unique(predicted[predicted != true], return_counts=True)
    return float(counts.max(initial=0) / len(true))


@register_metric(
    "top_wrong_answer",
    label="Top wrong answer",
    group="Accuracy",
    source="this project: what an accuracy on D_f leaves open",
    tolerance=0.2,
    unit="fraction of forget",
)
def _top_wrong_answer(evidence: Evidence) -> float:
    """Largest share of the examples to forget that are given one and the same wrong answer.

    A network that never saw a class spreads its examples over those that look alike; one that was
    told what to say sends them to one.
    """
    forget = evidence.records_of("forget")
    require_finite_outputs(forget)
    return top_wrong_answer(forget.predictions, forget.labels)
