"""Ask finished models about what is in no data set, or to go on with a text.

Networks need torch, which pages must not wait for.  So a process of its own answers, which is
started when the first page may ask, stays warm, and ends with the server: its questions come
through a pipe that nobody else holds.  `own_picture` and `continuations` ask the questions.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any

from unlearn_core.checks import KnownFailureError
from unlearn_core.machine import PROJECT
from unlearn_core.runs.artefact import MODEL, RunArtefact
from unlearn_core.runs.store import Store

ANSWERING = "unlearn_core.engine.answering"  # named, not imported: it loads torch
SECONDS_TO_END = 5.0


class NotAnsweredError(KnownFailureError):
    """The process that answers has ended, or a model could not be loaded."""


def weights_of(run: RunArtefact, store: Store) -> RunArtefact | None:
    """Return the run that holds a run's weights: itself or, of an original, the base.

    None where they were left out, as in most shipped runs.
    """
    if run.has(MODEL):
        return run
    key = run.config.base().key()
    if run.config.role == "original" and store.is_whole(key, weights=True):
        return store.load(key)
    return None


class Answerer:
    """The process that answers; one for all sessions of a server.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None
        self._lock = threading.RLock()

    def start(self) -> None:
        """Start the process where it does not run, without waiting for it."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self.close()
            self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - the process writes
            self._process = subprocess.Popen(
                [sys.executable, "-m", ANSWERING],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=dict(os.environ),
            )

    def ask(
        self, runs: Sequence[RunArtefact], about: str, question: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what each run's model answers, by the run's label.

        Parameters
        ----------
        runs : sequence of RunArtefact
            Each has weights (`weights_of`).
        about : {"picture", "text"}
        question : mapping
            What `engine.answering` takes of this kind, in types of JSON.

        Raises
        ------
        NotAnsweredError
            If the process ends or a run's weights are not what was written.
        """
        keys = {run.label: held.key for run in runs if (held := weights_of(run, self.store))}
        root = str(self.store.root.resolve())
        told = self._told({**question, "about": about, "root": root, "keys": list(keys.values())})
        if "error" in told:
            raise NotAnsweredError(str(told["error"]))
        return {label: told["models"][key] for label, key in keys.items()}

    def _told(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            was_running = self._process is not None and self._process.poll() is None
            line = self._line(question)
            if not line and was_running:  # ended meanwhile, it may be, and not by this question
                self.close()
                line = self._line(question)
            if not line:
                raise NotAnsweredError(f"The models did not answer: {self._last_words()}.")
            told: dict[str, Any] = json.loads(line)
            return told

    def _line(self, question: dict[str, Any]) -> str:
        """Return the line that the process answers; "" where it ends instead."""
        self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            return self._process.stdout.readline()
        except OSError:
            return ""

    def _last_words(self) -> str:
        """Return the last line that the process wrote before it ended."""
        if self._errors is None:
            return "their process could not be started"
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1].rstrip(".") if lines else "their process has ended"

    def close(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                assert process.stdin is not None
                assert process.stdout is not None
                with contextlib.suppress(OSError):  # it has ended, with a question unread
                    process.stdin.close()
                try:
                    process.wait(SECONDS_TO_END)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                process.stdout.close()
            if self._errors is not None:
                self._errors.close()
                self._errors = None
