"""What was asked for and is not finished: `cache/work/<key>/`, as a queue sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unlearn_core.config import RunConfig
from unlearn_core.runs.artefact import RunNotFoundError
from unlearn_core.runs.queue_owner import as_it_stands, this_process
from unlearn_core.runs.status import Status, read_status, write_status
from unlearn_core.runs.writer import CANCEL, CONFIG, clear


class AskedRuns:
    """The part of a store that knows who asked for what, who waits, and what was cancelled."""

    root: Path
    work: Path
    owners: Path
    is_locked: Callable[[str], bool]

    def enqueue(self, config: RunConfig) -> Status:
        """Note on disk that this process waits for a run, forgetting an earlier attempt.

        What waits in another queue keeps its place, and then waits in both.
        """
        owner, status = this_process(self.owners).name, self.status(config.key())
        self.withdraw_cancel(config.key())
        if status is None or status.state != "queued":
            status = self.open_folder(config)
        status = replace(status, queues=sorted({*status.queues, owner}))
        write_status(self.work / config.key(), status)
        return status

    def leave(self, key: str) -> None:
        """Note on disk that this process no longer waits for a run."""
        owner, status = this_process(self.owners).name, read_status(self.work / key)
        if status is not None and status.state == "queued":
            others = [name for name in status.queues if name != owner]
            write_status(self.work / key, replace(status, queues=others))

    def requested(self, key: str) -> RunConfig:
        """Return the config of a run that was asked for.

        Raises
        ------
        RunNotFoundError
            If it was not.
        """
        try:
            plain = json.loads((self.work / key / CONFIG).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunNotFoundError(f"The run {key} was not asked for in {self.root}.") from None
        return RunConfig.from_dict(plain)

    def statuses(self) -> list[Status]:
        """Return the status of every run in progress or left unfinished, oldest first.

        What nobody makes or waits for any more is `interrupted`: see `queue_owner`.
        """
        statuses = [self.status(folder.name) for folder in self.work.glob("*/")]
        found = [status for status in statuses if status is not None]
        return sorted(found, key=lambda status: (status.created, status.key))

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
        """Forget `request_cancel`: somebody asks for the run again."""
        (self.work / key / CANCEL).unlink(missing_ok=True)

    def is_cancel_requested(self, key: str) -> bool:
        """Say whether `request_cancel` was called since the run was asked for."""
        return (self.work / key / CANCEL).exists()

    def mark(self, key: str, state: str, message: str = "") -> None:
        """Set the state of a run that is not finished."""
        folder = self.work / key
        status = read_status(folder)
        if status is not None:
            with suppress(FileNotFoundError):  # it has just been finished
                write_status(folder, replace(status, state=state, message=message))

    def open_folder(self, config: RunConfig) -> Status:
        """Make a work folder with nothing but its config, and return the status to write there.

        The folder itself stays, with a request to cancel that may come at this very moment.
        """
        folder = self.work / config.key()
        folder.mkdir(parents=True, exist_ok=True)
        clear(folder, CANCEL)
        (folder / CONFIG).write_text(json.dumps(config.to_dict()), encoding="utf-8")
        return Status(key=config.key(), method=config.method, seed=config.seed)
