"""True progress of runs: a line that is redrawn on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time

from unlearn_core.config import RunConfig
from unlearn_core.runs.status import Status

LINE_SECONDS = 10.0  # between two lines of one stage: a log file should stay readable
WIDTH = 79


class ProgressBar:
    """One line on a terminal, redrawn; elsewhere a line at each stage and every ten seconds."""

    def __init__(self, quiet: bool) -> None:
        self.is_quiet = quiet
        self.is_terminal = sys.stderr.isatty()
        self._line = ""
        self._told: dict[str, tuple[str, float]] = {}  # stage and time of a run's last line
        self._noted = 0.0

    def __enter__(self) -> ProgressBar:
        """Return the bar, to be called with each status."""
        return self

    def __call__(self, status: Status) -> None:
        """Show where a run stands."""
        if self.is_quiet:
            return
        if self.is_terminal:
            self._redraw(status)
        elif self._is_due(status):
            self._told[status.key] = (status.stage, time.monotonic())
            steps = f", step {status.step} of {status.total}" if status.total else ""
            self._print(f"{status.method}, seed {status.seed}: {status.stage}{steps}")

    def finished(self, config: RunConfig) -> None:
        """Say that a run is finished, if it was shown before."""
        if self._told.pop(config.key(), None):
            self._print(f"{config.method}, seed {config.seed}: finished")

    def note(self, line: str) -> None:
        """Say what there is to wait for, not more often than every ten seconds."""
        if not self.is_quiet and time.monotonic() - self._noted > LINE_SECONDS:
            self._noted = time.monotonic()
            self._print(line)

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        if self._line:
            self._print("", end="")

    def _is_due(self, status: Status) -> bool:
        stage, then = self._told.get(status.key, ("", 0.0))
        return status.stage != stage or time.monotonic() - then > LINE_SECONDS

    def _redraw(self, status: Status) -> None:
        width = 24
        done = round(width * status.fraction)
        steps = f"{status.step}/{status.total}" if status.total else ""
        line = (
            f"{status.method:<20} seed {status.seed}  {status.stage:<8} "
            f"[{'#' * done}{'.' * (width - done)}] {steps}"
        )
        if line != self._line:
            print(f"\r{line:<{WIDTH}}", end="", file=sys.stderr, flush=True)
            self._line = line

    def _print(self, line: str, end: str = "\n") -> None:
        clear = "\r" + " " * WIDTH + "\r" if self._line else ""
        print(clear + line, end=end, file=sys.stderr, flush=True)
        self._line = ""
