"""The verdict on a model, in a word, with the numbers that it rests on.

The first of `RULES` that holds of what was found (`findings`) gives the word; each rule's docstring
says what the word means (docs/verdicts.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.findings import (
    DECIDING,
    HALF,
    Finding,
    Standard,
    Values,
    doubts,
    elsewhere,
    findings,
    flattened,
    most_lost,
    short,
)
from unlearn_core.metrics.spread import RESOLUTION, chance, examples_needed

TRIGGERED = "triggered_accuracy"
SAME = 1e-4  # relative; numbers of unchanged features differ by rounding alone
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


BUT = ", but"  # behind a word that something speaks against


@dataclass(frozen=True)
class Verdict:
    """A model's verdict in a word of `WORDS`, with the numbers that it rests on.

    `caveats` name the numbers that speak against a model that matched, or did in part, although
    they do not decide.
    """

    word: str
    because: str
    caveats: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """Place of its word in `WORDS`; that of the models one compares with stands first."""
        return WORDS.index(self.word) if self.word in WORDS else -1

    @property
    def spoken(self) -> str:
        """The word, such as "matched", or "matched, but" where something speaks against it."""
        return f"{self.word}{BUT}" if self.caveats else self.word

    @property
    def sentence(self) -> str:
        """The numbers that the word rests on, and those that speak against it."""
        return f"{self.because}; but {'; '.join(self.caveats)}" if self.caveats else self.because


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


def _broken(case: Case) -> Verdict | None:
    """What was to be kept is damaged: more than 5 points below original and retrained.

    Of a language model: its perplexity is more than a quarter above both.
    """
    for name in DECIDING["utility"]:  # a run of before a metric was added does not name it
        is_missing = case.values.get(name, 0.0) is None
        if is_missing and case.standard.original.get(name) is not None:
            return Verdict("broken", "the model's outputs are not finite")
    damaged = [
        each for each in case.found["utility"] if each.is_off and each.lost > most_lost(each.metric)
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
    what = "it still knows D_f"
    if known[0].metric == "backdoor_asr":
        weaker = known[0].tells and known[0].left <= HALF
        what = "the backdoor is weaker, not gone" if weaker else "the backdoor still works"
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
        f"{METRICS[each.metric].label} {short(each.metric, each.original)} and "
        f"{short(each.metric, each.reference.mean)}"
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
    lost = [each for each in case.found["utility"] if each.is_off]
    besides = [f"{_off_words('utility', lost)}: {_listed(lost)}"] if lost else []
    told = "; ".join([_answers(case), _trace(kept), *besides, *_besides(case)])
    return Verdict("pretends", told)


def _partly(case: Case) -> Verdict | None:
    """Answers match or leave a trace; features, attacks or what was to be kept may not match."""
    off = {
        group: part
        for group in OFF_WORDS
        if (part := [e for e in case.found[group] if _gives_away(e, group)])
    }
    if not off and not _traces(case):
        return None
    lines = [f"{_off_words(group, part)}: {_listed(part)}" for group, part in off.items()]
    return Verdict("partly matched", "; ".join([_answers(case), *lines]), _besides(case))


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
    "utility": "what was to be kept does not match",
}


def _off_words(group: str, off: Sequence[Finding]) -> str:
    """Return what is said of the numbers of a group that are off."""
    if {each.metric for each in off} == {TRIGGERED}:
        return "images with the trigger are not answered as retrained models do"
    return OFF_WORDS[group]


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
    caveats += [each.words for each in doubts(case.values, case.standard)]
    caveats += _besides(case)
    listed = [each for part in telling.values() for each in part]
    sure = [each for each in listed if not each.is_doubtful]  # the others stand behind the "but"
    numbers = _listed(sure or listed)
    return Verdict("matched", f"{_joined(list(telling))} match: {numbers}", tuple(caveats))


def _besides(case: Case) -> tuple[str, ...]:
    """Return what no number that decides sees: flattened features, answers that go elsewhere."""
    seen = (flattened(case.values, case.standard), elsewhere(case.values, case.standard))
    return tuple(filter(None, seen))


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
    """Whether a number that is off is on the original's side; where they agree, knows more."""
    return finding.side == "under" if finding.tells else finding.knows_more


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
    is_cluster = "cluster_f1" in names
    what = "its features still form one cluster" if is_cluster else "its features still lie apart"
    return f"{what}: {_listed(kept)}"


def _behind(shown: Sequence[Finding]) -> str:
    return f": {_listed(shown)}" if shown else ""


def _listed(found: Sequence[Finding]) -> str:
    return ", ".join(each.words for each in found)


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
