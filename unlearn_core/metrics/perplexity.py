"""Perplexity of predicted tokens, for language models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import finite


def perplexity(
    negative_log_likelihoods: NDArray[np.floating], *, is_counted: NDArray[np.bool_] | None = None
) -> float:
    """Return exp of the mean negative log-likelihood (nats) over all counted tokens.

    Parameters
    ----------
    negative_log_likelihoods : ndarray
        One value a token, of any shape; sequences are weighted by their length.
    is_counted : bool ndarray of the same shape, optional
        False for padding and for first tokens, which nothing predicts.

    Returns
    -------
    perplexity : float
        At least 1; the size of the vocabulary for uniform predictions.

    Raises
    ------
    ValueError
        If the shapes differ, no token is counted, or a counted value is negative or not finite.

    Examples
    --------
    >>> round(perplexity(-np.log(np.array([0.5, 0.25]))), 6)
    2.828427
    """
    values = np.asarray(negative_log_likelihoods)
    counted = np.ones(values.shape, dtype=bool) if is_counted is None else np.asarray(is_counted)
    if counted.shape != values.shape or not counted.any():
        raise ValueError(
            "`is_counted` must have the shape of `negative_log_likelihoods` and count a token, "
            f"got {counted.shape} with {int(counted.sum())} for {values.shape}."
        )
    nats = finite("negative_log_likelihoods", values[counted.astype(bool)])
    if nats.min() < 0:
        raise ValueError(
            f"`negative_log_likelihoods` must be at least 0 nats, got {nats.min():.4g}."
        )
    return float(np.exp(nats.mean()))
