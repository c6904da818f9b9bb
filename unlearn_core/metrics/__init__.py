"""Metrics. Importing this package fills `METRICS`; add a topic by adding a line here."""

from unlearn_core.metrics import (
    accuracy,
    alignment,
    attack_variants,
    attacks,
    backdoor,
    clustering,
    cost,
    distance,
    ignorance,
    membership,
    probing,
)
from unlearn_core.metrics.base import METRICS, NO_COST, Cost, Evidence, MetricSpec, evaluate

__all__ = [
    "METRICS",
    "NO_COST",
    "Cost",
    "Evidence",
    "MetricSpec",
    "accuracy",
    "alignment",
    "attack_variants",
    "attacks",
    "backdoor",
    "clustering",
    "cost",
    "distance",
    "evaluate",
    "ignorance",
    "membership",
    "probing",
]
