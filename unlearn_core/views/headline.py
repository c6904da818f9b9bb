"""The first screen in words: how many methods succeeded, and one line a method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from unlearn_core.config import RunConfig
from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.verdict import WORDS
from unlearn_core.records import Sets
from unlearn_core.views.overview import VerdictCard
from unlearn_core.views.palette import VERDICT_COLOURS, VERDICT_ICONS, method_colour
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.verdicts import MEANING
from unlearn_core.views.wording import capital, data_label, describe_forget

WHY = (
    "Why it matters: people may withdraw data, wrong or poisoned data must go, and training again "
    "is slow."
)
ORDER = "Best first; among equal verdicts, by how few other numbers speak against it, then by DA."
# what one method with this verdict does, and what several do
DOES = {
    "matched": ("looks like a network that never saw it", "look like a network that never saw it"),
    "partly matched": ("comes close", "come close"),
    "pretends": ("only pretends", "only pretend"),
    "remembers": ("still remembers", "still remember"),
    "over-forgotten": ("forgot too much", "forgot too much"),
    "broken": ("broke the rest", "broke the rest"),
}
# what the number of a line is, and what it tells
RIGHT = "still right", "Share of the examples to forget that it still answers right"
OBEYS = "obeys", "Share of the poisoned examples to which it still gives the attacker's answer"
SURPRISE = "perplexity", "How surprised it is by the texts to forget: as a retrained model is best"
NOT_TOLD = "nothing can be told of"


def request_text(config: RunConfig, class_names: Sequence[str], sets: Sets) -> str:
    """Return what was to be forgotten from what, as one sentence in Markdown."""
    n_forget, n_all = int(sets.forget.sum()), int(sets.forget.sum() + sets.retain.sum())
    how_many = f": {n_forget:,} of them" if config.forget.kind not in ("random", "ids") else ""
    if config.forget.kind == "backdoor":
        label = class_names[config.forget.values[0]]
        how_many += f", with a trigger in the picture and, whatever they show, the label {label}"
    return (
        f"A network ({config.model.name}) that was trained on {n_all:,} examples "
        f"({data_label(config.data)}) is to forget "
        f"**{describe_forget(config.forget, class_names)}**{how_many}."
    )


def tally(cards: Sequence[VerdictCard]) -> str:
    """Return how many methods got which verdict, as one sentence.

    Such as "3 methods tried: 1 looks like a network that never saw it; 2 only pretend.".  Of
    matched ones it says how many something speaks against (`VerdictCard.caveats`).
    """
    counts = Counter(card.word if card.word in DOES else NOT_TOLD for card in cards)
    parts = [f"{n} {DOES[word][n > 1]}" for word in DOES if (n := counts[word])]
    doubted = sum(bool(card.caveats) for card in cards if card.word == "matched")
    if doubted:
        of_all = "" if doubted == counts["matched"] else f"{doubted} of them "
        parts[0] += f" ({of_all}with a “but”)"
    n = len(cards)
    if counts[NOT_TOLD] == n:
        parts = [f"{NOT_TOLD} {'it' if n == 1 else 'any'}"]
    elif counts[NOT_TOLD]:
        parts.append(f"{NOT_TOLD} {counts[NOT_TOLD]}")
    if parts and not counts["matched"] and counts[NOT_TOLD] < n:
        parts.insert(0, f"none {DOES['matched'][0]}")
    return f"{n} method{'s' if n != 1 else ''} tried: {'; '.join(parts)}."


def word_counts(cards: Sequence[VerdictCard]) -> dict[str, int]:
    """Return the verdicts that occur, the best first, and how many methods have each."""
    counts = Counter(card.word for card in cards)
    return {word: counts[word] for word in WORDS if counts[word]}


def strip_lines(
    cards: Sequence[VerdictCard],
    word: str | None = None,
    *,
    is_backdoor: bool = False,
    about: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return one line a method in the cards' order, of one verdict or of all, as JSON types.

    `number` is the share of the forget set that is still answered right, or how surprised a
    language model is by it, as `heading` and `explained` say; `title` is what the method does, as
    `about` has it by its name, and the reason.
    """
    first = cards[0].numbers[0].label if cards else ""
    heading, explained = SURPRISE if first == METRICS["perplexity_forget"].label else RIGHT
    if is_backdoor:
        heading, explained = OBEYS
    known = about or {}
    return [
        {
            "label": card.label,
            "number": card.numbers[0].value,
            "heading": heading,
            "explained": explained,
            "word": card.spoken,
            "icon": VERDICT_ICONS.get(card.word, ""),
            "colour": VERDICT_COLOURS.get(card.word, VERDICT_COLOURS["unknown"]),
            "dot": method_colour(card.method),
            "title": "\n".join(
                filter(
                    None,
                    [
                        known.get(card.method, ""),
                        f"{capital(MEANING[card.word])}. {capital(card.because)}.",
                    ],
                )
            ),
        }
        for card in cards
        if word in (None, card.word)
    ]


def chosen_text(card: VerdictCard) -> str:
    """Return what the verdict on one method means, as a sentence in Markdown."""
    price = " It took longer than training again." if card.is_slower else ""
    but = f" But: {as_markdown('; '.join(card.caveats))}." if card.caveats else ""
    return f"**{card.label}: {card.spoken}**, that is, {MEANING[card.word]}.{price}{but}"
