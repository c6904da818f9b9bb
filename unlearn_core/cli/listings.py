"""What `list` prints: registries and runs as plain JSON types."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from unlearn_core.runs.artefact import CorruptRunError
from unlearn_core.runs.store import Store, default_root


def _registry(name: str) -> Callable[[], Any]:
    def entries() -> Any:
        from unlearn_core.engine import registries

        return getattr(registries, name)()

    return entries


def _list_runs() -> list[dict[str, Any]]:

    store = Store(default_root(), demo=True)
    runs = []
    for key in store.list():
        try:
            runs.append(store.load(key))
        except CorruptRunError as error:
            print(f"left out: {error}", file=sys.stderr)
    return [{"name": run.key, "label": run.label, "config": run.config.to_dict()} for run in runs]


LISTS: dict[str, Callable[[], Any]] = {
    **{name: _registry(name) for name in ("methods", "metrics", "datasets", "models")},
    "runs": _list_runs,
    "all": _registry("listed"),
}
