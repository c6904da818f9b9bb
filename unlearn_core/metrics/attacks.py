"""Membership attacks of the other papers, each a column of its own (methods.md 4.2).

The two of `membership` and these differ in what they look at, whom they are fitted on, how they
decide, and whether a high number means forgotten.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.metrics.base import Evidence, NotApplicableError, register_metric
from unlearn_core.metrics.membership import membership_rate
from unlearn_core.records import Records
from unlearn_core.seeding import numpy_stream, stream_seed

CLIP = 100.0


def cross_entropies(records: Records) -> NDArray[np.float64]:
    """Return the cross-entropy (nats) of each example, clipped at 100, shape (n_examples,)."""
    logits = records.logits.astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    of_label = np.take_along_axis(shifted, records.labels[:, None], axis=1).squeeze(1)
    losses = np.log(np.exp(shifted).sum(axis=1)) - of_label
    return np.asarray(np.clip(losses, -CLIP, CLIP), dtype=np.float64)


def separability(
    scores_a: NDArray[np.floating],
    scores_b: NDArray[np.floating],
    *,
    n_splits: int,
    seed: int = 0,
) -> float:
    """Return how well logistic regression tells two groups apart by one score.

    Mean accuracy over stratified random splits (a tenth held out), the larger group reduced to
    the size of the smaller.

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
    kept = [random.permutation(np.sort(scores))[:n] for scores in (scores_a, scores_b)]
    scores = np.concatenate(kept).astype(np.float64)[:, None]
    if not np.isfinite(scores).all():
        raise ValueError(
            f"Scores must be finite, got {int((~np.isfinite(scores)).sum())} that are not."
        )
    groups = np.repeat([1, 0], n)
    splits = StratifiedShuffleSplit(
        n_splits=n_splits,
        test_size=max(2, round(0.2 * n)),
        random_state=stream_seed(seed, "separability splits") % 2**32,
    )
    return float(cross_val_score(LogisticRegression(), scores, groups, cv=splits).mean())


def _parts(evidence: Evidence) -> tuple[Records, Records, Records]:
    """Return D_r, the matching test set, and D_f."""
    parts = tuple(evidence.part(name) for name in ("retain", "retain_test", "forget"))
    if not all(np.isfinite(part.logits).all() for part in parts):
        raise NotApplicableError("the model's outputs are not finite")
    return parts[0], parts[1], parts[2]


def _label_probabilities(records: Records) -> NDArray[np.float64]:
    rows = np.arange(len(records))
    return np.asarray(records.probabilities[rows, records.labels], dtype=np.float64)


@register_metric(
    "mia_neglora",
    label="MIA (NegLoRA)",
    group="Membership",
    source="NegLoRA, section 4",
    tolerance=0.1,
    unit="fraction",
)
def mia_neglora(evidence: Evidence) -> float:
    """Share of D_f that a logistic regression on the label's probability calls training data.

    Fitted on D_r against test examples of the retained classes, balanced.
    """
    scores = [_label_probabilities(part) for part in _parts(evidence)]
    return evidence.once(
        "mia_neglora",
        lambda: membership_rate(*scores, attack="logistic", seed=evidence.seed),
    )


@register_metric(
    "mia_efficacy",
    label="MIA-Efficacy",
    group="Membership",
    source="NegLoRA, section 4",
    tolerance=0.1,
    unit="fraction",
)
def mia_efficacy(evidence: Evidence) -> float:
    """One minus MIA (NegLoRA): the share of D_f that the attack takes for unseen."""
    return 1.0 - mia_neglora(evidence)


@register_metric(
    "mia_usparse",
    label="MIA (USparse)",
    group="Membership",
    source="arXiv:2304.04934",
    tolerance=0.1,
    unit="fraction",
)
def mia_usparse(evidence: Evidence) -> float:
    """Share of D_f that an SVC on the label's probability takes for unseen: high is forgotten.

    Fitted on D_r against test examples of the retained classes, balanced.
    """
    scores = [_label_probabilities(part) for part in _parts(evidence)]
    return 1.0 - membership_rate(*scores, attack="svc", seed=evidence.seed)


def _against_unseen(evidence: Evidence, n_splits: int, unseen: str) -> float:
    _, _, forget = _parts(evidence)
    other = evidence.part(unseen)
    if min(len(forget), len(other)) < 10:
        raise NotApplicableError("fewer than 10 examples to forget, or to compare with")
    return separability(
        cross_entropies(forget), cross_entropies(other), n_splits=n_splits, seed=evidence.seed
    )


@register_metric(
    "mia_scrub",
    label="MIA (SCRUB)",
    group="Membership",
    source="arXiv:2302.09880",
    tolerance=0.1,
    unit="fraction",
)
def mia_scrub(evidence: Evidence) -> float:
    """Accuracy of telling D_f from test examples of the same classes by loss; 0.5 is ideal."""
    same_classes = "forget_test" if evidence.sets.forget_test.any() else "test"
    return _against_unseen(evidence, 5, same_classes)


@register_metric(
    "mia_starter",
    label="MIA (starter kit)",
    group="Membership",
    source="unlearning-challenge starting kit",
    tolerance=0.1,
    unit="fraction",
)
def mia_starter(evidence: Evidence) -> float:
    """Accuracy of telling D_f from the whole test set by loss; 0.5 is ideal."""
    return _against_unseen(evidence, 10, "test")


@register_metric(
    "mia_sibling",
    label="MIA (PruneLoRA)",
    group="Membership",
    source="arXiv:2411.11907",
    tolerance=0.1,
    unit="fraction",
)
def mia_sibling(evidence: Evidence) -> float:
    """Share of D_f that a logistic regression on the loss takes for unseen: high is forgotten.

    Fitted on D_r against test examples of the retained classes, balanced.
    """
    scores = [cross_entropies(part) for part in _parts(evidence)]
    return 1.0 - membership_rate(*scores, attack="logistic", seed=evidence.seed)
