"""What `list` prints: registries and runs as plain JSON types."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from unlearn_core.runs.artefact import CorruptRunError
from unlearn_core.runs.store import Store, default_root


def _list_methods() -> list[dict[str, Any]]:
    from unlearn_core.methods import catalogue

    return catalogue()


def _list_metrics() -> list[dict[str, Any]]:
    from unlearn_core.metrics import METRICS

    keep = ("name", "label", "group", "ideal", "bounds", "unit", "source", "definition")
    return [{name: getattr(spec, name) for name in keep} for spec in METRICS.values()]


def _list_datasets() -> list[dict[str, Any]]:
    from unlearn_core.data import DATASETS

    return [{"name": s.name, "label": s.label, "source": s.source} for s in DATASETS.values()]


def _list_models() -> list[dict[str, Any]]:
    from unlearn_core.models import MODELS

    return [{"name": s.name, "label": s.label, "source": s.source} for s in MODELS.values()]


def _list_all() -> dict[str, Any]:
    return {name: LISTS[name]() for name in ("methods", "metrics", "datasets", "models")}


def _list_runs() -> list[dict[str, Any]]:
    from unlearn_core.runs.comparison import label

    store = Store(default_root(), demo=True)
    runs = []
    for key in store.list():
        try:
            runs.append(store.load(key))
        except CorruptRunError as error:
            print(f"left out: {error}", file=sys.stderr)
    return [{"name": run.key, "label": label(run), "config": run.config.to_dict()} for run in runs]


LISTS: dict[str, Callable[[], Any]] = {
    "methods": _list_methods,
    "metrics": _list_metrics,
    "datasets": _list_datasets,
    "models": _list_models,
    "runs": _list_runs,
    "all": _list_all,
}
