"""Fits inside metrics, whose value is the same with or without a warning of the solver."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_fit() -> Iterator[None]:
    """Fit without scikit-learn's warning that a solver ended early or found fewer clusters.

    It tells of the features, such as a model that maps every example to one point, which the
    metric itself says; and a run that was asked to be quiet prints nothing.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=ConvergenceWarning)
        yield
