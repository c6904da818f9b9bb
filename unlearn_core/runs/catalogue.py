"""The catalogue of methods, metrics, data sets and models as JSON, for pages, which load no torch.

Methods and models are Python modules that import torch, which takes seconds.  So their
registries are listed once in a process of their own, by `engine.registries`, and kept beside the
runs; the list is made again when the sources change, plugins included.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from unlearn_core import plugins
from unlearn_core.runs.apart import last_line, run_apart
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
    content = {**listed(store=store), "sources": sources}
    if not content["left_out"]:  # what a plugin lacks may be there the next time
        store.write_document(NAME, content)
    return content


def listed(*, store: Store | None = None, with_plugins: bool = True) -> dict[str, Any]:
    """List the registries in a process of its own; without plugins for what ships."""
    done = run_apart(REGISTRIES, store=store, environment=None if with_plugins else plugins.NONE)
    if done.returncode:
        raise RuntimeError(f"Could not list the methods: {last_line(done)}")
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
