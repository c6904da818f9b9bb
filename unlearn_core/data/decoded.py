"""Data sets as their loaders return them, kept so that pictures are decoded once.

Decoding 60,000 PNG images takes longer than an epoch of training.  What was read is kept in the
store's folder, under `decoded/`: the pixels as one array that is mapped into memory, so that
processes share it, beside labels and names.  The name says which files and which code it was read
with, so nothing old is served; every file has a checksum.  The folder can be
removed at any time.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_core.data.base import Dataset, DatasetSpec
from unlearn_core.machine import default_root, free_bytes

FOLDER = "decoded"
PIXELS, ARRAYS, FACTS = "pixels.npy", "arrays.npz", "facts.txt"
SPARE_BYTES = 1_000_000_000  # left free on the disk: runs need it more


def read_once(spec: DatasetSpec, folder: Path, content: str) -> Dataset:
    """Return the data set in `folder`; its pictures are decoded the first time only.

    Parameters
    ----------
    spec : DatasetSpec
    folder : Path
        Where its files are.
    content : str
        The hash of these files (`content.content_of`); "" keeps nothing.
    """
    if not content or spec.embedded is not None:
        return spec.load(folder)
    kept = default_root() / FOLDER / f"{spec.name}-{content}-{_reader(spec)}"
    dataset = _read(kept)
    if dataset is None:
        dataset = spec.load(folder)
        _keep(dataset, kept)
        dataset = _read(kept) or dataset
    return dataset


def _reader(spec: DatasetSpec) -> str:
    """Return a hash of the code that reads a data set: its loader's file and this package."""
    own = inspect.getsourcefile(inspect.unwrap(spec.load))
    return _hash_sources(own or "")


@cache
def _hash_sources(own: str) -> str:
    digest = hashlib.sha256()
    for path in sorted({*Path(__file__).parent.glob("*.py"), *([Path(own)] if own else [])}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _read(kept: Path) -> Dataset | None:
    """Return what is kept, or None where it is not there or not what was written."""
    try:
        text, checksum = (kept / FACTS).read_text(encoding="utf-8").splitlines()
        if _hash(text) != checksum:
            return None
        facts = json.loads(text)
        if any(_checksum(kept / name) != wanted for name, wanted in facts["files"].items()):
            return None
        # copy on write: nobody's change reaches the file, and torch takes it without a copy
        pixels = np.load(kept / PIXELS, mmap_mode="c", allow_pickle=False)
        with np.load(kept / ARRAYS, allow_pickle=False) as arrays:
            values = dict(arrays)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Dataset(images=pixels, **values, **_as_tuples(facts["values"]))


def _as_tuples(values: dict[str, list[Any]]) -> dict[str, Any]:
    return {name: tuple(value) for name, value in values.items()}


def _keep(dataset: Dataset, kept: Path) -> None:
    """Write a data set, and remove what was kept of older files; a full disk keeps nothing."""
    temporary = kept.with_name(f"{kept.name}.{os.getpid()}.tmp")
    if free_bytes(kept.parent) < dataset.images.nbytes + SPARE_BYTES:
        return
    try:
        _write(dataset, temporary)
        shutil.rmtree(kept, ignore_errors=True)  # a damaged one
        temporary.replace(kept)
    except OSError:
        return  # no room, no permission, or another process was faster
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    name = kept.name.split("-")[0]
    _remove(old for old in kept.parent.glob(f"{name}-*") if old.name != kept.name)


def _write(dataset: Dataset, folder: Path) -> None:
    folder.mkdir(parents=True)
    values = {field.name: getattr(dataset, field.name) for field in fields(dataset)}
    np.save(folder / PIXELS, values.pop("images"))
    arrays: dict[str, Any] = {
        name: value for name, value in values.items() if isinstance(value, np.ndarray)
    }
    np.savez(folder / ARRAYS, **arrays)
    texts = {name: value for name, value in values.items() if isinstance(value, tuple)}
    files = {name: _checksum(folder / name) for name in (PIXELS, ARRAYS)}
    facts = json.dumps({"values": texts, "files": files})
    (folder / FACTS).write_text(f"{facts}\n{_hash(facts)}", encoding="utf-8")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        if not folder.name.endswith(".tmp"):  # another process may be writing it
            with suppress(OSError):
                shutil.rmtree(folder)
