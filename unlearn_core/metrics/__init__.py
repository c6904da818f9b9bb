"""Metrics. Importing this package fills `METRICS`; add a topic by adding a line here."""

from unlearn_core.metrics import (
    accuracy,
    alignment,
    clustering,
    cost,
    distance,
    membership,
    probing,
)
from unlearn_core.metrics.base import METRICS, Cost, Evidence, MetricSpec, evaluate

__all__ = [
    "METRICS",
    "Cost",
    "Evidence",
    "MetricSpec",
    "accuracy",
    "alignment",
    "clustering",
    "cost",
    "distance",
    "evaluate",
    "membership",
    "probing",
]
