"""Where a run in progress stands: `cache/work/<key>/status.json`."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path

STATUS = "status.json"
ACTIVE = ("queued", "running")
ENDED = ("failed", "cancelled", "interrupted")


@dataclass(frozen=True, kw_only=True)
class Status:
    """State and true progress of one run.

    Attributes
    ----------
    state : {"queued", "running", "finished", "failed", "cancelled", "interrupted"}
    stage : str
        What is being done: "train", "unlearn", "record", "map" or "measure".
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
    """Write `status.json`, whole or not at all."""
    temporary = folder / f"{STATUS}.{uuid.uuid4().hex}.tmp"  # a person may cancel meanwhile
    temporary.write_text(json.dumps(asdict(status)), encoding="utf-8")
    temporary.replace(folder / STATUS)


def read_status(folder: Path) -> Status | None:
    """Read `status.json`; None where there is none."""
    try:
        plain = json.loads((folder / STATUS).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Status(**plain)
