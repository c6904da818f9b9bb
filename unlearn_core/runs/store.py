"""Read and write run folders: finished runs here, what is asked for in `asking.py`.

Only modules of `runs` touch these folders, and `engine/shipped.py`, which makes the last::

    cache/runs/<key>/     finished runs; `manifest.json` lists every file with size and SHA-256,
                          and has a checksum of its own (`manifest.py`)
    cache/work/<key>/     runs in progress, and what is left of those that did not finish
    cache/locks/          one lock a run, held by the process that makes it
    cache/owners/         one lock a process that waits for queued runs
    cache/demo/           finished runs that are shipped, read like the others
    cache/labels/         labels of data sets whose pictures do not ship (`kept_labels.py`)
    cache/weights/        files that were given as originals (`given_weights.py`); may be removed
    cache/decoded/        pictures of data sets, decoded (`data/decoded.py`); may be removed
    cache/selections/     examples that a person selected and named (`selections.py`)

A run becomes visible by one rename of its whole work folder, after its manifest was written:
`RunWriter.commit` in `writer.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout

from unlearn_core.checks import InputError
from unlearn_core.config import RunConfig
from unlearn_core.machine import default_root as default_root
from unlearn_core.runs.artefact import (
    COMPRESSED,
    LOG,
    MANIFEST,
    METRICS,
    MODEL,
    CorruptRunError,
    OtherVersionError,
    RunArtefact,
    RunNotFoundError,
)
from unlearn_core.runs.asking import AskedRuns
from unlearn_core.runs.manifest import manifest_bytes, read_manifest
from unlearn_core.runs.status import ACTIVE, flush, read_status, read_text, write_status
from unlearn_core.runs.writer import LIVE, RunWriter, ask_for, describe_file

Keys = list[str]  # named here, because inside `Store` the word `list` is a method
Lines = list[str]
Documents = list[dict[str, Any]]


class Store(AskedRuns):
    """Finished runs and runs in progress under one root.

    Parameters
    ----------
    root : path
        Made when the first run is written.
    demo : bool
        Whether to list the runs shipped in `<root>/demo` too; the store's own come first.
    """

    def __init__(self, root: Path | str, *, demo: bool = False) -> None:
        self.root = Path(root)
        folders = (self.root / name for name in ("runs", "work", "locks", "owners"))
        self.runs, self.work, self.locks, self.owners = folders
        roots = [self.root, *([self.root / "demo"] if demo else [])]
        self._sources = [root / "runs" for root in roots]
        self.labels = [root / "labels" for root in roots]

    # --- finished runs ---------------------------------------------------------------------

    def exists(self, key: str) -> bool:
        """Say whether a finished run of this key is here."""
        return self._folder(key) is not None

    def list(self) -> Keys:
        """Return the keys of all finished runs, oldest first."""
        manifests = {
            path.parent.name: path.stat().st_mtime_ns
            for source in reversed(self._sources)
            for path in source.glob(f"*/{MANIFEST}")
            if path.is_file()
        }
        return sorted(manifests, key=lambda key: (manifests[key], key))

    def load(self, key: str) -> RunArtefact:
        """Open a finished run.

        Raises
        ------
        RunNotFoundError
            If there is none of this key.
        CorruptRunError
            If its manifest cannot be read, a file is missing or has another size, or its
            config belongs to another key.
        OtherVersionError
            If another version of the program wrote it.
        """
        folder = self._folder(key)
        if folder is None:
            raise RunNotFoundError(f"There is no finished run {key} in {self.root}.")
        before = _mark(folder)
        try:
            return self._opened(folder, key)
        except CorruptRunError as error:
            if _mark(folder) != before:  # its metrics were replaced while it was opened
                return self.load(key)
            error.key = key
            raise

    def _opened(self, folder: Path, key: str) -> RunArtefact:
        path = folder / MANIFEST
        manifest = read_manifest(path)
        try:
            config = RunConfig.from_dict(manifest["config"])
            sizes = {name: entry["bytes"] for name, entry in manifest["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OtherVersionError(f"{path} was written by another version: {error}.") from error
        if config.key() != key:
            raise CorruptRunError(
                f"{folder} holds the config of run {config.key()}; another version wrote it, "
                "or it was moved. Delete this folder."
            )
        for name, size in sizes.items():
            file = folder / name
            if not file.is_file():
                raise CorruptRunError(f"{file} is missing.")
            if file.stat().st_size != size:
                raise CorruptRunError(
                    f"{file} has {file.stat().st_size} bytes, the manifest says {size}."
                )
        return RunArtefact(folder=folder, config=config, manifest=manifest)

    def leftovers(self) -> Keys:
        """Return the folders among the runs that hold no manifest, and so are no runs."""
        return [folder.name for source in self._sources for folder in _without_manifest(source)]

    def is_whole(self, key: str, *, weights: bool = False) -> bool:
        """Say whether a finished run is here and is what was written; each file is hashed once.

        With `weights`, also whether it holds its model, which most shipped runs have left out.
        """
        if not self.exists(key):
            return False
        try:
            run = self.load(key)
            run.require_whole()
        except CorruptRunError:
            return False
        return run.has(MODEL) or not weights

    def damaged_config(self, key: str) -> RunConfig | None:
        """Return the config of a damaged run; None where its manifest cannot be read.

        The config is trusted only where it has the key that the run's folder is called by.
        """
        folder = self._folder(key)
        if folder is None:
            return None
        try:
            plain = json.loads((folder / MANIFEST).read_bytes())
            config = RunConfig.from_dict(plain["config"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return config if config.key() == key else None

    def verify(self, key: str) -> Lines:
        """Return what is wrong with a finished run, one line each; empty if nothing is."""
        before = _mark(self._folder(key))
        try:
            artefact = self.load(key)
        except CorruptRunError as error:
            return [str(error)]
        faults = []
        for name in artefact.files:
            try:
                artefact.read(name, fresh=True)
            except CorruptRunError as error:
                faults.append(str(error))
        if faults and _mark(artefact.folder) != before:  # its metrics were replaced meanwhile
            return self.verify(key)
        return faults

    def delete(self, key: str) -> None:
        """Remove a run of this store, finished or not; shipped runs stay.

        Raises
        ------
        RunNotFoundError
            If there is none of this key.
        """
        folders = [folder for folder in (self.runs / key, self.work / key) if folder.exists()]
        if not folders:
            raise RunNotFoundError(f"There is no run {key} to delete in {self.root}.")
        for folder in folders:
            (folder / MANIFEST).unlink(missing_ok=True)  # from here on it is not a finished run
            shutil.rmtree(folder)

    def replace_metrics(self, key: str, content: Mapping[str, Any], **facts: Any) -> None:
        """Replace the metrics of a finished run of this store, and add `facts` to its manifest.

        Call with the run's lock held.  The run is whole and listed at every moment, whatever ends
        the process, because each manifest names one file that stays as long as it does: the new
        metrics are first written beside the old ones, under the name of compressed ones.
        """
        run = self.load(key)
        if run.folder.parent != self.runs:
            raise InputError(f"The run {key} came with the project and stays as it is.")
        raw = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        beside = METRICS + COMPRESSED
        names = [(METRICS, raw)]
        if METRICS in run.files:
            names.insert(0, (beside, pa.compress(raw, codec="zstd", asbytes=True)))
        others = {name: entry for name, entry in run.files.items() if name not in (METRICS, beside)}
        for name, written in names:
            _replace(run.folder / name, written)
            files = {**others, name: describe_file(run.folder / name)}
            plain = {k: v for k, v in run.manifest.items() if k != "checksum"}
            manifest = {**plain, **facts, "files": dict(sorted(files.items()))}
            _replace(run.folder / MANIFEST, manifest_bytes(manifest))
        (run.folder / beside).unlink(missing_ok=True)

    def fingerprint(self) -> str:
        """Return text that changes whenever a run is finished, redone or removed."""
        marks = [mark for source in self._sources for mark in sorted(_marks(source))]
        return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]

    def is_shipped(self, key: str) -> bool:
        """Say whether the run that `load` opens came with the project."""
        folder = self._folder(key)
        return folder is not None and folder.parent != self.runs

    def ships(self, key: str) -> bool:
        """Say whether a run of this key came with the project, even if it was made again here."""
        return any((source / key / MANIFEST).is_file() for source in self._sources[1:])

    def _folder(self, key: str) -> Path | None:
        for source in self._sources:
            if (source / key / MANIFEST).is_file():
                return source / key
        return None

    # --- other documents -------------------------------------------------------------------

    def documents(self, name: str) -> Documents:
        """Return the JSON documents of this name, the store's own first; unreadable ones not."""
        documents = []
        for folder in (self.root, *(source.parent for source in self._sources[1:])):
            try:
                documents.append(json.loads(read_text(folder / name)))
            except (OSError, ValueError, RecursionError):
                continue  # not there, or half a file: it can be made again
        return documents

    def write_document(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON document that can be made again, whole or not at all."""
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self.root / f"{name}.{os.getpid()}.tmp"
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(self.root / name)

    # --- runs in progress ------------------------------------------------------------------

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Lock a run while it is made; another process waits, and then finds it finished."""
        self.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self.locks / f"{key}.lock"):
            yield

    def is_locked(self, key: str) -> bool:
        """Say whether some process is making this run right now."""
        if not (self.locks / f"{key}.lock").exists():
            return False
        try:
            with FileLock(self.locks / f"{key}.lock", timeout=0):
                return False
        except Timeout:
            return True

    def begin(self, config: RunConfig) -> RunWriter:
        """Open an empty work folder for this run; call with its lock held."""
        folder = self.work / config.key()
        earlier = read_status(folder)
        status = replace(ask_for(folder, config), attempt=1)
        if earlier is not None and earlier.state in ACTIVE:  # it keeps its place in the queue
            status = replace(status, created=earlier.created, attempt=earlier.attempt + 1)
        write_status(folder, status)
        return RunWriter(folder, config, status)

    def live(self, key: str) -> pd.DataFrame:
        """Return the history of a run in progress so far; empty before its first step."""
        try:
            lines = read_text(self.work / key / LIVE, errors="replace").splitlines()
        except OSError:
            return pd.DataFrame()
        rows = []
        for line in lines:
            with suppress(ValueError, RecursionError):  # half a line, while it is written
                rows.append(json.loads(line))
        return pd.DataFrame([row for row in rows if isinstance(row, dict)])

    def log(self, key: str) -> str:
        """Return the log of a run, finished or not; empty where there is none."""
        folder = self._folder(key) or self.work / key
        path = folder / LOG
        return read_text(path, errors="replace") if path.is_file() else ""

    def clean(self) -> Keys:
        """Remove what unfinished runs left behind; what runs or waits stays. Return the keys."""
        leftovers = _without_manifest(self.runs)
        for folder in sorted(self.work.glob("*/")):
            key = folder.name
            if self.state(key) not in ACTIVE and not self.is_locked(key):
                leftovers.append(folder)
        for folder in leftovers:
            shutil.rmtree(folder, ignore_errors=True)
        return [folder.name for folder in leftovers]


def _mark(folder: Path | None) -> int:
    """Return what changes whenever a run's manifest is replaced."""
    try:
        return (folder / MANIFEST).stat().st_mtime_ns if folder else 0
    except OSError:
        return 0


def _replace(path: Path, content: bytes) -> None:
    """Write a file in one step that a power loss does not undo in part."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    flush(path.parent)


def _marks(source: Path) -> Iterator[str]:
    """Yield for each finished run its key and when it was written.

    A page asks for them some twenty times, of hundreds of runs: so names stay plain text.
    """
    with suppress(FileNotFoundError), os.scandir(source) as entries:
        for entry in entries:
            with suppress(OSError):  # not finished, or just removed
                written = os.stat(f"{entry.path}/{MANIFEST}").st_mtime_ns  # noqa: PTH116 - above
                yield f"{entry.name}:{written}"


def _without_manifest(runs: Path) -> list[Path]:
    return sorted(folder for folder in runs.glob("*/") if not (folder / MANIFEST).is_file())
