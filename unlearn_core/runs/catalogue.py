"""What there is to choose from, as plain JSON, for pages that must not wait for torch.

Methods and models are Python modules that import torch, which takes seconds.  So their
registries are listed once in a process of their own, by `engine.registries`, and kept beside the
runs; the list is made again when the sources change.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from unlearn_core.runs.store import Store

NAME = "catalogue.json"
REGISTRIES = "unlearn_core.engine.registries"  # named, not imported: it loads torch
PACKAGE = Path(__file__).resolve().parents[1]
LISTED = ("methods", "models", "data", "metrics")


def catalogue(store: Store) -> dict[str, Any]:
    """Return `methods`, `metrics`, `datasets` and `models` as `engine.registries` lists them.

    Raises
    ------
    RuntimeError
        If the registries cannot be listed; the message is the last line of the error.
    """
    sources = fingerprint()
    for document in store.documents(NAME):
        if document.get("sources") == sources:
            return document
    content = {**listed(), "sources": sources}
    store.write_document(NAME, content)
    return content


def listed() -> dict[str, Any]:
    """List the registries in a process of its own."""
    command = [sys.executable, "-m", REGISTRIES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
    if done.returncode:
        raise RuntimeError(f"Could not list the methods: {done.stderr.strip().splitlines()[-1]}")
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def fingerprint() -> str:
    """Return a hash of the sources that fill the registries."""
    digest = hashlib.sha256()
    for folder in LISTED:
        for path in sorted((PACKAGE / folder).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
