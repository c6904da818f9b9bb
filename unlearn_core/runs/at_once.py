"""How many runs are made at once on one machine, and which of them are small enough for that.

A small network does not fill two processors: in its steps two threads mostly wait for each other.
So it always computes with one, and several such runs are made beside each other.
The number of threads belongs to the run and not to how many are made at once, because it changes
how sums are rounded: the same config gives the same numbers either way.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

from unlearn_core.config import RunConfig
from unlearn_core.data import get_dataset
from unlearn_core.machine import has_gpu, memory_bytes

SMALL = 1024  # numbers of a first stage's output for one image: 16 channels of 8x8 pixels
BYTES_EACH = 1.5e9  # of a process that makes small runs: libraries, data and a step's memory
SLOT = {"slot": 1}  # a Dask resource: of a worker that takes any run
SMALL_SLOT = {"small": 1}  # of a worker, on this machine alone, that takes small runs
WORTHWHILE = 4  # methods' runs; fewer are made before other processes have loaded torch


def is_small(config: RunConfig) -> bool:
    """Say whether the run's network is so small that it computes with one thread."""
    side = config.model.input_size or get_dataset(config.data.name).side
    if side is None or not config.model.is_resnet:
        return False
    return config.model.width * side**2 <= SMALL


def most_at_once(device: str = "auto") -> int:
    """Return how many small runs this machine makes at once: its processors, if memory allows.

    One on a GPU, which they would share.
    """
    if device == "cuda" or (device == "auto" and has_gpu()):
        return 1
    return max(1, int(min(processors(), memory_bytes() // BYTES_EACH)))


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # not Linux


def suits(configs: Iterable[RunConfig], device: str = "auto") -> int:
    """Return how many of these runs to make at once, where nobody says.

    Parameters
    ----------
    configs : iterable of RunConfig
        The runs that are not made yet.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    n : int
        1 unless all are small, and enough of them wait for no other but their references, or
        there are originals or references of several seeds.
    """
    missing = list(configs)
    roles = Counter(config.role for config in missing)
    methods = roles["method"] if roles["method"] >= WORTHWHILE else 1
    independent = max(methods, roles["base"], roles["reference"])
    if not all(is_small(config) for config in missing):
        return 1
    return min(independent, most_at_once(device))
