"""A map as this program draws it, over umap-learn with its own search and start.

128 features in ten clusters.  A run's map starts from that of the original, which both sides of the
comparison have; beside it stands a map from nothing.  Trustworthiness tells whether less time is
less of a map.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from timing import hardware, ratio, take_turns
from umap import UMAP

from unlearn_core.projection import Layout, ProjectionConfig, project, trustworthiness
from unlearn_core.seeding import numpy_stream

SIZES = {6_000: 3, 50_000: 1}  # points, and rounds
ALIGNED = 100  # epochs of a map that starts from another, as in `engine.maps`


def clusters(n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return features (n, 128) of two models that differ a little."""
    random = numpy_stream(0, "benchmark")
    centres = 3 * random.normal(size=(10, 128))
    features = centres[random.integers(0, 10, n)] + random.normal(size=(n, 128))
    moved = features + 0.1 * random.normal(size=features.shape)
    return features.astype(np.float32), moved.astype(np.float32)


def main() -> None:
    config = ProjectionConfig()
    project(clusters(64)[0], config)  # compiles
    for n, rounds in SIZES.items():
        features, moved = clusters(n)
        start = project(features, config)
        layouts: dict[str, Layout] = {}

        def keep(name: str, layout: Layout, layouts: dict[str, Layout] = layouts) -> None:
            layouts[name] = layout

        times = take_turns(
            {
                "from a map": lambda m=moved, s=start: keep(  # type: ignore[misc]
                    "from a map", project(m, config, init=s, epochs=ALIGNED)
                ),
                "from nothing": lambda m=moved: keep(  # type: ignore[misc]
                    "from nothing", project(m, config)
                ),
                "umap-learn": lambda m=moved: keep(  # type: ignore[misc]
                    "umap-learn", UMAP(random_state=0, n_jobs=1).fit_transform(m)
                ),
            },
            rounds,
        )
        print(f"{n:,} points")
        for name in ("from a map", "from nothing"):
            print("  " + ratio(times, name, "umap-learn"))
        if n <= 10_000:
            told = (f"{k} {trustworthiness(moved, v):.3f}" for k, v in layouts.items())
            print("  trustworthiness: " + ", ".join(told))
    print(hardware())


if __name__ == "__main__":
    main()
