"""The incremental view: features of a class before and after a model learns it.

Unlearning is the reverse of learning one more class.  The *old* model is the retrained one, which
has not seen the class; the *new* model is the same, trained on with all of D.
Source: MUDA, arXiv:2407.17710, section 3.1 and figure 1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from unlearn_core.config import ForgetConfig
from unlearn_core.data import Dataset
from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.nearest import nearest_class_shares
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import ARRAYS, RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.plan import LEARNABLE
from unlearn_core.runs.report import about
from unlearn_core.views import history as curves
from unlearn_core.views.manifold.small_maps import small_map
from unlearn_core.views.wording import format_value

OLD, NEW = "old", "new"
MODELS = {OLD: "Old model", NEW: "New model"}
LEAST_SHOWN = 0.02
SHOWN = (
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


def can_be_learned(forget: ForgetConfig) -> bool:
    """Say whether the request is for something that a model can learn as new."""
    return forget.kind in LEARNABLE


def pair(comparison: Comparison, seed: int) -> dict[str, RunArtefact]:
    """Return the old and the new model's run of a seed by "old" and "new", where they are there."""
    found = {OLD: comparison.reference("retrain", seed), NEW: comparison.incremental(seed)}
    return {name: run for name, run in found.items() if run is not None}


def report(comparison: Comparison, dataset: Dataset, sets: Sets) -> dict[str, Any]:
    """Return old and new model of every seed as JSON types: what `incremental --json` writes.

    `comparison` is as in a comparison's report; each of `models` has `name` ("old" or "new"),
    `seed`, `key`, `metrics`, `reasons`, `nearest_classes` and what makes it again.
    """
    models = [
        {
            "name": name,
            "seed": seed,
            "key": run.key,
            "metrics": comparison.metrics(run)["values"],
            "reasons": comparison.metrics(run)["reasons"],
            "nearest_classes": nearest_classes(run, dataset, sets),
            **run.origin(),
        }
        for seed in comparison.seeds
        for name, run in pair(comparison, seed).items()
    ]
    return {"comparison": about(comparison), "models": models}


def nearest_classes(run: RunArtefact, dataset: Dataset, sets: Sets) -> dict[str, float]:
    """Return the share of D_f's examples that lie nearest to each class of D_r, by its name.

    Nearest is the class whose mean feature has the largest cosine with the example's.  Empty where
    the run has no recorded features, or they are not finite.
    """
    records = run.records() if run.has(ARRAYS) else None
    if records is None or not np.isfinite(records.features).all():
        return {}
    forget, retain = (
        records.where(mask[records.example_ids]) for mask in (sets.forget, sets.retain)
    )
    shares = nearest_class_shares(forget.features, retain.features, retain.labels)
    return {dataset.class_names[number]: share for number, share in shares.items()}


def metric_rows(comparison: Comparison, also: Collection[str] = ()) -> pd.DataFrame:
    """Return one row per model, seed and metric of `SHOWN`.

    Columns: `model`, `seed`, `metric`, `value` (NaN where missing) and `reason`.  Old and new model
    come first in every seed, then the comparison's runs whose labels are in `also`.
    """
    rows = []
    for seed in comparison.seeds:
        models = {MODELS[name]: run for name, run in pair(comparison, seed).items()}
        others = {run.label: run for run in comparison.runs if run.config.seed == seed}
        models |= {name: run for name, run in others.items() if name in also}
        for name, run in models.items():
            content = comparison.metrics(run)
            for metric in SHOWN:
                value, reason = (content[part].get(metric) for part in ("values", "reasons"))
                rows.append((name, seed, metric, value, reason or ""))
    table = pd.DataFrame(rows, columns=["model", "seed", "metric", "value", "reason"])
    return table.astype({"value": float})


def table(comparison: Comparison, also: Collection[str] = ()) -> pd.DataFrame:
    """Return `metric_rows` as text: `Model`, `Seed` and one column per metric."""
    lines: dict[tuple[str, int], dict[str, Any]] = {}
    for row in metric_rows(comparison, also).to_dict("records"):
        key = (row["model"], row["seed"])
        line = lines.setdefault(key, {"Model": row["model"], "Seed": row["seed"]})
        line[METRICS[row["metric"]].label] = format_value(row["metric"], row["value"])
    return pd.DataFrame(list(lines.values()))


def nearest_text(shares: Mapping[str, float]) -> str:
    """Return the shares in words, such as "8 (52%), 5 (31%), 2 (17%)"; small ones together."""
    shown = {name: share for name, share in shares.items() if share >= LEAST_SHOWN}
    parts = [f"{name} ({share:.0%})" for name, share in shown.items()]
    rest = sum(shares.values()) - sum(shown.values())
    return ", ".join([*parts, *([f"others ({rest:.0%})"] if len(shown) < len(shares) else [])])


def course(comparison: Comparison, seed: int) -> pd.DataFrame:
    """Return what was noted while a seed's model learned, as `curves.course` does.

    The references are the original and the old model of the same seed.
    """
    runs = (
        comparison.reference("original", seed),
        comparison.reference("retrain", seed),
        comparison.incremental(seed),
    )
    return curves.course([run for run in runs if run is not None])


def steps_text(run: RunArtefact) -> str:
    """Return how long a model learned, such as "345 steps of learning"."""
    return f"{run.cost.steps:,} steps of learning"


def map_points(models: Mapping[str, RunArtefact], dataset: Dataset, sets: Sets) -> pd.DataFrame:
    """Return the points of both maps as `small_map` does, with the model's name as `title`.

    `models` is what `pair` returns; a model without a map has no rows.
    """
    parts = [
        small_map(run, dataset, sets).assign(title=MODELS[name]) for name, run in models.items()
    ]
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled or parts, ignore_index=True)
