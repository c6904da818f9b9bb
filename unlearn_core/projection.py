"""Two-dimensional maps of recorded features: UMAP, seeded, aligned to the original's map.

Neighbours are exact, found by torch; the layout starts from the original model's layout and is
then turned, mirrored and shifted onto it (orthogonal Procrustes), so that two maps differ only
where the features do.  umap-learn is imported here alone, and only when a map is made.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import LARGEST_WHOLE
from unlearn_core.seeding import numpy_stream, stream_seed
from unlearn_core.settings import Settings, setting

Layout = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ProjectionConfig(Settings):
    """How maps are made; part of their file name."""

    n_neighbors: int = setting(15, "Neighbours that UMAP keeps together.", between=(2, 10_000))
    min_dist: float = setting(0.1, "Least distance of two points on the map.", between=(0, 1))
    epochs: int = setting(200, "Passes of the layout.", positive=True)
    max_examples: int = setting(
        4000, "Most examples that a map shows; larger data sets are sampled.", positive=True
    )
    seed: int = setting(0, "Seed of the sample and of the layout.", between=(0, LARGEST_WHOLE))

    def key(self) -> str:
        """Return eight hex digits that name these settings."""
        canonical = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def map_rows(
    is_extra: NDArray[np.bool_], config: ProjectionConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose the recorded rows that a map shows: a base sample, and extra rows beyond it.

    The base sample is the same for every request on a model; extras are rows of the forget set
    that it misses, at most a quarter as many.

    Returns
    -------
    base, extra : int64 ndarray
        Ascending row numbers.
    """
    n_examples = len(is_extra)
    order = numpy_stream(config.seed, "map examples").permutation(n_examples)
    base = np.sort(order[: config.max_examples])
    missed = order[config.max_examples :]
    extra = missed[is_extra[missed]][: config.max_examples // 4]
    return base, np.sort(extra)


def exact_neighbours(
    queries: NDArray[np.floating], points: NDArray[np.floating], n_neighbors: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return indices and Euclidean distances of the nearest `points`, both (n_queries, k)."""
    import torch

    targets = torch.from_numpy(np.ascontiguousarray(points, dtype=np.float32))
    sources = torch.from_numpy(np.ascontiguousarray(queries, dtype=np.float32))
    indices, distances = [], []
    for chunk in sources.split(2048):
        # the direct formula: the faster expanded one loses the zero distance to itself
        pairs = torch.cdist(chunk, targets, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = pairs.topk(min(n_neighbors, len(points)), largest=False)
        indices.append(nearest.indices.numpy())
        distances.append(nearest.values.numpy())
    return np.concatenate(indices).astype(np.int32), np.concatenate(distances)


def project(
    features: NDArray[np.floating],
    config: ProjectionConfig,
    *,
    init: Layout | None = None,
    epochs: int | None = None,
) -> Layout:
    """Return a map (n_examples, 2) of `features` (n_examples, n_features).

    `init` is a layout of the same examples to start from; None starts from the spectral one.
    The same input gives the same map, bit for bit.

    Raises
    ------
    ImportError
        If umap-learn is not installed.
    ValueError
        If there are too few examples or the features are not finite.
    """
    n_examples = len(features)
    if n_examples < 4:
        raise ValueError(f"A map needs at least 4 examples, got {n_examples}.")
    if not np.isfinite(features).all():
        raise ValueError("A map needs finite features; this model's are not.")
    import torch

    n_neighbors = min(config.n_neighbors, n_examples - 1)
    knn = exact_neighbours(features, features, n_neighbors)
    threads = torch.get_num_threads()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*knn_search_index.*")  # no later transform
        warnings.filterwarnings("ignore", message=".*n_jobs value.*")
        warnings.filterwarnings("ignore", message="Spectral initialisation failed")
        model = _umap()(
            n_neighbors=n_neighbors,
            min_dist=config.min_dist,
            n_epochs=config.epochs if epochs is None else epochs,
            init="spectral" if init is None else init,
            precomputed_knn=knn,
            force_approximation_algorithm=True,  # or the neighbours would be searched again
            random_state=stream_seed(config.seed, "umap") % 2**31,
            n_jobs=1,
        )
        layout = model.fit_transform(np.ascontiguousarray(features, dtype=np.float32))
    # numba changes the thread count of the OpenMP pool that torch shares, and with it the
    # rounding of every later run in this process
    torch.set_num_threads(threads)
    return np.asarray(layout, dtype=np.float32)


@cache
def _umap() -> Callable[..., Any]:
    """Return umap-learn's class, which keeps what it compiles: seconds in each new process."""
    from umap import UMAP, umap_

    for compiled in (umap_.smooth_knn_dist, umap_.compute_membership_strengths):
        with suppress(RuntimeError):  # numba finds no folder that it may write to
            compiled.enable_caching()
    return UMAP  # type: ignore[no-any-return]


def compile_once() -> None:
    """Make a small map, so that what umap-learn compiles lies ready for later processes."""
    project(numpy_stream(0, "compile").random((64, 8)), ProjectionConfig(epochs=2))


def align(layout: Layout, reference: Layout) -> Layout:
    """Rotate, mirror and shift `layout` onto `reference`, both (n_examples, 2), without scaling."""
    from scipy.linalg import orthogonal_procrustes

    centre, target = layout.mean(axis=0), reference.mean(axis=0)
    rotation, _ = orthogonal_procrustes(
        (layout - centre).astype(np.float64), (reference - target).astype(np.float64)
    )
    return np.asarray((layout - centre) @ rotation + target, dtype=np.float32)


def place(
    features: NDArray[np.floating],
    known_features: NDArray[np.floating],
    known_layout: Layout,
    n_neighbors: int = 5,
) -> Layout:
    """Return positions (n_examples, 2) of examples that a map lacks.

    Each is the mean position of its nearest neighbours among the examples that the map has.
    """
    if not len(features):
        return np.empty((0, 2), dtype=np.float32)
    indices, _ = exact_neighbours(features, known_features, n_neighbors)
    return np.asarray(known_layout[indices].mean(axis=1), dtype=np.float32)


def trustworthiness(
    features: NDArray[np.floating], layout: Layout, n_neighbors: int = 15
) -> float | None:
    """Return how far neighbours on the map are neighbours in feature space, in [0, 1].

    None where there are too few examples for it to be defined (n_neighbors < n_examples / 2).
    """
    from sklearn.manifold import trustworthiness as measure

    if n_neighbors >= len(features) / 2:
        return None
    return float(measure(features.astype(np.float64), layout, n_neighbors=n_neighbors))
