"""Membership attacks by one score: what a score is, the best threshold, ROC.

A score is high where a model seems to know an example.  The attacker calls whatever lies above a
threshold training data.  Members are D_r; non-members are test examples of the retained classes, as
in the papers' attacks on the Metrics page, or unseen ones of the forgotten class, which tell a
member from its kind and come first: against other classes D_f is low in every model that no longer
answers it.  What is asked about is D_f.
Source: N. Carlini et al., "Membership Inference Attacks From First Principles", 2022,
arXiv:2112.03570 (the log-odds, and why the end of few false alarms counts).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.metrics.membership import entropy
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import Predictions, RunArtefact

NON_MEMBERS = ("forget_test", "retain_test")  # the usual ones first
TELLING = 0.05  # of members, more than of non-members: less is chance
SMALLEST = 1e-12  # of a probability, an entropy or a loss
COLUMNS = ["label", "method", "set", "example_id", "score"]
Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Score:
    """What an attacker looks at: its name, its axis, and the score of each recorded example."""

    name: str
    axis: str
    meaning: str
    of: Callable[[Predictions], Scores]


def _own_and_others(recorded: Predictions) -> tuple[Scores, Scores]:
    """Return the probability of each true class, and that of all others together.

    Their sum tells how sure a model is where the first is so near to 1 that 1 - p is rounding.
    """
    rows = np.arange(len(recorded.labels))
    others = recorded.probabilities.copy()
    own = others[rows, recorded.labels].clip(SMALLEST)
    others[rows, recorded.labels] = 0.0
    return own, others.sum(axis=1).clip(SMALLEST)


def log_odds(recorded: Predictions) -> Scores:
    """Return ln(p / (1 - p)) of the true class's probability p."""
    own, others = _own_and_others(recorded)
    return np.asarray(np.log(own) - np.log(others))


def low_loss(recorded: Predictions) -> Scores:
    """Return minus the decimal logarithm of the loss (nats); of a text the tokens' mean."""
    if recorded.tokens is not None:
        return np.asarray(-np.log10(recorded.tokens.text_losses.clip(SMALLEST)))
    own, others = _own_and_others(recorded)
    loss = np.where(own > 0.5, -np.log1p(-others.clip(max=0.5)), -np.log(own))
    return np.asarray(-np.log10(loss.clip(SMALLEST)))


def low_entropy(recorded: Predictions) -> Scores:
    """Return minus the decimal logarithm of the prediction's entropy (nats).

    Of a text that of the ten likeliest next tokens, on average.
    """
    if recorded.tokens is not None:
        return np.asarray(-np.log10(recorded.tokens.entropies.clip(SMALLEST)), dtype=np.float64)
    return np.asarray(-np.log10(entropy(recorded.probabilities).clip(SMALLEST)))


SCORES = {
    "confidence": Score(
        name="Confidence in its label",
        axis="log-odds of its label",
        meaning="How sure the model is of the example's label, as log-odds: 0 is a probability of "
        "50 %, 4.6 is 99 %, 9.2 is 99.99 %.",
        of=log_odds,
    ),
    "loss": Score(
        name="Loss",
        axis="-log10 of the loss",
        meaning="How small the loss of the true answer is: 2 is a loss of 0.01 nats, 4 one of "
        "0.0001.",
        of=low_loss,
    ),
    "entropy": Score(
        name="Entropy",
        axis="-log10 of the entropy",
        meaning="How little the model doubts, right or wrong: it needs no label. 2 is an "
        "entropy of 0.01 nats.",
        of=low_entropy,
    ),
}


def usable_scores(runs: Sequence[RunArtefact]) -> list[str]:
    """Return what an attacker can look at in these models: of no class where they answer none."""
    of_tokens = any(run.predictions().tokens is not None for run in runs)
    return [name for name in SCORES if not (of_tokens and name == "confidence")]


def score_rows(
    runs: Sequence[RunArtefact], sets: Sets, score: str, non_members: str
) -> pd.DataFrame:
    """Return one row per run and example of D_f, D_r and the non-members, one of `NON_MEMBERS`.

    Columns: `label`, `method`, `set`, `example_id` and `score`.
    """
    sides = ("forget", "retain", non_members)
    parts = []
    for run in runs:
        recorded = run.predictions()
        part = pd.DataFrame(
            {
                "label": run.label,
                "method": run.config.method,
                "set": sets.names()[recorded.example_ids],
                "example_id": recorded.example_ids,
                "score": SCORES[score].of(recorded),
            }
        )
        parts.append(part[part["set"].isin(sides)])
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def scores_of(rows: pd.DataFrame, label: str, name: str) -> Scores:
    """Return a model's scores on one set."""
    chosen = rows[(rows["label"] == label) & (rows["set"] == name)]
    return chosen["score"].to_numpy()


def sides_in(rows: pd.DataFrame) -> tuple[str, str, str]:
    """Return the names of the sets: who is asked about, the members, the non-members."""
    [non_members] = set(rows["set"].unique()).intersection(NON_MEMBERS)
    return "forget", "retain", non_members


def kinds_of_non_members(sets: Sets) -> list[str]:
    """Return which sets of non-members the request has."""
    return [name for name in NON_MEMBERS if getattr(sets, name).any()]


def threshold_range(rows: pd.DataFrame) -> tuple[float, float]:
    """Return whole numbers between which all scores lie."""
    return float(np.floor(rows["score"].min())), float(np.ceil(rows["score"].max()))


def best_threshold(members: Scores, others: Scores) -> float:
    """Return the score from which on calling examples members errs least, both sides alike.

    The largest of `members` or `others` that maximises the share of members at or above it minus
    that of the others.

    Examples
    --------
    >>> best_threshold(np.array([2.0, 3.0, 5.0]), np.array([0.0, 1.0, 4.0]))
    2.0
    """
    candidates = np.unique(np.concatenate([members, others]))
    gain = _share_from(members, candidates) - _share_from(others, candidates)
    return float(candidates[len(gain) - 1 - int(np.argmax(gain[::-1]))])


def usual_threshold(rows: pd.DataFrame) -> float:
    """Return where members and non-members of the first model are told apart best, in tenths.

    Where that tells less than `TELLING` of them, which is chance and may lie beyond nearly all
    scores, half of the members lie on either side.
    """
    label = str(rows["label"].iloc[0])
    members, others = (scores_of(rows, label, name) for name in sides_in(rows)[1:])
    found = best_threshold(members, others)
    told = float(np.mean(members >= found) - np.mean(others >= found))
    if told < TELLING:
        found = float(np.median(members))
    return float(np.floor(10 * found) / 10)


def _share_from(scores: Scores, thresholds: Scores) -> Scores:
    """Return the share of the scores that are at or above each threshold."""
    return 1.0 - np.searchsorted(np.sort(scores), thresholds, side="left") / len(scores)


def roc(positives: Scores, negatives: Scores) -> tuple[Scores, Scores]:
    """Return false and true positive rates at every threshold, ascending, from (0, 0) to (1, 1).

    Examples
    --------
    >>> [rates.tolist() for rates in roc(np.array([1.0, 3.0]), np.array([0.0, 2.0]))]
    [[0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0]]
    """
    thresholds = np.unique(np.concatenate([positives, negatives]))[::-1]
    rates = [
        np.concatenate([[0.0], _share_from(scores, thresholds)])
        for scores in (negatives, positives)
    ]
    return rates[0], rates[1]


def area(false_rates: Scores, true_rates: Scores) -> float:
    """Return the area under a ROC curve: 0.5 is guessing, 1 tells every pair apart."""
    return float(np.trapezoid(true_rates, false_rates))


def true_rate_at(false_rates: Scores, true_rates: Scores, at: float) -> float:
    """Return the largest true positive rate with at most this rate of false alarms."""
    return float(true_rates[false_rates <= at].max())
