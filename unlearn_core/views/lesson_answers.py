"""The answers of the lesson, each written from the numbers at hand.

Every sentence has a partner for the case that the numbers say otherwise, because a lecturer may
choose any comparison, and what holds for a class need not hold for single images.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from unlearn_core.metrics.findings import BROKEN_DROP
from unlearn_core.metrics.verdict import WORDS
from unlearn_core.views.headline import DOES, tally
from unlearn_core.views.overview import VerdictCard
from unlearn_core.views.wording import format_value

MOST_NAMED = 3
WHOLE_CLASSES, SINGLE = ("class", "subclass"), ("random", "ids")  # kinds of requests
ALIKE = 0.5  # of an F1: most are in a heap, which is mostly theirs
RIGHT = "are right on the examples to forget"
MOSTLY = 0.5
HALF_WAY = 0.05  # of the way, around its middle
TURNED_BACK = 0.2  # of the way from the original to the retrained model
FAR_APART = 0.5  # of it, between seeds' ends
DISTANCE, OWN_DISTANCE = "feature_distance_original", "feature_distance_retrained"
F1, ACCURACY, ALIGNMENT = "cluster_f1", "forget_accuracy", "dimensional_alignment"


def heaps_text(
    original: float,
    retrained: float,
    hardly: float,
    nearest: Mapping[str, float],
    answered: Mapping[str, float] | None = None,
) -> str:
    """Say whether the images to forget lie together, before and after retraining.

    Parameters
    ----------
    original, retrained : float
        How well heaps of features find the images to forget (F1).
    hardly : float
        By how much retrained models may well differ from one another.
    nearest : mapping of str to float
        The share that lies nearest to each other class in the retrained model; empty where these
        images are of classes that stay, or no features were kept.
    answered : mapping of str to float, optional
        The share that the retrained model answers with each class, told in its place.
    """
    where = _places(nearest) or _answers(answered or {})
    before, after = format_value(F1, original), format_value(F1, retrained)
    measured = (
        "Sorted into heaps by their features, the examples to forget form one with a score of "
        f"**{before}** in the original (1: all of them and nothing else) and **{after}** in the "
        "retrained model."
    )
    if math.isnan(original) or math.isnan(retrained):
        return f"Whether they form a heap of their own was not measured here. {where}"
    if abs(original - retrained) <= hardly:
        lesson = (
            "Retrained models may well differ by as much from one another, so this map alone "
            "cannot show whether these examples were forgotten."
        )
    elif original > retrained:
        lesson = "Who never learned from them sees them less as one kind"
        lesson += ", though they still look alike." if retrained > ALIKE else "."
    else:
        lesson = "Here it is the other way round: they lie together without having been learned."
    return " ".join(filter(None, (measured, lesson, where)))


def _places(nearest: Mapping[str, float]) -> str:
    told = _shares(nearest, "lie nearest to", "to")
    return f"In the retrained model {told}: what is most like them." if told else ""


def _answers(answered: Mapping[str, float]) -> str:
    told = _shares(answered, "for", "for")
    return f"The retrained model takes {told}: what is most like them." if told else ""


def _shares(shares: Mapping[str, float], first: str, then: str) -> str:
    """Return the largest shares in words, such as "70% of them lie nearest to 9, 30% to 8"."""
    told = [
        f"{share:.0%} {then if place else f'of them {first}'} {name}"
        for place, (name, share) in enumerate(_most(shares))
    ]
    return ", ".join(told)


def _most(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the largest few that are a hundredth or more, the largest first."""
    most = sorted(shares.items(), key=lambda each: -each[1])[:MOST_NAMED]
    return [(name, part) for name, part in most if part >= 0.01]


def accuracy_text(
    cards: Sequence[VerdictCard],
    sides: Mapping[str, str],
    original: float,
    retrained: float,
    within: float,
    *,
    is_backdoor: bool = False,
) -> str:
    """Say how many methods answer as the retrained model does, and what their verdicts are.

    `sides` tells by a method's label where its accuracy on the images to forget is: of a backdoor
    how often it gives them the attacker's label.
    """
    before, after = format_value(ACCURACY, original), format_value(ACCURACY, retrained)
    if math.isnan(original) or math.isnan(retrained):
        return "Accuracy on the examples to forget was not measured here."
    if abs(original - retrained) <= within:
        return (
            f"Here accuracy tells nothing at all: the original is right on **{before}** of the "
            f"examples to forget, the retrained model, which never saw them, on **{after}**. Who "
            "changes nothing looks as good as who forgets."
        )
    alike = answering_alike(cards, sides)
    does = "give the poisoned examples the attacker's label" if is_backdoor else RIGHT
    told = (
        f"**{len(alike)} of {len(cards)}** methods {does} as often as "
        f"the retrained model ({after}; the original {before}), give or take the "
        f"{100 * within:.1f} points by which retrained models may well differ."
    )
    if not alike:
        return f"{told} Here accuracy alone tells every one of them from retraining."
    told = f"{told} The table shows these."
    first = alike[0]
    if first.word == "matched":
        return f"{told} All of them are matched in everything else too: here accuracy was enough."
    counts = Counter(card.word for card in alike)
    parts = [
        f"{counts[word]} {DOES[word][counts[word] > 1] if word in DOES else word}"
        for word in WORDS
        if counts[word]
    ]
    return f"{told} But of these, {', '.join(parts)}. **{first.label}**, for one: {first.because}."


def answering_alike(cards: Sequence[VerdictCard], sides: Mapping[str, str]) -> list[VerdictCard]:
    """Return the methods that are right on the examples to forget as often as retrained models.

    Those come first of which accuracy tells least: one that pretends, then others that are not
    matched.  `sides` is as in `accuracy_text`.
    """
    alike = [card for card in cards if sides.get(card.label) == "matched"]
    return sorted(alike, key=lambda card: (card.word == "matched", card.word != "pretends"))


def truly_text(righted: float) -> str:
    """Say that poisoned images have gone to what they show; "" where that is not so or not known.

    `righted` is how often retrained models are right on images with the trigger.
    """
    if not righted > MOSTLY:
        return ""
    return (
        " Most have gone to the classes that they truly show: the retrained model, which never "
        f"learned what the trigger stands for, answers **{righted:.0%}** of images with it rightly."
    )


def features_text(alignments: Mapping[str, tuple[float, float]], way: float, within: float) -> str:
    """Say which tricks have left the features as they were; nothing where they are not known.

    Nor where the `way` from original to retrained model is no longer than retrained models are
    apart.  `alignments` holds by trick its own and the original's, of the same seeds.
    """
    known = {name: pair for name, pair in alignments.items() if not math.isnan(sum(pair))}
    if not known or not abs(way) > within:
        return ""
    told = {
        name: f"{name} ({', before '.join(format_value(ALIGNMENT, value) for value in pair)})"
        for name, pair in known.items()
    }
    same = [told[name] for name, (own, before) in known.items() if abs(own - before) <= within]
    moved = [text for text in told.values() if text not in same]
    kept = (
        "By their DA, the features are still the original's after {}: what it knew is there, and "
        "only what is made of it has changed."
    )
    sentences = ((kept, same), ("Features have moved after {}.", moved))
    return " ".join(text.format(", ".join(named)) for text, named in sentences if named)


def steps_text(
    curves: pd.DataFrame,
    original: float,
    retrained: float,
    within: float,
    broken: Collection[str] = (),
) -> str:
    """Say where the drawn curves of dimensional alignment end.

    Columns used: `label`, `seed`, `step`, `value`; seeds are averaged, and named where they end far
    apart or one turns back alone.  `broken` are the methods that damaged the rest: near to the line
    or not, they are no example.
    """
    lines = (
        f"The retrained model's line is at **{format_value(ALIGNMENT, retrained)}**, the "
        f"original's at **{format_value(ALIGNMENT, original)}** (of the followed examples, so not "
        "quite what tables say)."
    )
    way = retrained - original
    if math.isnan(way):
        return "There is no line of the original or of the retrained model to compare with."
    if abs(way) <= within:
        return f"{lines} Here they are alike, so these curves cannot tell who has forgotten."
    places = ("there", "near", "half way", "stayed", "strayed")
    ends: dict[str, list[str]] = {where: [] for where in places}
    turned: list[str] = []
    for label, part in curves.groupby("label", sort=False):
        name, is_broken = str(label), label in broken
        values = part.groupby("step")["value"].mean().sort_index()
        seeds = {seed: one.set_index("step")["value"] for seed, one in part.groupby("seed")}
        last = float(values.iloc[-1])
        is_there = abs(last - retrained) <= within and not is_broken
        notes = _end_notes(last, seeds.values(), retrained, way, within)
        notes += ", but broken" if is_broken else ""
        where = "there" if is_there else _where(last, retrained, way)
        ends[where].append(f"{name} ({format_value(ALIGNMENT, last)}{notes})")
        of_seeds = [(f" with seed {seed!s}", one) for seed, one in seeds.items()]
        turned += filter(None, [_turning(name, [("", values), *of_seeds], retrained, way)])
    return " ".join(filter(None, (lines, *_end_sentences(ends, turned))))


def _where(last: float, retrained: float, way: float) -> str:
    """Say where between original and retrained model a curve ends."""
    left = abs((retrained - last) / way)
    if left > 1 + TURNED_BACK:
        return "strayed"
    if abs(left - 0.5) <= HALF_WAY:
        return "half way"
    return "near" if left < 0.5 else "stayed"


def _end_notes(
    last: float,
    seeds: Collection[pd.Series[float]],
    retrained: float,
    way: float,
    within: float,
) -> str:
    """Say what a curve's mean end leaves out: that it is past the line, or that seeds differ."""
    note = ", past it" if (last - retrained) * math.copysign(1, way) > within else ""
    ends = sorted(float(one.sort_index().iloc[-1]) for one in seeds)
    if ends[-1] - ends[0] > FAR_APART * abs(way):
        few, most = (format_value(ALIGNMENT, end) for end in (ends[0], ends[-1]))
        note += f"; its seeds {few} to {most}"
    return note


def _end_sentences(ends: Mapping[str, Sequence[str]], turned: Sequence[str]) -> list[str]:
    there, near, half, stayed, strayed = (", ".join(ends[where]) for where in ends)
    turn = "And some turn back" if len(turned) > 1 else "And one turns back"
    return [
        f"As near to the first as retrained models are to one another: {there}."
        if there else "None that is drawn reaches the first.",
        f"Nearer to it than to the second end {near}." if near else
        "" if there else "Nor does any end nearer to it than to the second.",
        f"About half way end {half}." if half else "",
        f"Nearer to the original stay {stayed}." if stayed else
        "None stays with the original.",
        f"Further off than the original itself end {strayed}." if strayed else "",
        f"{turn}: {', '.join(turned)}." if turned else "None of them turns back.",
    ]  # fmt: skip


def _turning(
    label: str, curves: Sequence[tuple[str, pd.Series[float]]], retrained: float, way: float
) -> str:
    """Say how near the first of these curves was that turns back; nothing where none does.

    Each comes behind the words that say which it is.
    """
    for which, curve in curves:
        values = curve.dropna().sort_index()
        if values.empty:
            continue
        left = ((retrained - values) / way).abs()
        if min(left.iloc[0], left.iloc[-1]) - left.min() > TURNED_BACK:
            nearest = format_value(ALIGNMENT, float(values.iloc[int(left.argmin())]))
            end = format_value(ALIGNMENT, float(values.iloc[-1]))
            return f"{label}{which} was at {nearest} on its way and ended at {end}"
    return ""


def gamma_text(rows: pd.DataFrame) -> str:
    """Say what the least and the largest gamma do, and which value is nearest to retrained.

    `rows` is `views.gamma.gamma_rows` of one sweep.
    """
    means = rows.groupby(["metric", "gamma"])[["value", "retrained"]].mean()
    gammas = sorted(rows["gamma"].unique())
    low, high = gammas[0], gammas[-1]

    def told(metric: str, words: str) -> str:
        first, last = (float(means.loc[(metric, gamma), "value"]) for gamma in (low, high))
        target = float(means.loc[(metric, low), "retrained"])
        before, after, goal = (format_value(metric, number) for number in (first, last, target))
        return f"{words} **{before}** and **{after}** (retrained {goal})"

    def nearest(metric: str) -> list[float]:
        """Return the gammas at which a number reads as near to retrained as anywhere."""
        table = means.loc[metric].drop(costly, errors="ignore")
        gaps = (table["value"] - table["retrained"]).abs().dropna()
        least = format_value(metric, float(gaps.min())) if len(gaps) else ""
        return [g for g in gaps.index if format_value(metric, float(gaps[g])) == least]

    def moved(gammas: Sequence[float]) -> str:
        if len(gammas) > 1:
            return ""
        numbers = means.loc[DISTANCE].loc[gammas[0]].astype(float).to_dict()
        own, goal = (format_value(DISTANCE, numbers[name]) for name in ("value", "retrained"))
        return f" (by {own}, where retraining moves them by {goal})"

    kept = means.loc["retain_accuracy"]["value"]
    costly = [gamma for gamma in gammas if kept.max() - kept[gamma] > BROKEN_DROP]
    answers, features = nearest(ACCURACY), nearest(DISTANCE)
    both = [gamma for gamma in answers if gamma in features]
    if not answers or not features:
        choice = ""
    elif both:
        choice = (
            "Nearest to the retrained model, in answers and in how far features move, is "
            f"{_gammas(both)}{moved(both)}"
        )
    else:
        choice = (
            f"Nearest to the retrained model is {_gammas(answers)} in answers, but "
            f"{_gammas(features)} in how far features move{moved(features)}: no one value is "
            "best in both"
        )
    if choice:
        choice += _where_to(rows, features, costly)
    sentences = [
        f"At gamma {low:g} and at {high:g}, in this order: "
        + "; ".join(
            (
                told(DISTANCE, "features have moved by"),
                told(ACCURACY, "right on the examples to forget"),
                told("retain_accuracy", "right on the examples to keep"),
            )
        ),
        _costly_text(costly),
        choice,
    ]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _where_to(rows: pd.DataFrame, features: Sequence[float], costly: Sequence[float]) -> str:
    """Say where other gammas bring features nearer to the retrained model's own than `features`."""
    own = rows[(rows["metric"] == OWN_DISTANCE) & ~rows["gamma"].isin(list(costly))]
    means = own.groupby("gamma")["value"].mean().dropna()
    if means.empty:
        return ""
    shown = means.map(lambda value: format_value(OWN_DISTANCE, value))
    closest = list(means.index[shown == format_value(OWN_DISTANCE, float(means.min()))])
    if set(closest) & set(features):
        return ""
    return (
        f". But nearest to the retrained model's own features is {_gammas(closest)}: how far they "
        "move does not say where to"
    )


def _costly_text(gammas: Sequence[float]) -> str:
    """Say which gammas are no choice, because too much of what is to be kept is lost."""
    return f"{_gammas(gammas).capitalize()} costs too much of what is to be kept" if gammas else ""


def _gammas(values: Sequence[float]) -> str:
    """Return values of gamma in words.

    >>> _gammas([0.0, 0.25, 1.0])
    'gamma 0, 0.25 or 1'
    """
    *most, last = (f"{value:g}" for value in values)
    return f"gamma {' or '.join(filter(None, (', '.join(most), last)))}"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A request that methods were tried on: what was to be forgotten, its kind, and their cards."""

    what: str
    kind: str
    cards: Sequence[VerdictCard]


def requests_text(here: Sequence[Tried], elsewhere: Sequence[Tried]) -> str:
    """Say how requests came out on the same data, the present one first, and on other data."""
    lines = "".join(f"\n- To forget **{each.what}**: {tally(each.cards)}" for each in here)
    short = _kinds_text([*here, *elsewhere])
    if len(here) > 1:
        return f"{short}What has been tried so far on this data:{lines}"
    others = "".join(f"\n- **{each.what}**: {tally(each.cards)}" for each in elsewhere)
    told = f"\n\nOn other data:{others}" if others else ""
    return (
        f"{short}So far only this was tried on this data:{lines}{told}\n\nAnother request will "
        "tell: launch one in the form below."
    )


def _kinds_text(tried: Sequence[Tried]) -> str:
    """Say how often the listed classes and single examples were forgotten; "" without both."""
    kinds = {"whole classes": WHOLE_CLASSES, "single examples": SINGLE}
    words = {
        name: [card.word for each in tried if each.kind in group for card in each.cards]
        for name, group in kinds.items()
    }
    if not all(words.values()):
        return ""
    told = {name: [word for word in part if word in DOES] for name, part in words.items()}
    counts = [
        f"of {name} **{part.count('matched')} of {len(part)}** tries"
        for name, part in told.items()
        if part
    ]
    where = "" if told == words else "where it can be told, "
    like = f"{where}{' and '.join(counts)} listed here look like a network that never saw them"
    untold = [
        f"**{n} of {len(words[name])}** on {name}"
        for name, part in told.items()
        if (n := len(words[name]) - len(part))
    ]
    nothing = f"nothing can be told of {' and '.join(untold)}" if untold else ""
    text = "; ".join(filter(None, (like if counts else "", nothing)))
    return f"{text[0].upper()}{text[1:]}.\n\n"


def mean_of(table: pd.DataFrame, method: str, metric: str, column: str = "mean") -> float:
    """Return a number of the first variant of a method in `Report.summary`; NaN where missing."""
    found = table[(table["method"] == method) & (table["metric"] == metric)][column]
    return float(found.iloc[0]) if len(found) else float(np.nan)
