"""The headline of a comparison: one card a method, and which method is nearest to retrained."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.verdict import Verdict
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views.metric_definitions import with_hints
from unlearn_core.views.names import SET_SYMBOLS
from unlearn_core.views.symbols import as_html
from unlearn_core.views.verdicts import MEANING
from unlearn_core.views.wording import capital, format_value

KEY_NUMBERS = (
    *("forget_accuracy", "retain_test_accuracy"),
    *("perplexity_forget", "perplexity_retain_test"),
    "dimensional_alignment",
)
BEST_RULE = (
    "the best verdict first (matched, partly matched, pretends, remembers, over-forgotten, "
    "broken), and among equals the one whose dimensional alignment is nearest to the retrained "
    "models'"
)


@dataclass(frozen=True, kw_only=True)
class KeyNumber:
    """One number of a card beside the retrained model's, as text."""

    label: str
    value: str
    retrained: str


@dataclass(frozen=True, kw_only=True)
class VerdictCard:
    """The headline of one method: its verdict and a few numbers.

    `more` counts its variants; `is_slower` says that it took longer than training again;
    `caveats` are the numbers that speak against a match and stand in `because` behind "but".
    """

    label: str
    method: str
    word: str
    because: str
    agreement: str
    numbers: tuple[KeyNumber, ...]
    speedup: str
    more: int
    is_slower: bool = False
    caveats: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """The verdict's word, with its "but"."""
        return Verdict(self.word, self.because, self.caveats).spoken


Means = Mapping[tuple[str, str], Mapping[Any, Any]]  # "mean", "retrained" by label and metric


def verdict_cards(comparison: Comparison, report: Report) -> list[VerdictCard]:
    """Return one card per method, the best first; of its variants the one with usual settings."""
    verdicts = report.verdicts.set_index("label")
    caveats = {entry["label"]: tuple(entry["caveats"]) for entry in report.comparison["verdicts"]}
    variants: dict[str, list[RunArtefact]] = {}
    for run in comparison.runs:
        if run.config.method not in REFERENCES:
            variants.setdefault(run.config.method, []).append(run)
    shown: dict[tuple[str, str], Mapping[Any, Any]] = {}
    for row in report.summary.to_dict("records"):
        shown.setdefault((row["label"], row["metric"]), row)
    listed = []
    for method, runs in variants.items():
        usual = min(runs, key=lambda run: len(run.unusual))
        name = usual.label
        verdict = verdicts.loc[name]
        listed.append(
            VerdictCard(
                label=name,
                method=method,
                word=str(verdict["word"]),
                because=str(verdict["because"]),
                agreement=str(verdict["agreement"]),
                numbers=_numbers(shown, name),
                speedup=_text(shown, name, "speedup", "mean"),
                more=len({run.label for run in runs}) - 1,
                is_slower=_number(shown, name, "speedup", "mean") < 1,
                caveats=caveats[name],
            )
        )
    return sorted(listed, key=lambda card: report.ranking.index(card.label))


def in_threes(cards: Sequence[VerdictCard]) -> list[Sequence[VerdictCard]]:
    """Return the cards in rows of three."""
    return [cards[start : start + 3] for start in range(0, len(cards), 3)]


def key_of(comparison: Comparison, name: str) -> str | None:
    """Return the key of the first run of this label; None where there is none."""
    return next((run.key for run in comparison.runs if run.label == name), None)


def sizes(sets: Sets) -> list[tuple[str, str, str]]:
    """Return symbol, meaning and size of the forget, the retain and the test set."""
    return [
        (SET_SYMBOLS["forget"], "Training examples to forget", f"{int(sets.forget.sum()):,}"),
        (SET_SYMBOLS["retain"], "Training examples to keep", f"{int(sets.retain.sum()):,}"),
        (SET_SYMBOLS["test"], "Test examples", f"{int(sets.test.sum()):,}"),
    ]


def _numbers(means: Means, name: str) -> tuple[KeyNumber, ...]:
    """Return what a card shows, of what models of this kind answer with."""
    measured = {metric for (_, metric), row in means.items() if not math.isnan(row["mean"])}
    other = "_accuracy" if "perplexity_retain_test" in measured else "perplexity"
    return tuple(
        KeyNumber(
            label=METRICS[metric].label,
            value=_text(means, name, metric, "mean"),
            retrained=_text(means, name, metric, "retrained"),
        )
        for metric in KEY_NUMBERS
        if other not in metric
    )


def _number(means: Means, name: str, metric: str, column: str) -> float:
    return means[name, metric][column] if (name, metric) in means else math.nan


def _text(means: Means, name: str, metric: str, column: str) -> str:
    is_known = (name, metric) in means
    return format_value(metric, means[name, metric][column]) if is_known else "–"


def reason_html(card: VerdictCard) -> str:
    """Return what a card's verdict means and which numbers say so."""
    meaning, because = MEANING[card.word], card.because
    told = [as_html(capital(meaning))] if not because.startswith(meaning) else []
    return f"{'. '.join([*told, with_hints(capital(because))])}."


def numbers_html(card: VerdictCard, *, rest: str = "on Metrics") -> str:
    """Return a card's numbers as a small table, in parentheses the retrained model's.

    `rest` says where its variants with other settings stand.
    """
    lines = [(with_hints(n.label), f"<b>{n.value}</b>", f"({n.retrained})") for n in card.numbers]
    if card.speedup != "–":
        lines.append(("Speed-up", f"<b>{html.escape(card.speedup)}</b>", "(1.00x)"))
    cells = "".join(
        f'<tr><td>{name}</td><td style="padding: 0 .6rem; text-align: right">{value}</td>'
        f'<td style="opacity: .75">{target}</td></tr>'
        for name, value, target in lines
    )
    notes = ["Means over the seeds."] if card.agreement else []
    if card.more:
        notes.append(f"{card.more} more with changed settings {rest}.")
    return (
        f'<table class="mu-numbers" style="font-size: .875rem">{cells}</table>'
        f"<small>{' '.join(notes)}</small>"
    )
