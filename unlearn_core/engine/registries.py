"""List all registered methods, metrics, data sets and models as JSON types.

``python -m unlearn_core.engine.registries`` prints all of it, for processes without torch.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from unlearn_core import plugins
from unlearn_core.data import DATASETS
from unlearn_core.methods import catalogue
from unlearn_core.metrics import METRICS
from unlearn_core.models import MODELS

METRIC_FIELDS = ("name", "label", "group", "ideal", "bounds", "unit", "source", "definition")

Entries = list[dict[str, Any]]


def methods() -> Entries:
    """Return every method with its settings and presets."""
    return catalogue()


def metrics() -> Entries:
    """Return every metric with its definition."""
    return [{name: getattr(spec, name) for name in METRIC_FIELDS} for spec in METRICS.values()]


def datasets() -> Entries:
    """Return name, label, source and usual model of every data set."""
    fields = ("name", "label", "source", "model")
    return [{name: getattr(spec, name) for name in fields} for spec in DATASETS.values()]


def models() -> Entries:
    """Return name, label and source of every model, its kind of tokenizer, and its task."""
    fields = ("name", "label", "source", "tokenizer")
    return [
        {
            **{name: getattr(spec, name) for name in fields},
            "task": spec.task.name,
            "writes": spec.task.writes,
        }
        for spec in MODELS.values()
    ]


def listed() -> dict[str, Any]:
    """Return the entries of all registries, by registry, and a line for each broken plugin."""
    return {
        "methods": methods(),
        "metrics": metrics(),
        "datasets": datasets(),
        "models": models(),
        "left_out": plugins.broken(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(listed(), indent=1) + "\n")
