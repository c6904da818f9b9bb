"""Measure what a training or unlearning loop costs: time, steps, examples and memory.

What happens between its steps, such as probes, does not count.
"""

from __future__ import annotations

import copy
import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from unlearn_core.data.batches import Examples
from unlearn_core.metrics import Cost
from unlearn_core.tasks import CLASSIFICATION, Task
from unlearn_core.training import Progress

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # proc(5): sets the peak resident size to the present one
KIBIBYTE = 1024
WARM_UP_EXAMPLES = 8


def warm_up(
    model: nn.Module,
    examples: Examples,
    libraries: Sequence[str] = (),
    context: AbstractContextManager[object] | None = None,
    task: Task = CLASSIFICATION,
) -> None:
    """Run one untimed forward and backward pass, after importing the method's libraries.

    The first step of a process is slow for reasons that are not the method's: imports, choice of
    kernels, memory pools.  The model and all random numbers stay as they are.  `context` is the
    one in which the method runs its forward passes.
    """
    for name in libraries:
        import_module(name)
    trial = copy.deepcopy(model).eval().requires_grad_(True)
    rows = torch.arange(min(len(examples), WARM_UP_EXAMPLES), device=examples.device)
    batch = next(examples.take(rows).ordered())
    with context or nullcontext():
        answers = task.answers(trial(batch.inputs), batch)
        loss = task.loss(answers.logits, answers.targets)
    loss.backward()
    _settle(examples.device)


class Meter:
    """Drives a loop one step at a time and counts what its steps cost.

    An accelerator may still be at a step that `advance` has returned from, so that the next can
    be prepared meanwhile.  Before anything else is asked of it, such as a probe, call `settle`.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.model, self.memory = model, _Memory(device)
        self.seconds, self.seen, self.trainable = 0.0, 0, 0
        self.progress = Progress(step=0, total=0)

    def advance(self, steps: Iterator[Progress]) -> bool:
        """Take the loop's next step and count it; return False where the loop has ended."""
        with self.memory:
            before = time.perf_counter()
            following = next(steps, None)
            self.seconds += time.perf_counter() - before
        if following is None:
            self.settle()
            return False
        is_new_phase = self.seen == 0 or following.phase != self.progress.phase
        self.progress = following
        self.seen += following.n_examples
        if is_new_phase:  # only now has the method chosen what it trains; the last phase counts
            self.trainable = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        return True

    def settle(self) -> None:
        """Wait for the steps so far, which counts as their time."""
        before = time.perf_counter()
        _settle(self.memory.device)
        self.seconds += time.perf_counter() - before

    def cost(self) -> Cost:
        """Return what the steps so far have cost."""
        return Cost(
            seconds=self.seconds,
            steps=self.progress.step,
            samples_seen=self.seen,
            trainable_parameters=self.trainable,
            peak_memory_bytes=self.memory.peak,
        )


def _settle(device: torch.device) -> None:
    """Wait for what a GPU has been asked to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class _Memory:
    """Most memory that the steps took on top of what was there before the first one.

    What a step keeps counts on, such as an optimiser's state; what happens between steps does not.
    `peak` is None where the system does not tell.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.held, self.before = device, 0, 0
        self.peak: int | None = 0
        if device.type == "cpu":
            _return_free_memory()
            try:
                CLEAR.write_text(RESET_PEAK)
            except OSError:  # not Linux, or not allowed
                self.peak = None

    def __enter__(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif self.peak is not None:
            CLEAR.write_text(RESET_PEAK)
        self.before = self._now()[0]

    def __exit__(self, *_: object) -> None:
        if self.peak is not None:
            now, highest = self._now()
            self.peak = max(self.peak, self.held + highest - self.before)
            self.held += now - self.before

    def _now(self) -> tuple[int, int]:
        """Return the present size and the peak since the last reset, in bytes."""
        if self.device.type == "cuda":
            present = torch.cuda.memory_allocated(self.device)
            return present, torch.cuda.max_memory_allocated(self.device)
        if self.peak is None:
            return 0, 0
        lines = [line.split() for line in STATUS.read_text().splitlines()]
        sizes = {line[0]: int(line[1]) * KIBIBYTE for line in lines if line[0].startswith("Vm")}
        return sizes["VmRSS:"], sizes["VmHWM:"]


def _return_free_memory() -> None:
    """Return freed memory to the system, so that a step that takes it again raises the peak."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if trim is not None:
        trim(0)
