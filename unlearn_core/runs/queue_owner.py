"""Tell whether the process that queued a run is still alive.

Every process that queues runs holds a lock in `cache/owners/` for its life and writes its name
beside each run that it waits for.  On one machine the lock decides: whatever ends a process takes
its lock away, so it is never stale, however long the process was stopped.  Between machines a
lock is not seen on every shared file system; there the time of the lock file decides, which its
owner renews.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from unlearn_core.runs.status import Status

BEAT_SECONDS = 10.0
SILENT_SECONDS = 120.0  # clocks of machines differ by seconds, and a file server may be slow


class QueueOwner:
    """Shows other processes that this one is alive, by a locked file in the store.

    Parameters
    ----------
    folder : Path
        Where the owners of this store's queues are noted.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{uuid.uuid4().hex[:16]}@{socket.gethostname()}"
        self.path = folder / self.name
        self._lock = FileLock(self.path, thread_local=False)
        self._lock.acquire()
        threading.Thread(target=self._beat, name="queue owner", daemon=True).start()

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            try:
                os.utime(self.path)
            except FileNotFoundError:
                return  # the store was removed
            except OSError:
                continue  # the next beat may come through


@cache
def this_process(folder: Path) -> QueueOwner:
    """Return this process's owner in a store; it is made when the first run is queued."""
    return QueueOwner(folder)


def is_alive(folder: Path, name: str) -> bool:
    """Say whether the process that wrote this name still lives."""
    path, host = folder / name, name.rpartition("@")[2]
    try:
        seconds = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    if host != socket.gethostname():
        return seconds < SILENT_SECONDS
    try:
        with FileLock(path, timeout=0):
            path.unlink(missing_ok=True)  # or other machines would believe its time a little longer
            return False
    except Timeout:
        return True
    except OSError:  # somebody who may only read cannot try the lock
        return seconds < SILENT_SECONDS


def as_it_stands(status: Status, folder: Path, is_locked: Callable[[str], bool]) -> Status:
    """Return the status, as `interrupted` if the process that made or queued the run has ended."""
    if status.state == "running" and not is_locked(status.key):
        why = "the process that made it ended; nothing was saved"
        return replace(status, state="interrupted", message=why)
    if status.state == "queued" and not _is_awaited(status, folder, is_locked):
        why = "the server that queued it has ended"
        return replace(status, state="interrupted", message=why)
    return status


def _is_awaited(status: Status, folder: Path, is_locked: Callable[[str], bool]) -> bool:
    return any(is_alive(folder, name) for name in status.queues) or is_locked(status.key)
