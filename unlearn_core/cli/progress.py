"""Progress of runs: a bar with rate and time left on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from tqdm import tqdm

from unlearn_core.config import RunConfig
from unlearn_core.runs.status import LOOPS, Status

LINE_SECONDS = 10.0  # between two lines of one stage: a log file should stay readable


class ProgressBar:
    """A bar for each stage on a terminal; elsewhere a line a stage and every ten seconds."""

    def __init__(self, quiet: bool) -> None:
        self.is_quiet = quiet
        self.is_terminal = sys.stderr.isatty()
        self._bar: tqdm | None = None
        self._told: dict[str, tuple[str, float]] = {}  # stage and time of a run's last line
        self._noted = 0.0

    def __enter__(self) -> ProgressBar:
        """Return the bar, to be called with each status."""
        return self

    def __call__(self, status: Status) -> None:
        """Show where a run stands."""
        stage = f"{status.method}, seed {status.seed}: {status.stage}"
        if self.is_quiet:
            return
        if self.is_terminal:
            self._redraw(f"{stage} ", status)
        elif self._is_due(status):
            self._told[status.key] = (status.stage, time.monotonic())
            steps = f", step {status.step} of {status.total}" if status.total else ""
            self.write(stage + steps)

    def several(self, statuses: Sequence[Status]) -> None:
        """Show where runs stand that are made at once: on a terminal in one line."""
        if len(statuses) < 2 or self.is_quiet or not self.is_terminal:
            for status in statuses:
                self(status)
            return
        self._draw("; ".join(_where(status) for status in statuses))

    def finished(self, config: RunConfig) -> None:
        """Say that a run is finished, if it was shown before."""
        if self._told.pop(config.key(), None):
            self.write(f"{config.method}, seed {config.seed}: finished")

    def note(self, line: str) -> None:
        """Say what there is to wait for, not more often than every ten seconds."""
        if not self.is_quiet and time.monotonic() - self._noted > LINE_SECONDS:
            self._noted = time.monotonic()
            self.write(line)

    def write(self, line: str) -> None:
        """Write a line above the bar, also where everything else is quiet."""
        tqdm.write(line, file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        """Clear the bar."""
        if self._bar is not None:
            self._bar.close()

    def _is_due(self, status: Status) -> bool:
        stage, then = self._told.get(status.key, ("", 0.0))
        return status.stage != stage or time.monotonic() - then > LINE_SECONDS

    def _redraw(self, stage: str, status: Status) -> None:
        bar = self._draw(stage, None if status.stage in LOOPS else "{desc}")
        bar.total = status.total or None
        bar.update(status.step - bar.n)

    def _draw(self, text: str, shape: str | None = "{desc}") -> tqdm:
        if self._bar is None or self._bar.desc != text:
            self.__exit__()
            self._bar = tqdm(file=sys.stderr, leave=False, unit="step", bar_format=shape)
            self._bar.set_description_str(text)
        return self._bar


def _where(status: Status) -> str:
    steps = f" {status.fraction:.0%}" if status.stage in LOOPS else ""
    return f"{status.method}, seed {status.seed}: {status.stage}{steps}"
