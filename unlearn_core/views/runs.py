"""Everything that a store holds, as a table that can be searched, and what tells runs apart."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from unlearn_core.config import RunConfig
from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.inventory import size_of
from unlearn_core.views.jobs import run_name
from unlearn_core.views.wording import format_value, run_title

COLUMNS = ["Run", "Seed", "Settings", "Comparison", "Origin", "Made", "Seconds", "MB", "Key"]
SEARCHED = ("Run", "Settings", "Comparison", "Origin")
NUMBER = r"[\d.,]*\d"
OWN, SHIPPED = "made here", "came with the project"
COMPARED = (
    *("forget_accuracy", "retain_test_accuracy", "perplexity_forget", "perplexity_retain_test"),
    *("dimensional_alignment", "unlearn_seconds"),
)


def runs_table(
    runs: Sequence[RunArtefact], shipped: Collection[str], labels: Mapping[str, str]
) -> pd.DataFrame:
    """Return one row a run, with the columns of `COLUMNS`; `shipped` are keys."""
    rows = [
        {
            "Run": run_name(run.config, labels),
            "Seed": run.config.seed,
            "Settings": ", ".join(f"{name} {value}" for name, value in run.unusual.items()),
            "Comparison": run_title(run.config, run.class_names),
            "Origin": SHIPPED if run.key in shipped else OWN,
            "Made": datetime.fromtimestamp(run.created),
            "Seconds": run.total_seconds,
            "MB": size_of(run) / 1e6,
            "Key": run.key,
        }
        for run in runs
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def found(table: pd.DataFrame, words: str, origins: Collection[str]) -> pd.DataFrame:
    """Return the rows that hold every word, of these origins (all where none is named).

    In what a person reads, `SEARCHED`; upper and lower case are alike.  A number is found as a
    whole, so that "class 3" does not find class 5 of 3,000 images.
    """
    chosen = table[table["Origin"].isin(origins)] if origins else table
    text = chosen[list(SEARCHED)].agg(" ".join, axis=1).str.lower()
    for word in words.lower().split():
        is_number = re.fullmatch(NUMBER, word) is not None
        wanted = rf"(?<![\d.,]){re.escape(word)}(?![\d]|[.,]\d)" if is_number else re.escape(word)
        chosen = chosen[text[chosen.index].str.contains(wanted, regex=True)]
    return chosen


def size_text(n_bytes: int) -> str:
    """Return a size for people.

    Examples
    --------
    >>> size_text(3_400_000), size_text(2_500_000_000)
    ('3 MB', '2.5 GB')
    """
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def removal_text(
    chosen: Sequence[RunConfig], also: Sequence[RunConfig], labels: Mapping[str, str]
) -> str:
    """Return in Markdown what would be removed, and what else because it needs that."""
    text = f"**{_count(len(chosen))}** will be removed from the disk: {_names(chosen, labels)}."
    if also:
        text += f" So will **{_count(len(also))}** made from them: {_names(also, labels)}."
    return text


def _count(n: int) -> str:
    return "1 run" if n == 1 else f"{n} runs"


def _names(configs: Sequence[RunConfig], labels: Mapping[str, str], most: int = 8) -> str:
    names = [f"{run_name(config, labels)}, seed {config.seed}" for config in configs]
    more = f"; and {len(names) - most} more" if len(names) > most else ""
    return "; ".join(names[:most]) + more


def differences(runs: Sequence[RunArtefact], labels: Mapping[str, str]) -> pd.DataFrame:
    """Return what tells runs apart: a row a config field that differs, then key metrics.

    The first column is the field, then one column a run, named by method, seed and key.
    """
    plain = [_flat({**run.config.to_dict(), "settings": dict(run.settings)}) for run in runs]
    fields = list(dict.fromkeys(name for one in plain for name in one))
    rows = [[name, *(str(one.get(name, "–")) for one in plain)] for name in fields]
    rows = [row for row in rows if len(set(row[1:])) > 1]
    for metric in COMPARED:
        values = [run.metrics()["values"].get(metric) for run in runs]
        rows.append([METRICS[metric].label, *(format_value(metric, value) for value in values)])
    names = [
        f"{run_name(run.config, labels)}, seed {run.config.seed} [{run.key[:6]}]" for run in runs
    ]
    return pd.DataFrame(rows, columns=["", *names])


def _flat(plain: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in plain.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[before + name] = value
    return flat
