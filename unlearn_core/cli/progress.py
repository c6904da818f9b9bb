"""True progress of a run on a terminal."""

from __future__ import annotations

import sys

from unlearn_core.runs.status import Status


class ProgressBar:
    """One line on the terminal, redrawn; silent where the output is not a terminal."""

    def __init__(self, quiet: bool) -> None:
        self.shown = sys.stderr.isatty() and not quiet
        self.last = ""

    def __enter__(self) -> ProgressBar:
        """Return the bar, to be called with each status."""
        return self

    def __call__(self, status: Status) -> None:
        """Redraw the line."""
        width = 24
        done = round(width * status.fraction)
        steps = f"{status.step}/{status.total}" if status.total else ""
        line = (
            f"{status.method:<20} seed {status.seed}  {status.stage:<8} "
            f"[{'#' * done}{'.' * (width - done)}] {steps}"
        )
        if self.shown and line != self.last:
            print(f"\r{line:<79}", end="", file=sys.stderr, flush=True)
            self.last = line

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        if self.shown and self.last:
            print("\r" + " " * 79 + "\r", end="", file=sys.stderr, flush=True)
