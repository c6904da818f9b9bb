"""What metrics of several seeds are computed from: what all models of a kind answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlearn_core.checks import matrix, whole_numbers
from unlearn_core.metrics.base import NotApplicableError
from unlearn_core.records import Sets

GROUP = "Over seeds"
CLIP = 100.0


def label_margins(logits: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    r"""Return by how much a model prefers each example's label, shape (n_examples,).

    .. math:: z_y - \ln \sum_{j \ne y} e^{z_j} = \ln p_y - \ln (1 - p_y)

    Clipped to +-100.

    Parameters
    ----------
    logits : array-like of shape (n_examples, n_classes)
        At least two classes.
    labels : array-like of shape (n_examples,)

    Raises
    ------
    ValueError
        If a logit is not finite, or a label is not one of the classes.

    Examples
    --------
    >>> label_margins([[2.0, 1.0, 0.0]], [0]).round(6)
    array([0.686738])
    """
    from scipy.special import logsumexp

    exact = matrix("logits", logits, "n_examples, n_classes")
    own = whole_numbers("labels", labels, len(exact), below=exact.shape[1])
    rows = np.arange(len(exact))
    others = exact.copy()
    others[rows, own] = -np.inf
    margins = exact[rows, own] - logsumexp(others, axis=1)
    return np.asarray(margins.clip(-CLIP, CLIP), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What models of one kind answer on the same examples, one row a model.

    Attributes
    ----------
    margins : float64 ndarray of shape (n_models, n_examples)
        See `label_margins`.
    is_right : bool ndarray of shape (n_models, n_examples)
    """

    margins: NDArray[np.float64]
    is_right: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ensemble:
    """Unlearned and retrained models of several seeds, of as many originals: a metric's evidence.

    `sets` are masks over the examples.
    """

    unlearned: Answers
    retrained: Answers
    sets: Sets

    def where(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the margins of both kinds, (n_models, n_examples), on one set."""
        mask = getattr(self.sets, name)
        if not mask.any():
            raise NotApplicableError(f"the set {name} is empty for this request")
        return self.unlearned.margins[:, mask], self.retrained.margins[:, mask]
