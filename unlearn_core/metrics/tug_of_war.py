"""Tug of war: how near accuracy on D_f, D_r and D_t is to the retrained model's, in one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unlearn_core.checks import finite, same_shape
from unlearn_core.metrics.base import (
    METRICS,
    Evidence,
    NotApplicableError,
    register_metric,
    require_finite_outputs,
)
from unlearn_core.metrics.fitted_attack import GROUP as MEMBERSHIP
from unlearn_core.records import Records, Sets

SOURCE = "arXiv:2406.01257"
SETS = ("forget", "retain", "test")


def tug_of_war(unlearned: Sequence[float], retrained: Sequence[float]) -> float:
    r"""Return the product of what two models' shares have in common.

    .. math:: \prod_S \left( 1 - | a_u(S) - a_r(S) | \right)

    Parameters
    ----------
    unlearned, retrained : sequence of float
        Shares in [0, 1], one a set, such as the accuracies on D_f, D_r and D_t.

    Returns
    -------
    tow : float
        In [0, 1]; 1 if all shares are the same, 0 if two of them are as far apart as can be.

    Raises
    ------
    ValueError
        If there are not as many of both, none, or one is not in [0, 1].

    References
    ----------
    .. [1] K. Zhao et al., 2024, arXiv:2406.01257.

    Examples
    --------
    >>> round(tug_of_war([0.10, 0.98, 0.90], [0.0, 1.0, 0.92]), 6)
    0.86436
    """
    mine, theirs = finite("unlearned", unlearned), finite("retrained", retrained)
    same_shape(unlearned=mine, retrained=theirs)
    for name, shares in (("unlearned", mine), ("retrained", theirs)):
        if not len(shares) or shares.min() < 0 or shares.max() > 1:
            raise ValueError(f"`{name}` must be shares in [0, 1], got {list(shares)}.")
    return float(np.prod(1 - np.abs(mine - theirs)))


def _accuracies(records: Records, sets: Sets) -> list[float]:
    """Return a model's accuracy on each of `SETS`, without a copy of what else was recorded."""
    require_finite_outputs(records)
    is_right = records.predictions == records.labels
    shares = []
    for name in SETS:
        mask = getattr(sets, name)
        if not mask.any():
            raise NotApplicableError(f"the set {name} is empty for this request")
        shares.append(float(is_right[mask].mean()))
    return shares


@register_metric(
    "tow",
    label="ToW",
    group="Accuracy",
    source=SOURCE,
    ideal="higher",
)
def tow(evidence: Evidence) -> float:
    """Tug of war: product over D_f, D_r and D_t of one minus the accuracy's gap to retrained.

    1 is the retrained model itself.
    """
    both = (evidence.records, evidence.reference())
    return tug_of_war(*(_accuracies(side, evidence.sets) for side in both))


@register_metric(
    "tow_mia",
    label="ToW-MIA",
    group=MEMBERSHIP,
    source=SOURCE,
    ideal="higher",
)
def tow_mia(evidence: Evidence) -> float:
    """Tug of war with MIA-Efficacy in place of the accuracy on D_f; 1 is the retrained model.

    The attack is fitted on each of both models by itself.
    """
    attack = METRICS["mia_efficacy"].compute
    # what is cached for the run's records does not hold for the retrained model's
    other = replace(evidence, records=evidence.reference(), cache={})
    mine, theirs = (
        [attack(side), *_accuracies(side.records, side.sets)[1:]] for side in (evidence, other)
    )
    return tug_of_war(mine, theirs)
