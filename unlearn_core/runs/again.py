"""Compute metrics of finished runs again in another process, for pages, which load no torch."""

from __future__ import annotations

from collections.abc import Sequence

from unlearn_core.runs.apart import last_line, run_apart
from unlearn_core.runs.store import Store

REMEASURE = "unlearn_core.engine.remeasure"
NOT_MEASURED = "not measured"  # in the line of a run that could not be


def measured_again(store: Store, keys: Sequence[str]) -> list[str]:
    """Compute the metrics of these runs again; return a line for each that failed."""
    done = run_apart(REMEASURE, *keys, store=store)
    if done.returncode:
        return [last_line(done)]
    return [line for line in done.stdout.splitlines() if NOT_MEASURED in line]
