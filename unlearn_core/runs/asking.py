"""The requests of a store: which runs are queued, running, cancelled or left unfinished.

Each has a folder `cache/work/<key>/` with its config, status and log.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unlearn_core.config import RunConfig
from unlearn_core.runs.artefact import RunNotFoundError
from unlearn_core.runs.queue_owner import as_it_stands, this_process
from unlearn_core.runs.status import Status, read_status, read_text, write_status
from unlearn_core.runs.writer import CANCEL, CONFIG, add_to_log, ask_for


class AskedRuns:
    """The part of a store that queues runs, cancels them and tells their status."""

    root: Path
    work: Path
    owners: Path
    is_locked: Callable[[str], bool]

    def enqueue(self, config: RunConfig) -> Status:
        """Put a run into this process's queue on disk, and remove an earlier attempt.

        What waits in another queue keeps its place, and then waits in both.
        """
        owner, status = this_process(self.owners).name, self.status(config.key())
        self.withdraw_cancel(config.key())
        if status is None or status.state != "queued":
            status = ask_for(self.work / config.key(), config)
        status = replace(status, queues=sorted({*status.queues, owner}))
        write_status(self.work / config.key(), status)
        return status

    def leave(self, key: str) -> None:
        """Take a run out of this process's queue; other processes may still wait for it."""
        owner, status = this_process(self.owners).name, read_status(self.work / key)
        if status is not None and status.state == "queued":
            others = [name for name in status.queues if name != owner]
            write_status(self.work / key, replace(status, queues=others))

    def withdraw(self, key: str) -> None:
        """Undo `enqueue`, unless another process waits for the run; works on a full disk."""
        status = read_status(self.work / key)
        if status is not None and status.queues == [this_process(self.owners).name]:
            shutil.rmtree(self.work / key, ignore_errors=True)

    def forget_queued(self, key: str) -> None:
        """Remove the request for a run that turned out to be finished already."""
        if self.state(key) == "queued":
            shutil.rmtree(self.work / key, ignore_errors=True)

    def requested(self, key: str) -> RunConfig:
        """Return the config of a run that was asked for.

        Raises
        ------
        RunNotFoundError
            If it was not, or what is written of it cannot be read.
        """
        path = self.work / key / CONFIG
        try:
            config = RunConfig.from_dict(json.loads(read_text(path)))
        except FileNotFoundError:
            raise RunNotFoundError(f"The run {key} was not asked for in {self.root}.") from None
        except (OSError, ValueError, TypeError, RecursionError) as error:
            why = str(error).rstrip(".")
            raise RunNotFoundError(f"{path} does not tell which run it is: {why}.") from error
        if config.key() != key:
            raise RunNotFoundError(f"{path} tells of another run than {key}.")
        return config

    def statuses(self) -> list[Status]:
        """Return the status of every run in progress or left unfinished, oldest first.

        What nobody makes or waits for any more is `interrupted`: see `queue_owner`.
        """
        statuses = [self.status(folder.name) for folder in self.work.glob("*/")]
        known = [status for status in statuses if status is not None]
        return sorted(known, key=lambda status: (status.created, status.key))

    def status(self, key: str) -> Status | None:
        """Return the status of one run that is not finished; None where it was not asked for."""
        status = read_status(self.work / key)
        return None if status is None else as_it_stands(status, self.owners, self.is_locked)

    def state(self, key: str) -> str | None:
        """Return the state of one run that is not finished; None where it was not asked for."""
        status = self.status(key)
        return None if status is None else status.state

    def request_cancel(self, key: str) -> None:
        """Ask the process that makes this run to stop at its next step."""
        with suppress(FileNotFoundError):  # nobody asked for it, or it has just been finished
            (self.work / key / CANCEL).touch()

    def withdraw_cancel(self, key: str) -> None:
        """Undo `request_cancel`, because somebody asks for the run again."""
        (self.work / key / CANCEL).unlink(missing_ok=True)

    def is_cancel_requested(self, key: str) -> bool:
        """Say whether `request_cancel` was called since the run was asked for."""
        return (self.work / key / CANCEL).exists()

    def mark(self, key: str, state: str, message: str = "", log: str = "") -> None:
        """Set the state of a run that is not finished, and add `log` to its log."""
        folder = self.work / key
        if log:
            add_to_log(folder, log)
        status = read_status(folder)
        if status is not None:
            with suppress(FileNotFoundError):  # it begins anew or is finished in this moment
                write_status(folder, replace(status, state=state, message=message))
