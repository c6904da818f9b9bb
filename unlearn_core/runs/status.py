"""The status of an unfinished run: state, stage and steps, in `cache/work/<key>/status.json`."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from unlearn_core.settings import require_type, types_of

STATUS = "status.json"
ACTIVE = ("queued", "running")
LOOPS = ("train", "learn", "unlearn")  # stages that go step by step
ENDED = ("failed", "cancelled", "interrupted")
STATES = (*ACTIVE, "finished", *ENDED)


@dataclass(frozen=True, kw_only=True)
class Status:
    """State and progress of one run that is not finished.

    Attributes
    ----------
    state : {"queued", "running", "finished", "failed", "cancelled", "interrupted"}
    stage : str
        What is being done: one of `LOOPS`, "record", "map" or "measure".
    step, total : int
        Steps of the training or unlearning loop.
    message : str
        The reason, where the run failed.
    losses : dict
        Latest losses by name, in nats.
    attempt : int
        How often it was begun: more than once where a process died that made it.
    queues : list of str
        Names of the processes that wait for it, as in `queue_owner`.
    created, updated : float
        Seconds since the epoch.
    """

    key: str
    method: str
    seed: int
    state: str = "queued"
    stage: str = ""
    step: int = 0
    total: int = 0
    message: str = ""
    losses: dict[str, float] = field(default_factory=dict)
    attempt: int = 0
    queues: list[str] = field(default_factory=list)
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)

    @property
    def fraction(self) -> float:
        """Share of the loop's steps that are done, in [0, 1]."""
        return min(1.0, self.step / self.total) if self.total else 0.0


def write_status(folder: Path, status: Status) -> None:
    """Write `status.json`, whole or not at all.

    What a run waits for or ended with survives a power loss.  The progress of a run that is being
    made does not: it is written five times a second, the loop would wait for the disk each time,
    and nothing of that run would survive anyway.
    """
    temporary = folder / f"{STATUS}.{uuid.uuid4().hex}.tmp"  # a person may cancel meanwhile
    temporary.write_text(json.dumps(asdict(status)), encoding="utf-8")
    if status.state != "running":
        flush(temporary)
    temporary.replace(folder / STATUS)


def read_status(folder: Path) -> Status | None:
    """Read `status.json`; None where there is none.

    What cannot be read, as after a loss of power, is the status of an interrupted run.
    """
    path = folder / STATUS
    try:
        return _from_plain(json.loads(read_text(path)), folder.name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        why = f"{path} cannot be read ({error}); nothing of the run was saved"
        return Status(key=folder.name, method="unknown", seed=0, state="interrupted", message=why)


def _from_plain(plain: Any, key: str) -> Status:
    """Build the status of the run `key`; what a newer version writes besides is left out."""
    if not isinstance(plain, dict):
        raise ValueError("it holds no object")
    status = Status(**{f.name: plain[f.name] for f in fields(Status) if f.name in plain})
    for name, wanted in types_of(Status).items():
        require_type(name, getattr(status, name), wanted)
    if status.state not in STATES:
        raise ValueError(f"{status.state!r} is no state of a run")
    if status.key != key:
        raise ValueError(f"it is the status of the run {status.key}")
    return status


def read_text(path: Path, errors: str = "strict") -> str:
    """Read a text file that another process may have written, and wait for no pipe or device."""
    if path.exists() and not path.is_file():
        raise OSError("it is no file")
    return path.read_text(encoding="utf-8", errors=errors)


def flush(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk itself."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder, and keeps its names in a journal
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
