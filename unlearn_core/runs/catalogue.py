"""The catalogue of methods, metrics, data sets and models as JSON, for pages, which load no torch.

Methods and models are Python modules that import torch, which takes seconds.  So their
registries are listed once in a process of their own, by `engine.registries`, and kept beside the
runs; the list is made again when the sources change, plugins included.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from unlearn_core import plugins
from unlearn_core.runs.store import Store

NAME = "catalogue.json"
REGISTRIES = "unlearn_core.engine.registries"  # named, not imported: it loads torch
PACKAGE = Path(__file__).resolve().parents[1]
LISTED = ("methods", "models", "data", "metrics")


def catalogue(store: Store) -> dict[str, Any]:
    """Return `methods`, `metrics`, `datasets` and `models` as `engine.registries` lists them.

    `left_out` has a line for each plugin that could not be loaded.

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
    if not content["left_out"]:  # what a plugin lacks may be there the next time
        store.write_document(NAME, content)
    return content


def listed(*, with_plugins: bool = True) -> dict[str, Any]:
    """List the registries in a process of its own; without plugins for what ships."""
    folder = plugins.folder() if with_plugins else None
    done = subprocess.run(
        [sys.executable, "-m", REGISTRIES],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
        # the folder is named whole: from there a relative path would be another
        env={**os.environ, plugins.FOLDER: str(folder or "")},
    )
    if done.returncode:
        raise RuntimeError(f"Could not list the methods: {done.stderr.strip().splitlines()[-1]}")
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def fingerprint(*, with_plugins: bool = True) -> str:
    """Return a hash of the sources that fill the registries."""
    digest = hashlib.sha256()
    for folder in LISTED:
        for path in sorted((PACKAGE / folder).glob("*.py")):
            digest.update(path.read_bytes())
    for path in plugins.files() if with_plugins else []:
        for source in plugins.sources(path):
            digest.update(f"{source} ".encode() + source.read_bytes())
    return digest.hexdigest()[:16]
