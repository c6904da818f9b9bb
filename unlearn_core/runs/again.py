"""Compute metrics of finished runs again in another process, for pages, which load no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from unlearn_core import plugins
from unlearn_core.machine import PROJECT
from unlearn_core.runs.store import Store

REMEASURE = "unlearn_core.engine.remeasure"
NOT_MEASURED = "not measured"  # in the line of a run that could not be


def measured_again(store: Store, keys: Sequence[str]) -> list[str]:
    """Compute the metrics of these runs again; return a line for each that failed."""
    done = subprocess.run(
        [sys.executable, "-m", REMEASURE, *keys],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "UNLEARN_CACHE": str(store.root.resolve()),
            plugins.FOLDER: str(plugins.folder() or ""),  # elsewhere, a relative path is not it
        },
    )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1:]
    return [line for line in done.stdout.splitlines() if NOT_MEASURED in line]
