"""A card a method: its registry entry in words, its settings as a table, its measured cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unlearn_core.runs.report import Report
from unlearn_core.views.wording import capital, format_value

Entry = Mapping[str, Any]
FILTERS = {
    "unlearning": "Unlearning methods",
    "tricks": "Tricks that fool metrics",
    "no_retain": "Need no retained data",
}
INTERNAL = re.compile(r"\s*\((?:docs/)?methods\.md[^)]*\)")  # notes for who reads the code
SECONDS = "unlearn_seconds"
MEASURED = (SECONDS, "speedup", "trainable_parameters")


@dataclass(frozen=True, kw_only=True)
class MethodCard:
    """What a card says.

    `details` are the paragraphs after the idea, `needs` the data in words, `origin` the paragraph
    that names the source and the departures from it.
    """

    name: str
    label: str
    source: str
    idea: str
    details: tuple[str, ...]
    origin: str
    needs: str
    is_trick: bool


def method_card(entry: Entry) -> MethodCard:
    """Read a card from a method's registry entry and the docstring in it."""
    text = INTERNAL.sub("", entry["description"])
    first, *rest = [" ".join(part.split()) for part in text.split("\n\n")]
    body, origin = [], ""
    for paragraph in rest:
        before, mark, after = paragraph.partition("Source: ")
        if before.strip():
            body.append(before.strip())
        if mark:
            origin = after.strip()
    idea = first.partition(": ")[2] or first
    return MethodCard(
        name=entry["name"],
        label=entry["label"],
        source=entry["source"],
        idea=capital(idea),
        details=tuple(body),
        origin=capital(origin),
        needs=_needs(entry),
        is_trick=entry["is_trick"],
    )


def _needs(entry: Entry) -> str:
    if entry["name"] == "retrain":
        return "D_r only"
    return "D_r, or a part of it" if entry["uses_retain"] else "D_f only: no retained data"


def chosen_cards(entries: Sequence[Entry], wanted: Sequence[str]) -> list[MethodCard]:
    """Return the cards that pass every filter of `FILTERS` in `wanted`, tricks last."""
    chosen = [
        method_card(entry)
        for entry in entries
        if not ("unlearning" in wanted and entry["is_trick"])
        and not ("tricks" in wanted and not entry["is_trick"])
        and not ("no_retain" in wanted and entry["uses_retain"])
    ]
    return sorted(chosen, key=lambda card: (card.is_trick, card.name != "retrain", card.label))


def settings_table(entry: Entry) -> pd.DataFrame:
    """Return one row per setting: its default, what each preset makes of it, and what it does."""
    rows = []
    for setting in entry["settings"]:
        row = {"Setting": setting["name"], "Default": _cell(setting["default"])}
        for preset, values in entry["presets"].items():
            row[f"Preset {preset}"] = _cell(values.get(setting["name"], setting["default"]))
        rows.append({**row, "What it does": setting["help"]})
    return pd.DataFrame(rows)


def measured_costs(report: Report) -> dict[str, str]:
    """Return what the runs of each method in a comparison cost, in words; only of those that ran.

    Of a method with several settings what was first in the report.
    """
    table = report.summary
    table = table[table["metric"].isin(MEASURED)].dropna(subset="mean")
    means: dict[str, dict[str, float]] = {}
    for method, metric, mean in table[["method", "metric", "mean"]].itertuples(index=False):
        means.setdefault(method, {}).setdefault(metric, mean)
    return {method: _cost_words(method, of) for method, of in means.items() if SECONDS in of}


def _cost_words(method: str, means: Mapping[str, float]) -> str:
    costs = {name: format_value(name, means[name]) for name in MEASURED if name in means}
    texts = [costs[SECONDS]]
    if "speedup" in costs and method != "retrain":
        texts.append(f"{costs['speedup']} the speed of retraining")
    if "trainable_parameters" in costs:
        texts.append(f"{costs['trainable_parameters']} trained parameters")
    return ", ".join(texts)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all"
    return f"{value:g}" if isinstance(value, float) else str(value)
