"""A seeded map from exact neighbours and a given layout, over umap-learn with its own search.

6,000 x 128 features in ten clusters.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from umap import UMAP

from unlearn_core.engine.environment import describe
from unlearn_core.projection import ProjectionConfig, project
from unlearn_core.seeding import numpy_stream

ROUNDS = 3


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    random = numpy_stream(0, "benchmark")
    centres = 3 * random.normal(size=(10, 128))
    features = centres[random.integers(0, 10, 6000)] + random.normal(size=(6000, 128))
    features = features.astype(np.float32)
    config = ProjectionConfig()
    reference = project(features, config)  # compiles, and gives the layout to start from
    moved = features + 0.1 * random.normal(size=features.shape).astype(np.float32)
    ratios = []
    for _ in range(ROUNDS):
        ours = seconds(lambda: project(moved, config, init=reference))
        theirs = seconds(lambda: UMAP(random_state=0, n_jobs=1).fit_transform(moved))
        ratios.append(ours / theirs)
        print(f"ours {ours:.1f} s, umap-learn {theirs:.1f} s")
    print(f"ratio: median {statistics.median(ratios):.2f}, n={ROUNDS}")
    print(describe(torch.device("cpu")))


if __name__ == "__main__":
    main()
