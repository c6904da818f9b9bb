"""Membership attacks trained on D_r (members) against test examples: score, classifier, rate.

Each attack is a row of a table (`attacks`, `attack_variants`), from which its definition is
written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from unlearn_core.metrics.base import (
    Evidence,
    register_metric,
    require_finite_outputs,
)
from unlearn_core.metrics.membership import MOST_PER_SIDE, draw, membership_rates
from unlearn_core.records import Records
from unlearn_core.seeding import numpy_stream

GROUP = "Membership"
BALANCED = (
    "Fitted on D_r against test examples of the retained classes, balanced: as many of each, at "
    "most 1,000 (4,000 for logistic regression), drawn 9 times for an SVC and 25 times for a "
    "logistic regression."
)
MODELS = {"svc": "an SVC", "logistic": "a logistic regression"}


@dataclass(frozen=True)
class Score:
    """What a membership attack classifies examples by, in words and as a function of records.

    `of` returns one number an example, shape (n_examples,), or a row, (n_examples, d).
    """

    words: str
    of: Callable[[Records], NDArray[np.float64]] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class FittedAttack:
    """A membership attack: a classifier trained on D_r and test examples, and asked about D_f.

    Attributes
    ----------
    score : Score
    model : {"svc", "logistic"}
    reports_non_members : bool
        Whether the number is the share of D_f called non-members, not that called members.
    non_members : {"retain_test", "test"}
        The set of non-members.
    fitted : str
        Which examples it is trained on, for the definition.
    sides : {"balanced", "equal", "all"}
        Draw as many members as non-members several times, or once; or take all there are.
    at_most : tuple of (int, int), optional
        Take at most so many members and non-members.
    class_weight, probability
        As in `membership.membership_rate`.
    name : str
        Of the metric; set when it is registered.
    """

    score: Score
    model: str
    reports_non_members: bool = False
    non_members: str = "retain_test"
    fitted: str = BALANCED
    sides: str = "balanced"
    at_most: tuple[int, int] | None = None
    class_weight: str | None = None
    probability: bool = False
    name: str = ""

    @property
    def definition(self) -> str:
        """What is reported, and which examples the attack is trained on."""
        who = f"{MODELS[self.model]} on {self.score.words}"
        if self.probability:
            return f"Mean probability of being training data that {who} gives D_f.\n\n{self.fitted}"
        does = (
            "takes for non-members: high is forgotten"
            if self.reports_non_members
            else "calls training data"
        )
        return f"Share of D_f that {who} {does}.\n\n{self.fitted}"

    def __call__(self, evidence: Evidence) -> float:
        """Return the reported share; attacks that differ only in what they report train once."""
        rates = evidence.cached(
            str(replace(self, reports_non_members=False, name="")),
            lambda: self.member_rates(evidence),
        )
        if len(rates) > 1:
            evidence.deviations[self.name] = float(np.std(rates, ddof=1))
        rate = float(np.mean(rates))
        return 1.0 - rate if self.reports_non_members else rate

    def member_rates(self, evidence: Evidence) -> NDArray[np.float64]:
        """Return the share of D_f called training data in each draw, shape (n_draws,)."""
        retain, non_members, forget = (
            self.score.of(records) for records in attacked_sets(evidence, self.non_members)
        )
        n_members, n_others = self._sizes(len(retain), len(non_members))
        random = numpy_stream(evidence.seed, "attacked examples")
        return membership_rates(
            draw(retain, n_members, random),
            draw(non_members, n_others, random),
            forget,
            attack=self.model,
            balanced=self.sides == "balanced",
            seed=evidence.seed,
            class_weight=self.class_weight,
            probability=self.probability,
        )

    def _sizes(self, n_members: int, n_others: int) -> tuple[int, int]:
        """Return how many of the members and of the others the attack is given."""
        if self.sides == "equal":
            n = min(n_members, n_others, MOST_PER_SIDE[self.model])
            return n, n
        most = self.at_most or (n_members, n_others)
        return min(n_members, most[0]), min(n_others, most[1])


def register_attack(
    name: str,
    attack: FittedAttack,
    *,
    label: str,
    source: str,
    group: str = GROUP,
    definition: str = "",
) -> None:
    """Add an attack to `METRICS`; `definition` replaces the one written from it."""
    add = register_metric(
        name,
        label=label,
        group=group,
        source=source,
        tolerance=0.1,
        unit="fraction of forget",
        definition=definition or attack.definition,
    )
    add(replace(attack, name=name))


def attacked_sets(
    evidence: Evidence, non_members: str = "retain_test"
) -> tuple[Records, Records, Records]:
    """Return D_r, the test examples of the set `non_members`, and D_f.

    Raises
    ------
    NotApplicableError
        If one of them is empty, or the model's outputs are not finite.
    """
    retain, others, forget = map(evidence.records_of, ("retain", non_members, "forget"))
    require_finite_outputs(retain, others, forget)
    return retain, others, forget
