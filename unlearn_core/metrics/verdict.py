"""The verdict on a run, in words, with the numbers that it rests on.

The rule, in this order, with the retrained model as the target:

1. *collapsed*: accuracy on retained test examples is more than 5 points below the original's, or
   there is none because the outputs are not finite.
2. *under-forgotten*: accuracy on D_f, or the success of a backdoor, is still off the retrained
   model's on the original's side; or the features are: dimensional alignment lies nearer to the
   original's value than to the target.
3. *over-forgotten*: one of these three has gone past the target.  Where original and retrained
   agree in a share, more than the target is under, less is over.
4. *matched*: none of these.

"Off" and "past" mean by more than the metric's tolerance or, with three or more retrained models,
than retraining itself varies; and by more than chance makes of so few examples
(`spread.matched_within`).  Dimensional alignment only counts where original and retrained
differ in it by more than that.

Clusters and membership attacks do not decide, because they vary most between retrained models, but
a *matched* run names those of `ALSO` in which it is off: what else would give it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearn_core.metrics.base import METRICS
from unlearn_core.tasks import CLASSIFICATION

COLLAPSE_DROP = 0.05
HALF_WAY = 0.5
ALIGNMENT = "dimensional_alignment"
DECIDING, ALSO = CLASSIFICATION.deciding, CLASSIFICATION.also
WORDS = {
    "matched": "matched",
    "under": "under-forgotten",
    "over": "over-forgotten",
    "off": "over-forgotten",  # only of `ALSO`, of which no more counts than whether it matches
}
Values = Mapping[str, float | None]


@dataclass(frozen=True)
class Verdict:
    """A run's verdict in a word, such as "under-forgotten", with the numbers that it rests on.

    `caveats` list, for a matched run, the metrics of `ALSO` in which it is not matched.
    """

    word: str
    because: str
    caveats: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The numbers that the word rests on, and those that speak against it."""
        return f"{self.because}; but {'; '.join(self.caveats)}" if self.caveats else self.because


def judge(
    values: Values,
    original: Values,
    retrained: Values,
    tolerances: Mapping[str, float] | None = None,
) -> Verdict:
    """Return the verdict on a run from its metrics, the original's and the retrained model's.

    `tolerances` holds, by metric, how far from retrained still counts as matched; a metric that it
    lacks has its own tolerance.
    """
    utility, before = values.get("retain_test_accuracy"), original.get("retain_test_accuracy")
    if utility is None and before is not None:
        return Verdict("collapsed", "the model's outputs are not finite")
    if utility is not None and before is not None and utility < before - COLLAPSE_DROP:
        return Verdict(
            "collapsed",
            f"accuracy on retained test examples fell from {before:.1%} to {utility:.1%}",
        )
    findings = [
        finding
        for name in DECIDING
        if (finding := _compare(name, (values, original, retrained), tolerances or {})) is not None
    ]
    if not findings:
        return Verdict("unknown", "there is no retrained model to compare with")
    for word in ("under-forgotten", "over-forgotten"):
        for finding in findings:
            if finding.word == word:
                return finding
    caveats = [
        finding.because
        for name in ALSO
        if (finding := _compare(name, (values, original, retrained), tolerances or {})) is not None
        and finding.word != "matched"
    ]
    return Verdict("matched", "; ".join(finding.because for finding in findings), tuple(caveats))


def side(value: float, original: float, retrained: float, tolerance: float) -> str:
    """Return where a value lies: "under" (the original's side), "over" (past it) or "matched"."""
    gap = value - retrained
    if abs(gap) <= tolerance:
        return "matched"
    return "under" if gap * (original - retrained) > 0 else "over"


def side_of_metric(
    name: str, value: float, original: float, retrained: float, tolerance: float
) -> str:
    """Return a metric's `side`, also where original and retrained agree and the value does not.

    There a share that decides is "under" above the target and "over" below it; any other is "off".
    """
    plain = side(value, original, retrained, tolerance)
    if plain == "matched" or abs(original - retrained) > tolerance:
        return plain
    if name in DECIDING and name != ALIGNMENT:
        return "under" if value > retrained else "over"
    return "off"


def _compare(
    name: str, models: tuple[Values, Values, Values], tolerances: Mapping[str, float]
) -> Verdict | None:
    value, start, target = (values.get(name) for values in models)
    if value is None or start is None or target is None:
        return None
    spec = METRICS[name]
    tolerance = tolerances.get(name, spec.tolerance)
    digits = "{:.1%}" if spec.unit == "fraction" else "{:.2f}"
    numbers = " against ".join(digits.format(number) for number in (value, target))
    because = f"{spec.label} {numbers} retrained"
    is_feature = name == ALIGNMENT
    if is_feature and abs(start - target) <= tolerance:
        return Verdict("matched", f"{because} (original {digits.format(start)})")
    its_side = side_of_metric(name, value, start, target, tolerance)
    if is_feature and its_side == "under" and (value - target) / (start - target) <= HALF_WAY:
        its_side = "matched"
    return Verdict(WORDS[its_side], f"{because} (original {digits.format(start)})")
