"""Record the course of training: losses at every step, probes and features every few steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.data.base import Dataset
from unlearn_core.data.batches import to_device
from unlearn_core.engine.probes import Probe
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import LOSS_PREFIX, PROBE_PREFIX
from unlearn_core.runs.tracked import tracked_examples
from unlearn_core.runs.writer import RunWriter
from unlearn_core.tasks import CLASSIFICATION, Task
from unlearn_core.training import Progress, are_read

PROBES = 10  # probes on the way, besides the ones before the first and after the last step


class Recorder:
    """Collects the rows of `history.parquet`, and the tracked features at each probe.

    `frames` maps a step to the tracked examples' features (n_tracked, n_features), rows in the
    order of `tracked_ids`.  `losses` are the latest that are known: those of a step become a row
    once the loop has looked at them, as looking waits for an accelerator.
    """

    def __init__(
        self,
        writer: RunWriter,
        dataset: Dataset,
        sets: Sets,
        device: torch.device,
        precision: str = "fp32",
        task: Task = CLASSIFICATION,
    ) -> None:
        tracked = tracked_examples(sets)
        self.writer = writer
        self.tracked_ids = np.flatnonzero(tracked)
        self.frames: dict[int, NDArray[np.float32]] = {}
        self.rows: list[dict[str, Any]] = []
        self.losses: dict[str, float] = {}
        self._unread: deque[tuple[dict[str, Any], Mapping[str, float]]] = deque()
        self.probes = Probe(
            dataset=dataset,
            examples=to_device(dataset, tracked, device),
            sets=Sets(
                forget=sets.forget[tracked],
                retain=sets.retain[tracked],
                forget_test=sets.forget_test[tracked],
                retain_test=sets.retain_test[tracked],
            ),
            precision=precision,
            task=task,
        )

    def step(self, progress: Progress, seconds: float) -> None:
        """Record the losses of one step."""
        about = {"step": progress.step, "seconds": seconds, "phase": progress.phase}
        self._unread.append((about, progress.losses))
        while self._unread and are_read(self._unread[0][1]):
            self._read()

    @staticmethod
    def is_due(progress: Progress) -> bool:
        """Say whether a probe follows this step: about ten do, besides those at both ends."""
        every = max(1, round(progress.total / PROBES))
        return progress.step % every == 0 and progress.step < progress.total

    def probe(self, model: nn.Module, *, step: int, seconds: float = 0.0) -> None:
        """Evaluate the model on the tracked examples, and keep their features."""
        self._read_all()
        values, records = self.probes(model)
        named = {PROBE_PREFIX + name: value for name, value in values.items()}
        self.frames[step] = records.features
        self._add({"step": step, "seconds": seconds, "phase": "", **named})

    def finish(self, name: str) -> None:
        """Write the table as `name`, and the features of each probe under `frames/`."""
        self._read_all()
        self.writer.table(name, pd.DataFrame(self.rows))
        for step, features in self.frames.items():
            content: dict[str, NDArray[Any]] = {
                "example_ids": self.tracked_ids,
                "features": features,
            }
            self.writer.arrays(f"frames/{step:06d}.safetensors", content)

    def _read_all(self) -> None:
        while self._unread:
            self._read()

    def _read(self) -> None:
        about, losses = self._unread.popleft()
        self.losses = dict(losses)
        named = {LOSS_PREFIX + name: value for name, value in self.losses.items()}
        self._add({**about, **named})

    def _add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        self.writer.live(row)
