"""Fill a work folder and turn it into a finished run. Only `store.py` opens one of these."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from unlearn_core.config import RunConfig
from unlearn_core.runs.artefact import LOG, MANIFEST, RunArtefact
from unlearn_core.runs.status import STATUS, Status, write_status

CONFIG = "config.json"
CANCEL = "cancel"
LIVE = "live.jsonl"
SCRATCH = (CONFIG, CANCEL, LIVE)


class RunWriter:
    """Fills a work folder and, at the end, turns it into a finished run."""

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
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

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
        """Write the manifest, then make the run visible by one rename."""
        for path in [*(self.folder / name for name in SCRATCH), *self.folder.glob(f"{STATUS}*")]:
            path.unlink(missing_ok=True)
        names = sorted(p.relative_to(self.folder) for p in self.folder.rglob("*") if p.is_file())
        files = {name.as_posix(): describe_file(self.folder / name) for name in names}
        self.json(MANIFEST, {"config": self.config.to_dict(), **facts, "files": files})
        runs.mkdir(parents=True, exist_ok=True)
        target = runs / self.config.key()
        shutil.rmtree(target, ignore_errors=True)  # a corrupt earlier run, about to be replaced
        self.folder.rename(target)

    def fail(self, state: str, message: str) -> None:
        """Keep status and log of a run that did not finish, and nothing else.

        A request to cancel stays too: it holds for everyone who waits, until one asks again.
        """
        self.update(state=state, message=message)
        clear(self.folder, CONFIG, LOG, CANCEL)

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def clear(folder: Path, *kept: str) -> None:
    """Empty a work folder but for these files and the status, which others may be writing."""
    for path in folder.iterdir():
        if path.name not in kept and not path.name.startswith(STATUS):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def describe_file(path: Path) -> dict[str, Any]:
    """Return a file's size and SHA-256."""
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
