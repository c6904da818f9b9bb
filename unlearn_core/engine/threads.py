"""With how many threads a run computes: a small one with one, any other with all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from unlearn_core.config import RunConfig
from unlearn_core.runs.at_once import is_small


@contextmanager
def threads_of(config: RunConfig) -> Iterator[None]:
    """Compute with the run's own number of threads, whatever this process has otherwise.

    It changes how sums are rounded, and so is a property of the run (`runs.at_once`).
    """
    if not is_small(config):
        yield
        return
    import sklearn.cluster  # noqa: F401 - its threads can only be limited once they are loaded

    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
