"""The incremental view in tables and words: a class before and after a model learns it.

What the *old* and the *new* model are says `runs.incremental`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.incremental import old_and_new
from unlearn_core.views.names import INCREMENTAL_NAMES
from unlearn_core.views.wording import format_value

LEAST_NAMED = 0.02  # smaller shares are told together
TABLE_METRICS = (
    "dimensional_alignment",
    "effective_rank",
    "linear_probe_forget",
    "cluster_f1",
    "cluster_nmi",
    "forget_accuracy",
    "forget_test_accuracy",
    "retain_accuracy",
    "retain_test_accuracy",
)


def metric_rows(comparison: Comparison, also: Collection[str] = ()) -> pd.DataFrame:
    """Return one row per model, seed and metric of `TABLE_METRICS`.

    Columns: `model`, `seed`, `metric`, `value` (NaN where missing) and `reason`.  Old and new model
    come first in every seed, then the comparison's runs whose labels are in `also`.
    """
    rows = []
    for seed in comparison.seeds:
        models = {
            INCREMENTAL_NAMES[name]: run for name, run in old_and_new(comparison, seed).items()
        }
        others = {run.label: run for run in comparison.runs if run.config.seed == seed}
        models |= {name: run for name, run in others.items() if name in also}
        for name, run in models.items():
            content = comparison.metrics(run)
            for metric in TABLE_METRICS:
                value, reason = (content[part].get(metric) for part in ("values", "reasons"))
                rows.append((name, seed, metric, value, reason or ""))
    table = pd.DataFrame(rows, columns=["model", "seed", "metric", "value", "reason"])
    return table.astype({"value": float})


def metric_table(comparison: Comparison, also: Collection[str] = ()) -> pd.DataFrame:
    """Return `metric_rows` as text: `Model`, `Seed` and one column per metric."""
    lines: dict[tuple[str, int], dict[str, Any]] = {}
    for row in metric_rows(comparison, also).to_dict("records"):
        key = (row["model"], row["seed"])
        line = lines.setdefault(key, {"Model": row["model"], "Seed": row["seed"]})
        line[METRICS[row["metric"]].label] = format_value(row["metric"], row["value"])
    return pd.DataFrame(list(lines.values()))


def nearest_text(shares: Mapping[str, float]) -> str:
    """Return the shares in words, such as "8 (52%), 5 (31%), 2 (17%)"; small ones together."""
    named = {name: share for name, share in shares.items() if share >= LEAST_NAMED}
    parts = [f"{name} ({share:.0%})" for name, share in named.items()]
    rest = sum(shares.values()) - sum(named.values())
    return ", ".join([*parts, *([f"others ({rest:.0%})"] if len(named) < len(shares) else [])])


def steps_text(run: RunArtefact) -> str:
    """Return how long a model learned, such as "345 steps of learning"."""
    return f"{run.cost.steps:,} steps of learning"
