"""Metrics computed again, for pages: by the command line, for it takes torch and some seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from unlearn_core import plugins
from unlearn_core.runs.store import Store

PROJECT = Path(__file__).resolve().parents[2]


def measured_again(store: Store, keys: Sequence[str]) -> list[str]:
    """Measure these runs again; return a line for each that could not be."""
    done = subprocess.run(
        [sys.executable, "-m", "unlearn_core", "measure", *keys],
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
    if not done.returncode:
        return []
    lines = [line for line in done.stdout.splitlines() if "not measured" in line]
    return lines or done.stderr.strip().splitlines()[-1:]
