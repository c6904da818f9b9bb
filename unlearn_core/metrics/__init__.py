"""Metrics. Importing this package fills `METRICS`; add a topic by adding a line here."""

from unlearn_core.metrics import (
    accuracy,
    alignment,
    attack_variants,
    attacks,
    backdoor,
    clustering,
    confusion,
    cost,
    distance,
    forgetting_quality,
    klom,
    membership,
    perplexity,
    probing,
    prototypes,
    reference_attack,
    relearning,
    rf_jsd,
    tug_of_war,
    wrong_answers,
    zrf,
)
from unlearn_core.metrics.base import METRICS, NO_COST, Cost, Evidence, MetricSpec, evaluate
from unlearn_core.plugins import load as _load_plugins

__all__ = [
    "METRICS",
    "NO_COST",
    "Cost",
    "Evidence",
    "MetricSpec",
    "evaluate",
]

_load_plugins("metric", METRICS)
