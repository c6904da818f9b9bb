"""Perplexity of predicted tokens, for language models.

It is weighted by token: a long text counts more than a short one.  Padding and the mark at which a
text begins are no predicted tokens.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import finite
from unlearn_core.metrics.base import Evidence, NotApplicableError, register_metric


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


register_perplexity = partial(
    register_metric,
    group="Perplexity",
    source="arXiv:2411.08443, section V",
    bounds=(1.0, None),
    tolerance=0.05,
    is_relative=True,
    knows="lower",
)


def _of(evidence: Evidence, name: str) -> float:
    tokens = evidence.records_of(name).tokens
    if tokens is None:
        raise NotApplicableError("the network answers with a class, not with tokens")
    if not np.isfinite(tokens.losses).all():
        raise NotApplicableError("the model's outputs are not finite")
    return perplexity(tokens.losses)


@register_perplexity("perplexity_retain", label="PPL(D_r)")
def perplexity_retain(evidence: Evidence) -> float:
    """Perplexity of the tokens of retained training texts: among how many the next one is guessed.

    exp of the mean loss a token, in nats; 1 for certainty, the size of the vocabulary for none.
    """
    return _of(evidence, "retain")


@register_perplexity("perplexity_forget", label="PPL(D_f)")
def perplexity_forget(evidence: Evidence) -> float:
    """Perplexity of the tokens of the texts to forget; the retrained model's value is the target.

    Below it the model still knows them; above it it was damaged there.
    """
    return _of(evidence, "forget")


@register_perplexity("perplexity_retain_test", label="PPL(D_rt)")
def perplexity_retain_test(evidence: Evidence) -> float:
    """Perplexity of the tokens of test texts of the retained categories; all of D_t otherwise."""
    return _of(evidence, "retain_test")


@register_perplexity("perplexity_forget_test", label="PPL(D_ft)")
def perplexity_forget_test(evidence: Evidence) -> float:
    """Perplexity of the tokens of test texts of the forgotten category."""
    return _of(evidence, "forget_test")
