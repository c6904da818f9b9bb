"""A class learned as new: the model before and after, and which classes it lay near before.

Unlearning is the reverse of learning one more class.  The *old* model is the retrained one, which
has not seen the class; the *new* model is the same, trained on with all of D.
Source: MUDA, arXiv:2407.17710, section 3.1 and figure 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from unlearn_core.config import ForgetConfig
from unlearn_core.data import Dataset
from unlearn_core.metrics.nearest import nearest_class_shares
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import ARRAYS, RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.plan import LEARNABLE
from unlearn_core.runs.report import about

OLD, NEW = "old", "new"


def can_be_learned(forget: ForgetConfig) -> bool:
    """Say whether the request is for something that a model can learn as new."""
    return forget.kind in LEARNABLE


def old_and_new(comparison: Comparison, seed: int) -> dict[str, RunArtefact]:
    """Return the old and the new model's run of a seed by "old" and "new", where they exist."""
    runs = {OLD: comparison.reference("retrain", seed), NEW: comparison.incremental(seed)}
    return {name: run for name, run in runs.items() if run is not None}


def incremental_report(comparison: Comparison, dataset: Dataset, sets: Sets) -> dict[str, Any]:
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
        for name, run in old_and_new(comparison, seed).items()
    ]
    return {"comparison": about(comparison), "models": models}


def nearest_classes(run: RunArtefact, dataset: Dataset, sets: Sets) -> dict[str, float]:
    """Return the share of D_f's examples that lie nearest to each class of D_r, by its name.

    Nearest is the class whose mean feature has the largest cosine with the example's.  Empty where
    the run has no recorded features, or they are not finite.
    """
    records = run.records() if run.has(ARRAYS) else None
    if records is None or not records.features.shape[1] or not np.isfinite(records.features).all():
        return {}
    forget, retain = (
        records.where(mask[records.example_ids]) for mask in (sets.forget, sets.retain)
    )
    shares = nearest_class_shares(forget.features, retain.features, retain.labels)
    return {dataset.class_names[number]: share for number, share in shares.items()}
