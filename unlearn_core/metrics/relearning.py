"""Relearning: how much sooner than the retrained model a model knows the forgotten class again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.checks import finite, same_shape
from unlearn_core.metrics.base import (
    BROUGHT_BACK,
    OF_RELEARNING,
    NotApplicableError,
    register_metric,
)

SHOWN = 5  # the k by which models are judged; curves of other k are for the eye
SOURCE = "docs/methods.md"


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Accuracy on the forgotten examples that were not shown, by step from 0.

    Attributes
    ----------
    steps : int64 ndarray of shape (n_points,)
    accuracies : float64 ndarray of shape (n_points,)
    """

    steps: NDArray[np.int64]
    accuracies: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """What relearning showed of a run's model and of the retrained one, by k.

    `retrained` is None where the retrained model was not taught.
    """

    own: Mapping[int, Curve]
    retrained: Mapping[int, Curve] | None

    def judged(self, curves: Mapping[int, Curve]) -> Curve:
        """Return the curve by which models are judged."""
        if SHOWN not in curves:
            raise NotApplicableError(f"fewer than {2 * SHOWN} examples to forget")
        return curves[SHOWN]


def area_between(steps: ArrayLike, accuracies: ArrayLike, reference: ArrayLike) -> float:
    r"""Return the mean gap between two curves over their steps, by trapezoids.

    .. math:: \frac{1}{s_n - s_0} \int_{s_0}^{s_n} \left( a(s) - r(s) \right) ds

    Parameters
    ----------
    steps : array-like of shape (n_points,)
        Ascending, at least two.
    accuracies, reference : array-like of shape (n_points,)
        In [0, 1].

    Returns
    -------
    area : float
        In [-1, 1]; above 0 where the first curve lies above the second.

    Raises
    ------
    ValueError
        If the shapes differ or the steps do not rise.

    Examples
    --------
    >>> area_between([0, 1, 3], [0.0, 1.0, 1.0], [0.0, 0.0, 0.5])
    0.6666666666666666
    """
    at, mine, theirs = (
        finite(name, curve)
        for name, curve in (
            ("steps", steps),
            ("accuracies", accuracies),
            ("reference", reference),
        )
    )
    same_shape(steps=at, accuracies=mine, reference=theirs)
    if len(at) < 2 or (np.diff(at) <= 0).any():
        raise ValueError(f"`steps` must be at least two and rise, got {list(at)}.")
    return float(np.trapezoid(mine - theirs, at) / (at[-1] - at[0]))


@register_metric(
    "relearn_k",
    label="Relearned",
    group=BROUGHT_BACK,
    source=SOURCE,
    tolerance=0.1,
    unit="fraction of forget",
    scope=OF_RELEARNING,
)
def relearn_k(curves: Curves) -> float:
    """Accuracy on the other forgotten examples, once the model was taught 5 of them again.

    Of each class where classes are forgotten.  It is asked after a short training of all weights,
    from a classifier that is set anew in every model.
    """
    return float(curves.judged(curves.own).accuracies[-1])


@register_metric(
    "relearn_gap",
    label="Relearned sooner",
    group=BROUGHT_BACK,
    source=SOURCE,
    bounds=(-1.0, 1.0),
    tolerance=0.1,
    scope=OF_RELEARNING,
)
def relearn_gap(curves: Curves) -> float:
    """Area between the curve of relearning and the retrained model's, over the number of steps.

    Above 0 the model knows the other forgotten examples sooner than one that never saw them: it
    remembers.  5 examples are shown, of each class where classes are forgotten.
    """
    if curves.retrained is None:
        raise NotApplicableError("the retrained model was not taught again")
    own, theirs = curves.judged(curves.own), curves.judged(curves.retrained)
    if not np.array_equal(own.steps, theirs.steps):
        raise NotApplicableError("the retrained model was taught in other steps")
    return area_between(own.steps, own.accuracies, theirs.accuracies)
