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
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard
from uuid import uuid4

import numpy as np

from unlearn_core.data.base import Dataset, DatasetSpec
from unlearn_core.data.content import hash_file
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.machine import default_root, free_bytes

FOLDER = "decoded"
PIXELS, ARRAYS, FACTS = "pixels.npy", "arrays.npz", "facts.txt"
SPARE_BYTES = 1_000_000_000  # left free on the disk: runs need it more
ABANDONED_SECONDS = 24 * 3600  # nobody writes for so long


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
    reader = _reader(spec)
    if not content or spec.embedded is not None or not reader:
        return spec.load(folder)
    kept = default_root() / FOLDER / f"{spec.name}-{content}-{reader}"
    dataset: Dataset | None = _read(kept)
    if dataset is None:
        dataset = spec.load(folder)
        if _can_be_kept(dataset):
            _keep(dataset, kept, older="" if folder.name == content else spec.name)
            dataset = _read(kept) or dataset
    return dataset


def _reader(spec: DatasetSpec) -> str:
    """Return a hash of the code that reads a data set: its loader's file and this package.

    Empty where the loader has no file: whether it changed could not be told.
    """
    try:
        own = inspect.getsourcefile(inspect.unwrap(spec.load))
    except TypeError:  # a callable object, not a function
        return ""
    return _hash_sources(own) if own and Path(own).is_file() else ""


def _can_be_kept(dataset: Dataset) -> TypeGuard[ImageDataset]:
    """Say whether it is only what `ImageDataset` declares, so that it comes back as it was."""
    if type(dataset) is not ImageDataset:
        return False
    values = [
        value
        for field in fields(dataset)
        if (value := getattr(dataset, field.name)) is not field.default
    ]
    texts = [value for value in values if isinstance(value, tuple)]
    plain = all(type(entry) in (str, int, float) for value in texts for entry in value)
    return plain and all(isinstance(value, tuple | np.ndarray) for value in values)


@cache
def _hash_sources(own: str) -> str:
    digest = hashlib.sha256()
    for path in sorted({*Path(__file__).parent.glob("*.py"), Path(own)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _read(kept: Path) -> ImageDataset | None:
    """Return what is kept, or None where it is not there or not what was written."""
    try:
        text, checksum = (kept / FACTS).read_text(encoding="utf-8").splitlines()
        if _hash(text) != checksum:
            return None
        facts = json.loads(text)
        if any(hash_file(kept / name) != wanted for name, wanted in facts["files"].items()):
            return None
        # copy on write: nobody's change reaches the file, and torch takes it without a copy
        pixels = np.load(kept / PIXELS, mmap_mode="c", allow_pickle=False)
        with np.load(kept / ARRAYS, allow_pickle=False) as arrays:
            values = dict(arrays)
        texts: dict[str, Any] = {name: tuple(value) for name, value in facts["values"].items()}
        return ImageDataset(images=pixels, **values, **texts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(dataset: ImageDataset, kept: Path, older: str) -> None:
    """Write a data set, and remove what was kept of the `older` files of the set of this name.

    Of an upload, whose folder is called by its content, there are none: uploads stay side by side.
    A full disk keeps nothing.
    """
    if free_bytes(kept.parent) < dataset.images.nbytes + SPARE_BYTES:
        return
    temporary = kept.with_name(f"{kept.name}.{uuid4().hex[:8]}.tmp")
    try:
        _write(dataset, temporary)
        shutil.rmtree(kept, ignore_errors=True)  # a damaged one
        temporary.replace(kept)
    except OSError:
        return  # no room, no permission, or another process was faster
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    hashes = "-".join("?" * len(part) for part in kept.name.split("-")[-2:])
    others = kept.parent.glob(f"{older}-{hashes}") if older else ()
    outdated = (other for other in others if other.name != kept.name)
    _remove([*outdated, *_abandoned(kept.parent)])


def forget_decoded(name: str, content: str) -> None:
    """Remove what is kept of the files of this content."""
    _remove((default_root() / FOLDER).glob(f"{name}-{content}-*"))


def _write(dataset: ImageDataset, folder: Path) -> None:
    folder.mkdir(parents=True)
    values = {field.name: getattr(dataset, field.name) for field in fields(dataset)}
    np.save(folder / PIXELS, values.pop("images"))
    arrays: dict[str, Any] = {
        name: value for name, value in values.items() if isinstance(value, np.ndarray)
    }
    np.savez(folder / ARRAYS, **arrays)
    texts = {name: value for name, value in values.items() if isinstance(value, tuple)}
    files = {name: hash_file(folder / name) for name in (PIXELS, ARRAYS)}
    facts = json.dumps({"values": texts, "files": files})
    (folder / FACTS).write_text(f"{facts}\n{_hash(facts)}", encoding="utf-8")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _abandoned(folder: Path) -> Iterator[Path]:
    """Yield what a process left behind that was ended while it wrote."""
    for temporary in folder.glob("*.tmp"):
        with suppress(OSError):
            if time.time() - temporary.stat().st_mtime > ABANDONED_SECONDS:
                yield temporary


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            shutil.rmtree(folder)
