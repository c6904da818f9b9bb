"""Write a run: fill its work folder, then make it a finished run by one rename."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from unlearn_core.config import RunConfig
from unlearn_core.runs.artefact import LOG, MANIFEST, RunArtefact
from unlearn_core.runs.manifest import manifest_bytes
from unlearn_core.runs.status import STATUS, Status, flush, write_status

CONFIG = "config.json"
CANCEL = "cancel"
LIVE = "live.jsonl"
SCRATCH = (CONFIG, CANCEL, LIVE)


class RunWriter:
    """Writes the files of one run; only `Store.begin` makes one."""

    def __init__(self, folder: Path, config: RunConfig, status: Status) -> None:
        self.folder, self.config, self.status = folder, config, status

    def arrays(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write arrays as one safetensors file."""
        content = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
        self._write(name, save_arrays(content))

    def table(self, name: str, table: pd.DataFrame) -> None:
        """Write a parquet table."""
        path = self.folder / name
        table.to_parquet(path, index=False, compression="zstd")

    def json(self, name: str, content: Any) -> None:
        """Write JSON; NaN is refused, because missing is null with a reason."""
        self._write(name, json.dumps(content, separators=(",", ":"), allow_nan=False).encode())

    def text(self, name: str, content: str) -> None:
        """Write a text, such as a tokenizer."""
        self._write(name, content.encode())

    def tensors(self, name: str, tensors: Mapping[str, Any]) -> None:
        """Write torch tensors as one safetensors file."""
        from safetensors.torch import save

        content = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        self._write(name, save(content))

    def link(self, source: RunArtefact, name: str) -> None:
        """Share a file of another run, without a second copy where the disk allows it."""
        if name not in source.files:  # kept compressed, as in shipped runs
            self._write(name, source.read(name))
            return
        try:
            os.link(source.folder / name, self.folder / name)
        except OSError:
            shutil.copyfile(source.folder / name, self.folder / name)

    def log(self, line: str) -> None:
        """Add a line to the run's log."""
        add_to_log(self.folder, line)

    def live(self, row: Mapping[str, Any]) -> None:
        """Add a row to the history that pages draw while the run is made."""
        with (self.folder / LIVE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def update(self, **changes: Any) -> Status:
        """Write the status with these fields changed."""
        self.status = replace(self.status, updated=time.time(), **changes)
        write_status(self.folder, self.status)
        return self.status

    def commit(self, runs: Path, facts: Mapping[str, Any]) -> None:
        """Write the manifest, then make the run visible by one rename.

        All of it is on the disk before the rename is: after a power loss the run is whole or not
        there, never listed with an empty manifest.
        """
        files = {
            path.relative_to(self.folder).as_posix(): describe_file(path)
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not _is_scratch(path)
        }
        manifest = {"config": self.config.to_dict(), **facts, "files": files}
        self._write(MANIFEST, manifest_bytes(manifest))
        _flush_folder(self.folder)
        runs.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            if _is_scratch(path):
                path.unlink(missing_ok=True)
        target = runs / self.config.key()
        shutil.rmtree(target, ignore_errors=True)  # a corrupt earlier run, about to be replaced
        self.folder.rename(target)
        flush(runs)

    def fail(self, state: str, message: str, details: str = "") -> None:
        """Keep request, status and log of a run that did not finish, and nothing else.

        On a full disk the big files must go first, so that there is room to say why.  Each step is
        tried whatever became of the one before.
        """
        steps = (
            partial(_clear, self.folder, CONFIG, LOG, CANCEL),  # a cancel holds for all who wait
            partial(_write_request, self.folder, self.config),  # `commit` may have removed it
            partial(self.update, state=state, message=message),
            partial(self.log, details),
        )
        for step in steps if details else steps[:-1]:
            with contextlib.suppress(OSError):
                step()

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def ask_for(folder: Path, config: RunConfig) -> Status:
    """Empty a run's work folder, and write its config and a status as queued.

    The folder itself stays, with a request to cancel that may come at this very moment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder, CANCEL)
    status = Status(key=config.key(), method=config.method, seed=config.seed)
    try:
        _write_request(folder, config)
        write_status(folder, status)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)  # half a request is none
        raise
    return status


def add_to_log(folder: Path, line: str) -> None:
    """Add a line to the log in a work folder."""
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _write_request(folder: Path, config: RunConfig) -> None:
    """Write the config of the run that a work folder is for, if it is not there yet."""
    path = folder / CONFIG
    if not path.exists():
        path.write_text(json.dumps(config.to_dict()), encoding="utf-8")
        flush(path)


def _flush_folder(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        flush(path)


def _clear(folder: Path, *kept: str) -> None:
    """Empty a work folder but for these files and the status, which others may be writing."""
    for path in folder.iterdir():
        if path.name not in kept and not path.name.startswith(STATUS):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _is_scratch(path: Path) -> bool:
    """Say whether a file is only of use while the run is made; half-written statuses too."""
    return path.name in SCRATCH or path.name.startswith(STATUS)


def describe_file(path: Path) -> dict[str, Any]:
    """Return a file's size and SHA-256."""
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
