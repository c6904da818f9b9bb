"""A hash of a data set's files, by which a run notices that its data has changed.

Two folders with the same files have the same hash.  It is computed again only where a file's size
or dates say that something may have changed, so asking is cheap: one look at each file's entry.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig
from unlearn_core.data.base import DatasetSpec, data_root, get_dataset
from unlearn_core.data.uploaded import folder_with

KEPT = ".content.json"
NOT_DATA = re.compile(r"(readme|licen[cs]e)(\.(md|rst|txt|html?|pdf))?", re.IGNORECASE)
DIGITS = 16
READERS = 8


def is_data(name: str) -> bool:
    """Say whether a file of this name is part of the data that it lies beside.

    >>> is_data("license_plate.png"), is_data("README.txt"), is_data(".hidden.png")
    (True, False, False)
    """
    return not name.startswith(".") and NOT_DATA.fullmatch(name) is None


class DataChangedError(InputError):
    """The files of a data set are not those that a run was asked for with."""


def content_of(name: str, wanted: str = "") -> str:
    """Return the hash of a data set's files, 16 hex digits; "" where there are none.

    `wanted` is the content that a config names, which may be kept as an upload.
    """
    spec = get_dataset(name)
    if spec.embedded is not None:
        return hash_file(spec.embedded())[:DIGITS]
    return hash_folder(folder_of(spec, wanted))


def hash_folder(folder: Path) -> str:
    """Return the hash of the files in a folder, 16 hex digits; "" where there are none."""
    files = sorted(_files(folder))
    if not files:
        return ""
    looks = _digest(
        f"{path} {size} {modified} {changed}" for path, size, modified, changed in files
    )
    kept = _kept(folder)
    if kept.get("looks") == looks:
        return str(kept.get("content"))
    content = _hash_files(folder, [path for path, *_ in files])
    _keep(folder, {"looks": looks, "content": content})
    return content


def with_content(config: DataConfig) -> DataConfig:
    """Return the config with the hash of the data that is there now.

    What ships with the program has none in its configs: it changes with the program alone.
    """
    if config.content or get_dataset(config.name).embedded is not None:
        return config
    return replace(config, content=content_of(config.name))


def require_content(config: DataConfig) -> None:
    """Raise `DataChangedError` unless the files are those that the config names."""
    if not config.content:
        return
    now = content_of(config.name, config.content)
    if now and now != config.content:
        raise DataChangedError(
            f"The files of the data set {config.name!r} in "
            f"{folder_of(get_dataset(config.name), config.content)} "
            f"must be those of content {config.content}, got {now}: they have changed since. "
            "Launch the comparison again to work on the changed data."
        )


def folder_of(spec: DatasetSpec, content: str = "") -> Path:
    """Return the folder that a data set is read from: an upload of this content, or the root's."""
    return folder_with(content) or data_root() / (spec.folder or spec.name)


Look = tuple[str, int, int, int]
"""A file's path in its folder, its size in bytes, and when content and entry last changed."""


def _files(folder: Path) -> Iterator[Look]:
    """Yield a look at every regular file, also behind links; a folder is entered once."""
    start = len(str(folder)) + 1
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            about = here.stat()
            entries = list(os.scandir(here))
        except OSError:  # not there, not a folder, or not readable: then the loader tells
            continue
        if (about.st_dev, about.st_ino) in seen:
            continue
        seen.add((about.st_dev, about.st_ino))
        for entry in entries:
            if not is_data(entry.name):
                continue
            with suppress(OSError):
                look = entry.stat()
                if stat.S_ISDIR(look.st_mode):
                    waiting.append(Path(entry.path))
                elif stat.S_ISREG(look.st_mode):
                    yield entry.path[start:], look.st_size, look.st_mtime_ns, look.st_ctime_ns


def _hash_files(folder: Path, paths: Sequence[str]) -> str:
    with ThreadPoolExecutor(READERS) as pool:  # most of the time goes into opening small files
        hashes = pool.map(lambda path: hash_file(folder / path), paths)
        return _digest(f"{path} {content}" for path, content in zip(paths, hashes, strict=True))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(lines: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()[:DIGITS]


def _places(folder: Path) -> tuple[Path, Path]:
    """Return where the hash is kept: beside the data, else in the user's cache."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:DIGITS]
    return folder / KEPT, Path.home() / ".cache" / "unlearn" / "content" / f"{name}.json"


def _kept(folder: Path) -> dict[str, str]:
    for place in _places(folder):
        with suppress(OSError, ValueError):
            content = json.loads(place.read_text(encoding="utf-8"))
            if isinstance(content, dict):
                return content
    return {}


def _keep(folder: Path, content: dict[str, str]) -> None:
    for place in _places(folder):
        temporary = place.with_name(f"{place.name}.{os.getpid()}.tmp")
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(content), encoding="utf-8")
            temporary.replace(place)
            return
