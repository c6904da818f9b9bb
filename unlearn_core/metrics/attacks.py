"""The papers' membership attacks, with as many members as non-members (docs/methods.md).

They differ in the score that they classify by, the examples they are trained on, the classifier,
and whether a high number means forgotten.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import finite
from unlearn_core.metrics.base import Evidence, NotApplicableError, register_metric
from unlearn_core.metrics.fits import quiet_fit
from unlearn_core.metrics.fitted_attack import (
    GROUP,
    FittedAttack,
    Score,
    attacked_sets,
    register_attack,
)
from unlearn_core.metrics.membership import entropy
from unlearn_core.records import Records
from unlearn_core.seeding import numpy_stream, stream_seed

CLIP = 100.0


def cross_entropies(records: Records) -> NDArray[np.float64]:
    """Return the cross-entropy (nats) of each example, clipped at 100, shape (n_examples,)."""
    return np.asarray(records.losses.clip(max=CLIP), dtype=np.float64)


def entropies(records: Records) -> NDArray[np.float64]:
    """Return how unsure the model is of each example (nats), shape (n_examples,).

    The entropy of its prediction; of a text that of the ten likeliest next tokens, on average.
    """
    if records.tokens is None:
        return entropy(records.probabilities)
    return records.tokens.entropies.astype(np.float64)


def two_sample_accuracy(
    scores_a: NDArray[np.floating],
    scores_b: NDArray[np.floating],
    *,
    n_splits: int,
    seed: int = 0,
) -> float:
    """Return the accuracy of a classifier that tells two groups of examples apart by one score.

    A two-sample test by logistic regression: mean accuracy over stratified random splits (a tenth
    of all examples held out), the larger group reduced to the size of the smaller.

    Parameters
    ----------
    scores_a, scores_b : ndarray of shape (n_examples,)
    n_splits : int
    seed : int

    Returns
    -------
    accuracy : float
        0.5 if the groups look the same, 1 if they are told apart.

    Raises
    ------
    ValueError
        If a group has fewer than 2 examples or a score is not finite.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

    n = min(len(scores_a), len(scores_b))
    if n < 2:
        raise ValueError(
            f"Both groups need at least 2 examples, got {len(scores_a)}, {len(scores_b)}."
        )
    random = numpy_stream(seed, "separability")
    sides = finite("scores_a", scores_a), finite("scores_b", scores_b)
    drawn = [random.permutation(np.sort(scores))[:n] for scores in sides]
    scores = np.concatenate(drawn)[:, None]
    groups = np.repeat([1, 0], n)
    splits = StratifiedShuffleSplit(
        n_splits=n_splits,
        test_size=max(2, round(0.2 * n)),
        random_state=stream_seed(seed, "separability splits") % 2**32,
    )
    with quiet_fit():
        found = cross_val_score(LogisticRegression(), scores, groups, cv=splits)
    return float(found.mean())


def label_probabilities(records: Records) -> NDArray[np.float64]:
    """Return the probability of each example's label, shape (n_examples,)."""
    rows = np.arange(len(records))
    return np.asarray(records.probabilities[rows, records.labels], dtype=np.float64)


ENTROPY = Score("the prediction's entropy", entropies)
TOP = Score("the top probability", lambda records: records.probabilities.max(axis=1))
LABEL = Score("the label's probability", label_probabilities)
LOSS = Score("the loss", cross_entropies)

register_attack(
    "mia_rfa",
    FittedAttack(score=ENTROPY, model="svc"),
    label="MIA (RFA)",
    source="arXiv:2411.08443, section V",
)
register_attack(
    "mia_muda",
    FittedAttack(score=TOP, model="logistic"),
    label="MIA (MUDA)",
    source="arXiv:2407.17710, section 4.1",
)
register_attack(
    "mia_neglora",
    FittedAttack(score=LABEL, model="logistic"),
    label="MIA (NegLoRA)",
    source="NegLoRA, section 4",
)
register_attack(
    "mia_efficacy",
    FittedAttack(score=LABEL, model="logistic", reports_non_members=True),
    label="MIA-Efficacy",
    source="NegLoRA, section 4",
    definition="One minus MIA (NegLoRA): the share of D_f that the attack takes for non-members.",
)
register_attack(
    "mia_usparse",
    FittedAttack(score=LABEL, model="svc", reports_non_members=True),
    label="MIA (USparse)",
    source="arXiv:2304.04934",
)


def _against_non_members(evidence: Evidence, n_splits: int, *, same_classes: bool) -> float:
    is_split = same_classes and evidence.sets.forget_test.any()
    _, other, forget = attacked_sets(evidence, "forget_test" if is_split else "test")
    if same_classes and not is_split:
        other = other.where(np.isin(other.labels, forget.labels))
    if min(len(forget), len(other)) < 10:
        raise NotApplicableError("fewer than 10 examples to forget, or to compare with")
    return two_sample_accuracy(
        cross_entropies(forget), cross_entropies(other), n_splits=n_splits, seed=evidence.seed
    )


@register_metric(
    "mia_scrub",
    label="MIA (SCRUB)",
    group=GROUP,
    source="arXiv:2302.09880",
    tolerance=0.1,
    unit="fraction",
)
def mia_scrub(evidence: Evidence) -> float:
    """Accuracy of telling D_f from test examples of the same classes by loss; 0.5 is ideal.

    For a class or subclass those are D_ft, otherwise the test examples with labels of D_f.
    """
    return _against_non_members(evidence, 5, same_classes=True)


@register_metric(
    "mia_starter",
    label="MIA (starter kit)",
    group=GROUP,
    source="unlearning-challenge starting kit",
    tolerance=0.1,
    unit="fraction",
)
def mia_starter(evidence: Evidence) -> float:
    """Accuracy of telling D_f from the whole test set by loss; 0.5 is ideal."""
    return _against_non_members(evidence, 10, same_classes=False)


register_attack(
    "mia_prunelora",
    FittedAttack(score=LOSS, model="logistic", reports_non_members=True),
    label="MIA (PruneLoRA)",
    source="arXiv:2411.11907",
)
