"""Run one of the program's modules in a process of its own, for pages, which load no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from unlearn_core import plugins
from unlearn_core.machine import PROJECT
from unlearn_core.runs.store import Store

Done = subprocess.CompletedProcess[str]


def run_apart(
    module: str,
    *arguments: str,
    store: Store | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> Done:
    """Run ``python -m module`` with these arguments and return how it ended, with what it wrote.

    It sees the same plugins, and `store` if one is given; `environment` has the last word.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer than `seconds`; it is ended then.
    """
    shared = {} if store is None else {"UNLEARN_CACHE": str(store.root.resolve())}
    place = plugins.folder()
    if place is not None:  # named whole: elsewhere a relative path would be another
        shared[plugins.FOLDER] = str(place)
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env={**os.environ, **shared, **(environment or {})},
    )


def last_line(done: Done) -> str:
    """Return the last line of what a process said was wrong."""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"it ended with exit code {done.returncode}"
