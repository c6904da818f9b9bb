"""The verdict on a model, in a word, with the numbers that it rests on.

Every number that decides is compared with the mean of the retrained models.  It is *off* when it
is farther away than retraining itself varies and than chance makes of so few examples
(`spread.reference`).  It *tells* something only where the original's own value is off: what does
not change by retraining cannot show whether something was forgotten.  The first of `RULES` that
holds gives the word; each rule's docstring says what the word means (docs/verdicts.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.spread import (
    RESOLUTION,
    Reference,
    chance,
    examples_needed,
)
from unlearn_core.tasks import CLASSIFICATION

BROKEN_DROP = 0.05
FAR_BELOW = 0.15  # the training accuracy that the data set's recipe reaches
HALF = 0.5
LITTLE = 0.1  # of the way from retrained to original: what is left of an answer, but no memory
DOUBTFUL = 2.0  # deviations
SAME = 1e-4  # relative; numbers of unchanged features differ by rounding alone
DECIDING = CLASSIFICATION.deciding
WORDS = (
    "matched",
    "partly matched",
    "pretends",
    "remembers",
    "over-forgotten",
    "broken",
    "too few to tell",
    "nothing to tell",
    "unknown",
)
"""From the kindest to the worst, and then those that say nothing of the model."""
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
        """Whether the original fits its training data far less than the recipe can."""
        fit = self.original.get("retain_accuracy")
        return self.reaches is not None and fit is not None and fit < self.reaches - FAR_BELOW

    @property
    def underfitted_notice(self) -> str:
        """Say in one line that the original is under-fitted; nothing where it is not."""
        if not self.is_underfitted or self.reaches is None:
            return ""
        return (
            f"the original is under-fitted: it answers {self.original['retain_accuracy']:.1%} of "
            f"its training examples right, where the data set's recipe reaches {self.reaches:.0%}"
        )


@dataclass(frozen=True)
class Verdict:
    """A model's verdict in a word of `WORDS`, with the numbers that it rests on.

    `caveats` name the numbers in which a matched model is off although they do not decide.
    """

    word: str
    because: str
    caveats: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The numbers that the word rests on, and those that speak against it."""
        return f"{self.because}; but {'; '.join(self.caveats)}" if self.caveats else self.because


def rank(verdict: Verdict) -> int:
    """Return a verdict's place in `WORDS`; that of the models one compares with stands first."""
    return WORDS.index(verdict.word) if verdict.word in WORDS else -1


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
    def is_trace(self) -> bool:
        """Whether it is off on the original's side, with at most a tenth of the way left."""
        return self.tells and self.side == "under" and self.left <= LITTLE

    @property
    def words(self) -> str:
        """The number and its target, such as "F1 0.97 against 0.57 ± 0.05"."""
        spec, there = METRICS[self.metric], self.reference
        if spec.unit == "fraction":
            spread = f"{there.deviation * 100:.1f}"
            return f"{spec.label} {self.value:.1%} against {there.mean:.1%} ± {spread}"
        return f"{spec.label} {self.value:.2f} against {there.mean:.2f} ± {there.deviation:.2f}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model's metrics, what it is judged by, and what was found, by group of `DECIDING`."""

    values: Values
    standard: Standard
    found: Mapping[str, Sequence[Finding]]


def judge(values: Values, standard: Standard) -> Verdict:
    """Return the verdict on a model from its metrics."""
    if not standard.reference:
        return Verdict("unknown", "there is no retrained model to compare with")
    case = Case(values=values, standard=standard, found=findings(values, standard))
    verdicts = (rule(case) for rule in (*RULES, _matched))
    return next(verdict for verdict in verdicts if verdict is not None)


def findings(values: Values, standard: Standard) -> dict[str, list[Finding]]:
    """Return by group what decides: all that the three models have, but for unreliable metrics."""
    return {
        group: [
            Finding(metric=name, value=value, original=start, reference=standard.reference[name])
            for name in names
            if name in standard.reference and name not in standard.unreliable
            if (value := values.get(name)) is not None
            if (start := standard.original.get(name)) is not None
        ]
        for group, names in DECIDING.items()
    }


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


def _broken(case: Case) -> Verdict | None:
    """What was to be kept is damaged: more than 5 points below original and retrained."""
    if case.values.get("retain_test_accuracy") is None:
        if case.standard.original.get("retain_test_accuracy") is not None:
            return Verdict("broken", "the model's outputs are not finite")
        return None
    damaged = [
        each
        for each in case.found["utility"]
        if each.is_off and each.value < min(each.original, each.reference.mean) - BROKEN_DROP
    ]
    return (
        Verdict("broken", f"what was to be kept is damaged: {_listed(damaged)}")
        if damaged
        else None
    )


def _remembers(case: Case) -> Verdict | None:
    """Answers on the forget set, or a backdoor, are still the original's to a part."""
    known = [e for e in case.found["answers"] if e.is_off and not e.is_trace and _knows_more(e)]
    if not known:
        return None
    what = "the backdoor still works" if known[0].metric == "backdoor_asr" else "it still knows D_f"
    return Verdict("remembers", f"{what}: {_listed(known)}")


def _over_forgotten(case: Case) -> Verdict | None:
    """Answers on the forget set are worse than those of a model that never saw it."""
    over = [each for each in case.found["answers"] if each.is_off and not each.is_trace]
    if not over:
        return None
    return Verdict("over-forgotten", f"worse than a model that never saw D_f: {_listed(over)}")


def _too_few(case: Case) -> Verdict | None:
    """Chance moves the answers of so few examples by more than a tenth."""
    answers = [each for each in case.found["answers"] if each.metric == "forget_accuracy"]
    n = case.standard.sizes.get("forget")
    if not answers or not n or any(each.tells for each in case.found["answers"]):
        return None
    share = answers[0].reference.mean
    if chance(share, n) <= RESOLUTION:
        return None
    return Verdict(
        "too few to tell",
        f"{n} example{'s' if n > 1 else ''}: chance alone may move accuracy on them by "
        f"{chance(share, n) * 100:.0f} points; {examples_needed(share)} would do "
        f"({_listed(answers)})",
    )


def _only_answers_changed(case: Case) -> Verdict | None:
    """The classifier alone was edited: the features are the original's."""
    if not any(each.tells for each in case.found["answers"]) or not _same_features(
        case.values, case.standard
    ):
        return None
    shown = [each for each in case.found["features"] if each.tells]
    return Verdict(
        "pretends", f"{_answers(case)}; its features are the original's own{_behind(shown)}"
    )


def _nothing(case: Case) -> Verdict | None:
    """Original and retrained agree in all that decides."""
    deciding = [each for group, part in case.found.items() if group != "utility" for each in part]
    if any(each.tells for each in deciding):
        return None
    numbers = ", ".join(
        f"{METRICS[each.metric].label} {_short(each.metric, each.original)} and "
        f"{_short(each.metric, each.reference.mean)}"
        for each in deciding[:4]
    )
    return Verdict("nothing to tell", f"original and retrained agree: {numbers or 'no numbers'}")


def _underfitted(case: Case) -> Verdict | None:
    """Features that were never learned show nothing."""
    if not case.standard.is_underfitted:
        return None
    return Verdict("nothing to tell", f"{_answers(case)}, but {case.standard.underfitted_notice}")


def _pretends(case: Case) -> Verdict | None:
    """Outputs match, but most of what tells original from retrained is left behind them."""
    telling = [each for each in case.found["features"] if each.differs]
    kept = [each for each in telling if each.is_kept]
    if not kept or np.mean([each.left for each in telling]) <= HALF:
        return None
    return Verdict("pretends", f"{_answers(case)}; {_trace(kept)}")


def _partly(case: Case) -> Verdict | None:
    """Answers match or leave a trace; features, attacks or what was to be kept may not match."""
    off = {
        group: part
        for group in OFF_WORDS
        if (part := [e for e in case.found[group] if _gives_away(e, group)])
    }
    if not off and not _traces(case):
        return None
    lines = [f"{OFF_WORDS[group]}: {_listed(part)}" for group, part in off.items()]
    return Verdict("partly matched", "; ".join([_answers(case), *lines]))


RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    _broken,
    _remembers,
    _over_forgotten,
    _too_few,
    _only_answers_changed,
    _nothing,
    _underfitted,
    _pretends,
    _partly,
)
OFF_WORDS = {
    "features": "features do not",
    "attacks": "an attacker still tells it from a retrained model",
    "utility": "what was to be kept does not",
}


def _matched(case: Case) -> Verdict:
    """Nothing that tells is off."""
    telling = {
        group: part
        for group in case.found
        if (part := [e for e in case.found[group] if e.tells and group != "utility"])
    }
    caveats = [
        each.words
        for group, part in case.found.items()
        if group not in ("answers", "utility")
        for each in part
        if each.is_off
    ]
    numbers = _listed([each for part in telling.values() for each in part])
    return Verdict("matched", f"{_joined(list(telling))} match: {numbers}", tuple(caveats))


def _gives_away(finding: Finding, group: str) -> bool:
    """Whether a number of a model whose answers match tells it from retrained models."""
    if group == "utility":
        return finding.is_off
    return (finding.is_off and finding.tells) or (group == "features" and finding.is_kept)


def _traces(case: Case) -> list[Finding]:
    """Return the answers that match but for a trace."""
    return [each for each in case.found["answers"] if each.is_trace]


def _answers(case: Case) -> str:
    """Say that answers match, and what is left of them."""
    left = _traces(case)
    return f"answers match but for a trace: {_listed(left)}" if left else "answers match"


def _knows_more(finding: Finding) -> bool:
    """Whether a number that is off lies on the original's side; a larger share where they agree."""
    if finding.tells:
        return finding.side == "under"
    return finding.value > finding.reference.mean


def _same_features(values: Values, standard: Standard) -> bool:
    names = (*DECIDING["features"], "effective_rank")
    pairs = [
        (value, start)
        for name in names
        if (value := values.get(name)) is not None
        if (start := standard.original.get(name)) is not None
    ]
    return bool(pairs) and all(abs(a - b) <= SAME * max(abs(b), SAME) for a, b in pairs)


def _trace(kept: Sequence[Finding]) -> str:
    names = {each.metric for each in kept}
    is_cluster = names & {"cluster_f1", "cluster_nmi"}
    what = "its features still form one cluster" if is_cluster else "its features still lie apart"
    return f"{what}: {_listed(kept)}"


def _behind(shown: Sequence[Finding]) -> str:
    return f": {_listed(shown)}" if shown else ""


def _listed(found: Sequence[Finding]) -> str:
    return ", ".join(each.words for each in found)


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _short(metric: str, value: float) -> str:
    return f"{value:.1%}" if METRICS[metric].unit == "fraction" else f"{value:.2f}"
