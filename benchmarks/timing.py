"""What the benchmarks share: rounds that take turns, ratios of their times, the hardware.

A machine that does other work besides slows what runs on it, and not always alike.  So what is
compared takes turns, ratios are of the same round, and their median is reported with n.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from unlearn_core.engine.environment import describe

Times = dict[str, list[float]]
CPU_FACTS = Path("/proc/cpuinfo")


def seconds(run: Callable[[], object]) -> float:
    """Return how long a call takes, a GPU's part included."""
    started = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def take_turns(runs: Mapping[str, Callable[[], object]], rounds: int) -> Times:
    """Return the seconds of each call by name: all of them once a round, `rounds` times."""
    times: Times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run))
    return times


def ratio(times: Times, name: str, base: str) -> str:
    """Return the median over rounds of one time over another, with range and n, in words."""
    ratios = [a / b for a, b in zip(times[name], times[base], strict=True)]
    median = statistics.median(times[base])
    return (
        f"{name} / {base}: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}, n={len(ratios)}); {base} {median:.3g} s"
    )


def hardware() -> str:
    """Return processor or GPU, threads and the versions that matter, in one line."""
    facts = describe(torch.device("cuda" if torch.cuda.is_available() else "cpu"), "")
    names = [
        line.partition(":")[2].strip()
        for line in (CPU_FACTS.read_text().splitlines() if CPU_FACTS.exists() else [])
        if line.startswith("model name")
    ]
    packages = facts["packages"]
    versions = ", ".join(f"{name} {packages[name]}" for name in ("torch", "scikit-learn"))
    device = f"{facts['device']}, {names[0]}" if names else facts["device"]
    return f"{device}, {facts['threads']} threads; Python {facts['python']}, {versions}"
