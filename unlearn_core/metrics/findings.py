"""What a verdict rests on: each number of a model beside the original's and the retrained models'.

Every number that decides is compared with the mean of the retrained models.  It is *off* when it
is farther away than retraining itself varies and than chance makes of so few examples
(`spread.reference`).  It *tells* something only where the original's own value is off: what does
not change by retraining cannot show whether something was forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.spread import Reference, reference
from unlearn_core.tasks import CLASSIFICATION, TASKS

FAR_BELOW = 0.15  # the training accuracy that the data set's recipe reaches
BROKEN_DROP, BROKEN_RISE = 0.05, 0.25  # of accuracy, in points; of perplexity, as a share
HALF = 0.5
LITTLE = 0.1  # of the way from retrained to original: what is left of an answer, but no memory
DOUBTFUL = 2.0  # deviations
DECIDING = {  # of all tasks: what a model's task does not give is not among its metrics
    group: tuple(dict.fromkeys(name for task in TASKS for name in task.deciding[group]))
    for group in CLASSIFICATION.deciding
}
BESIDES = "relearn_k"  # what decides nothing, for retrained models differ too much in it
FLATNESS, FIT = "effective_rank", "retain_accuracy"
WRONG = "top_wrong_answer"
Values = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Standard:
    """What a model is judged by.

    Attributes
    ----------
    original : mapping of str to float or None
        The model before unlearning.
    reference : mapping of str to Reference
        What the retrained models say of each metric.
    sizes : mapping of str to int
        How many examples each set has.
    unreliable : set of str
        Metrics by which a retrained model that was left out was told from the others: no verdict
        rests on them.
    reaches : float, optional
        The training accuracy that the data set's recipe reaches.
    """

    original: Values
    reference: Mapping[str, Reference]
    sizes: Mapping[str, int] = field(default_factory=dict)
    unreliable: frozenset[str] = frozenset()
    reaches: float | None = None

    @property
    def is_underfitted(self) -> bool:
        """Whether the original, or the retrained models, fit far less than they could."""
        return bool(self.underfitted_notice)

    @property
    def underfitted_notice(self) -> str:
        """Say in one line who is under-fitted; nothing where nobody is.

        The original beside what the data set's recipe reaches, the retrained models also beside
        the original: they learned less of the same examples.
        """
        fit, there = self.original.get(FIT), self.reference.get(FIT)
        if fit is None:
            return ""
        if self.reaches is not None and fit < self.reaches - FAR_BELOW:
            return (
                f"the original is under-fitted: it answers {fit:.1%} of its training examples "
                f"right, where the data set's recipe reaches {self.reaches:.0%}"
            )
        if there is not None and there.mean < fit - FAR_BELOW:
            return (
                f"retraining is under-fitted: it answers {there.mean:.1%} of its training examples "
                f"right, where the original answers {fit:.1%} of them"
            )
        return ""

    @property
    def costly_notice(self) -> str:
        """Say in one line where retraining itself loses of what was to be kept, else nothing."""
        if self.is_underfitted:
            return ""
        numbers = [
            f"{METRICS[name].label} {short(name, there.mean)} against the original's "
            f"{short(name, before)}"
            for name in DECIDING["utility"]
            if (there := self.reference.get(name)) and (before := self.original.get(name))
            if loss(name, before, there.mean) > most_lost(name)
        ]
        n_forget = self.sizes.get("forget", 0)
        n_all = n_forget + self.sizes.get("retain", 0)
        share = f", without {n_forget:,} of {n_all:,} training examples" if n_forget else ""
        told = f"retraining itself loses of what was to be kept{share}"
        return f"{told}: {', '.join(numbers)}" if numbers else ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One number of a model beside the original's and the retrained models'."""

    metric: str
    value: float
    original: float
    reference: Reference

    @property
    def is_off(self) -> bool:
        """Whether the number is not a retrained model's."""
        return abs(self.value - self.reference.mean) > self.reference.within

    @property
    def tells(self) -> bool:
        """Whether the original and retrained models can be told apart by it."""
        return abs(self.original - self.reference.mean) > self.reference.within

    @property
    def side(self) -> str:
        """Return "matched", "under" (the original's side), "over" (past retrained) or "off"."""
        return side(self.value, self.original, self.reference)

    @property
    def left(self) -> float:
        """How much of the way from retrained (0) to the original (1) is left."""
        mean = self.reference.mean
        return float(np.clip((self.value - mean) / (self.original - mean), 0.0, 1.0))

    @property
    def knows_more(self) -> bool:
        """Whether the number is that of a model which knows more than the retrained ones."""
        is_higher = self.value > self.reference.mean
        return is_higher == (METRICS[self.metric].knows == "higher")

    @property
    def lost(self) -> float:
        """How far the number is behind both the original's and the retrained models'.

        In its unit; of a perplexity the share by which it is larger.
        """
        worse = min if METRICS[self.metric].knows == "higher" else max
        return loss(self.metric, worse(self.original, self.reference.mean), self.value)

    @property
    def differs(self) -> bool:
        """Whether the original lies two deviations from the retrained models, or more."""
        return abs(self.original - self.reference.mean) > DOUBTFUL * self.reference.deviation

    @property
    def is_kept(self) -> bool:
        """Whether the number is still the original's rather than the retrained models'.

        It is off on the original's side; or by two deviations, with most of the way left.
        """
        if self.tells and self.is_off:
            return self.side == "under"
        gap = abs(self.value - self.reference.mean)
        is_doubtful = gap > DOUBTFUL * self.reference.deviation
        return self.differs and is_doubtful and self.left > HALF

    @property
    def is_doubtful(self) -> bool:
        """Whether the number is not off, but two deviations away on the original's side.

        Of what was to be kept: two deviations worse than the retrained models.
        """
        gap, way = self.value - self.reference.mean, self.original - self.reference.mean
        if self.is_off or abs(gap) <= DOUBTFUL * self.reference.deviation:
            return False
        if self.metric in DECIDING["utility"]:
            return not self.knows_more
        return self.differs and gap * way > 0

    @property
    def is_trace(self) -> bool:
        """Whether it is off on the original's side, with at most a tenth of the way left."""
        return self.tells and self.side == "under" and self.left <= LITTLE

    @property
    def words(self) -> str:
        """The number and its target, such as "F1 0.97 against 0.57 ± 0.05"."""
        spec, there = METRICS[self.metric], self.reference
        own, goal = short(self.metric, self.value), short(self.metric, there.mean)
        # to two digits: beyond three of them is off, which a rounded one would belie
        spread = f"{there.deviation:.2g}" if there.deviation < 0.1 else f"{there.deviation:.2f}"
        if spec.unit == "fraction":
            spread = f"{100 * there.deviation:.1f}"
        return f"{spec.label} {own} against {goal} ± {spread}"


def findings(values: Values, standard: Standard) -> dict[str, list[Finding]]:
    """Return by group what decides: all that the three models have, but for unreliable metrics."""
    return {group: _found(names, values, standard) for group, names in DECIDING.items()}


def doubts(values: Values, standard: Standard) -> list[Finding]:
    """Return what speaks against a model though it is not off: by two deviations, not by three.

    Of what was to be kept, features and attacks that decide, and of relearning, which does not.
    """
    names = (*DECIDING["utility"], *DECIDING["features"], *DECIDING["attacks"], BESIDES)
    return [each for each in _found(names, values, standard) if each.is_doubtful]


def flattened(values: Values, standard: Standard) -> str:
    """Say that features of what was kept lie in few directions; nothing where they do not.

    Few are less than half of what the original's and the retrained models' need.
    """
    own, start = values.get(FLATNESS), standard.original.get(FLATNESS)
    there = standard.reference.get(FLATNESS)
    if own is None or start is None or there is None or own >= HALF * min(start, there.mean):
        return ""
    label, goal = METRICS[FLATNESS].label, short(FLATNESS, there.mean)
    return f"its features are flattened, {label} {short(FLATNESS, own)} against {goal}"


def elsewhere(values: Values, standard: Standard) -> str:
    """Say that wrong answers on D_f gather in one class, or scatter, as retrained ones do not."""
    own, there = values.get(WRONG), standard.reference.get(WRONG)
    if own is None or there is None or abs(own - there.mean) <= there.within:
        return ""
    told = "gather in one class" if own > there.mean else "scatter over many classes"
    label, goal = METRICS[WRONG].label, short(WRONG, there.mean)
    return f"its answers on D_f {told}, {label} {short(WRONG, own)} against {goal}"


def _found(names: Sequence[str], values: Values, standard: Standard) -> list[Finding]:
    return [
        Finding(metric=name, value=value, original=start, reference=standard.reference[name])
        for name in names
        if name in standard.reference and name not in standard.unreliable
        if (value := values.get(name)) is not None
        if (start := standard.original.get(name)) is not None
    ]


def loss(metric: str, before: float, after: float) -> float:
    """Return how much worse a number of utility became: in its unit, or of a perplexity as a share.

    >>> loss("retain_accuracy", 0.75, 0.5), loss("perplexity_retain", 80.0, 100.0)
    (0.25, 0.25)
    """
    return before - after if METRICS[metric].knows == "higher" else after / before - 1


def most_lost(metric: str) -> float:
    """Return how much a number of utility may lose."""
    return BROKEN_RISE if METRICS[metric].is_relative else BROKEN_DROP


def short(metric: str, value: float) -> str:
    """Return a number as a verdict tells it."""
    return f"{value:.1%}" if METRICS[metric].unit == "fraction" else f"{value:.2f}"


def by_guessing(standard: Standard, n_classes: int) -> Standard:
    """Return what models are judged by where retraining is no yardstick on D_f.

    Texts with a keyword keep their labels, so retrained models answer most of them right.  A model
    that forgot what the word tells is as unsure of them as one that guesses among `n_classes`; what
    was to be kept is judged as usual, features and attacks are not.
    Source: arXiv:2411.08443, section V (its Table III).
    """
    kept = {
        name: known
        for name, known in standard.reference.items()
        if name not in (*DECIDING["answers"], *DECIDING["features"], *DECIDING["attacks"])
    }
    guessed = {
        name: known
        for name in ("forget_accuracy", "forget_test_accuracy")
        if name in standard.reference
        if (known := reference(name, [1 / n_classes], standard.sizes.get(METRICS[name].share_of)))
    }
    return replace(standard, reference={**kept, **guessed})


def side(value: float, original: float, reference: Reference) -> str:
    """Return where a value lies beside the retrained models' mean.

    "matched"; "under": on the original's side; "over": past the mean; "off": away from both,
    where original and retrained agree.
    """
    gap, way = value - reference.mean, original - reference.mean
    if abs(gap) <= reference.within:
        return "matched"
    if abs(way) <= reference.within:
        return "off"
    return "under" if gap * way > 0 else "over"
