"""Verdicts of a comparison, one per method variant, over its seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.verdict import COLLAPSE_DROP, HALF_WAY
from unlearn_core.views.tables import Report, tolerances

BEST_FIRST = ("matched", "under-forgotten", "over-forgotten", "collapsed", "unknown")
MEANING = {
    "matched": "close to the model that never saw the forget set",
    "under-forgotten": "still on the original's side: something of the forget set is left",
    "over-forgotten": "gone past the retrained model: it behaves unlike a model that never saw it",
    "collapsed": "what was to be kept is damaged",
    "unknown": "there is nothing to compare with",
    "original": "before unlearning",
    "reference": "trained without the forget set: the target",
}


def verdict_rows(report: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per method variant.

    Columns: `label`, `method`, `word` (the most frequent over seeds, the worse one of a tie),
    `agreement` (such as "2 of 3 seeds", "" for one seed) and `because`.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for run in report["runs"]:
        groups.setdefault(run["label"], []).append(run)
    rows = []
    for label, runs in groups.items():
        counts = Counter(run["verdict"] for run in runs)
        word = max(counts, key=lambda w: (counts[w], _rank(w)))
        single = len(runs) == 1 or len({run["because"] for run in runs}) == 1
        because = [
            run["because"] if single else f"seed {run['seed']}: {run['because']}"
            for run in (runs[:1] if single else runs)
        ]
        agreement = f"{counts[word]} of {len(runs)} seeds" if len(runs) > 1 else ""
        rows.append(
            {
                "label": label,
                "method": runs[0]["method"],
                "word": word,
                "agreement": agreement,
                "because": "; ".join(because),
            }
        )
    return pd.DataFrame(rows, columns=["label", "method", "word", "agreement", "because"])


def rule_text(report: Report) -> str:
    """Return the rule of `metrics.verdict` in words, with the numbers in force in a report."""
    accuracy, alignment = METRICS["forget_accuracy"], METRICS["dimensional_alignment"]
    within = tolerances(report)
    points, apart = f"{within[accuracy.name] * 100:.1f}", f"{within[alignment.name]:.2g}"
    return "\n".join(
        [
            f"1. **collapsed**: {METRICS['retain_test_accuracy'].label} is more than "
            f"{COLLAPSE_DROP * 100:.0f} points below the original's.",
            f"2. **under-forgotten**: {accuracy.label} is more than "
            f"{points} points off the retrained model's, on the original's "
            f"side; or {alignment.label} has made less than {1 - HALF_WAY:.0%} of the way from the "
            "original's value to the retrained model's.",
            f"3. **over-forgotten**: {accuracy.label} or {alignment.label} has gone past the "
            f"retrained model's value, by more than {points} points or {apart}.",
            "4. **matched**: none of these.",
            "",
            f"{alignment.label} only counts where original and retrained differ in it by more than "
            f"{apart}. These limits are what retraining itself varies by, from three seeds on. "
            "With fewer they are fixed, but for few images at least what chance makes of them.",
        ]
    )


def _rank(word: str) -> int:
    return BEST_FIRST.index(word) if word in BEST_FIRST else len(BEST_FIRST)
