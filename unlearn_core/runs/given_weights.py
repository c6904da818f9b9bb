"""Files of trained weights that a person gave as the original, kept in the store by their content.

``cache/weights/<hash>`` is the file as it came, so that a run can be made again, also by another
process or machine that shares the store, wherever the file lay.  It is read once: the base run has
the weights from then on.
"""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from unlearn_core.checks import InputError, KnownFailureError, MissingFileError
from unlearn_core.config import RunConfig
from unlearn_core.data.content import DIGITS, hash_file
from unlearn_core.runs.apart import last_line, run_apart
from unlearn_core.runs.store import Store

FOLDER = "weights"
FITTING = "unlearn_core.engine.given"  # named, not imported: it loads torch


@dataclass(frozen=True, kw_only=True)
class GivenWeights:
    """A kept file of weights; `added` is in seconds since 1970."""

    content: str
    name: str
    n_bytes: int
    added: float


def keep(root: Path, file: Path) -> str:
    """Copy a file into the store and return the hash by which configs name it, 16 hex digits."""
    content = hash_file(file)[:DIGITS]
    kept = root / FOLDER / content
    if not kept.is_file() or hash_file(kept)[:DIGITS] != content:
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_name(f"{content}.{uuid4().hex[:8]}.tmp")
        try:
            shutil.copyfile(file, temporary)
            temporary.replace(kept)
        finally:
            temporary.unlink(missing_ok=True)
    return content


def find(root: Path, content: str) -> Path:
    """Return the file of this hash.

    Raises
    ------
    MissingFileError
        If the store does not hold it.
    KnownFailureError
        If its content is another by now.
    """
    kept = root / FOLDER / content
    if not kept.is_file():
        raise MissingFileError(
            f"The trained weights {content} are not in {kept.parent}: give their file once more "
            "with --weights."
        )
    if hash_file(kept)[:DIGITS] != content:
        raise KnownFailureError(
            f"{kept} has changed since it was kept: give the file once more with --weights."
        )
    return kept


def all_kept(root: Path) -> list[GivenWeights]:
    """Return all kept files, the latest first; one without a name is called by its hash."""
    found = []
    for file in (root / FOLDER).glob("?" * DIGITS):
        told: dict[str, str] = {}
        with suppress(OSError, ValueError):
            told = json.loads(_note(root, file.name).read_text(encoding="utf-8"))
        with suppress(OSError):  # removed in this moment
            about = file.stat()
            name = told.get("name", file.name)
            found.append(
                GivenWeights(
                    content=file.name, name=name, n_bytes=about.st_size, added=about.st_mtime
                )
            )
    return sorted(found, key=lambda each: each.added, reverse=True)


def fitted(store: Store, config: RunConfig, file: Path, name: str = "") -> str:
    """Check weights against a config's network in a process of its own; keep them, return the hash.

    `name` is what they shall be called.

    Raises
    ------
    InputError
        If the file cannot be read, or does not fit; one line with names and shapes.
    """
    described = json.dumps(config.to_dict())
    done = run_apart(FITTING, described, str(file), str(store.root), store=store)
    if done.returncode:
        raise InputError(last_line(done))
    content = done.stdout.split()[-1]
    if name:
        told = {"name": name, "added": time.time()}
        _note(store.root, content).write_text(json.dumps(told), encoding="utf-8")
    return content


def fit_of(store: Store, config: RunConfig) -> str:
    """Return why the kept weights that a config names do not fit its network; "" where they do."""
    try:
        fitted(store, config, find(store.root, config.model.weights))
    except (InputError, KnownFailureError) as error:
        return str(error)
    return ""


def remove(root: Path, content: str) -> None:
    """Remove a kept file; runs that started from it keep their weights."""
    _note(root, content).unlink(missing_ok=True)
    try:
        (root / FOLDER / content).unlink()
    except FileNotFoundError as error:
        raise MissingFileError(f"The weights {content} were removed already.") from error


def _note(root: Path, content: str) -> Path:
    return root / FOLDER / f"{content}.json"
