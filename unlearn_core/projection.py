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
Neighbours = tuple[NDArray[np.int32], NDArray[np.float32]]
PAIRS_AT_ONCE = 2**23  # distances in memory at a time
JUDGED = 1000  # examples by which a map's trustworthiness is judged
TINY, VAST = 1e-15, 1e15  # between these, squares of features keep all their digits
SPARE = 16  # neighbours proposed beyond those that are asked for
NEEDLESS = (  # warnings of umap-learn: no later transform, one thread, a start by chance
    ".*knn_search_index.*",
    ".*n_jobs value.*",
    "Spectral initialisation failed",
)


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
    centre = targets.mean(dim=0)  # far from the origin the expanded formula loses digits
    targets, sources = targets - centre, sources - centre
    n_neighbors = min(n_neighbors, len(points))
    widest = max(len(points), (n_neighbors + SPARE) * points.shape[1])  # numbers a query needs
    found = [
        _nearest(chunk, targets, n_neighbors)
        for chunk in sources.split(max(1, PAIRS_AT_ONCE // widest))
    ]
    indices, distances = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return indices.astype(np.int32), distances


def _nearest(sources: Any, targets: Any, n_neighbors: int) -> tuple[Any, Any]:
    """Return indices and distances of the nearest targets, both (n_sources, n_neighbors), tensors.

    The expanded formula, a product of matrices, is many times faster than the differences and
    rounds, so it only proposes candidates, among which the differences decide.  Where a target
    that was not proposed could be as near, by the bound on that rounding, all differences do.
    """
    import torch

    n_proposed = min(n_neighbors + SPARE, len(targets))
    sizes = sources.square().sum(dim=1, keepdim=True), targets.square().sum(dim=1)
    expanded = torch.addmm(sizes[0] + sizes[1], sources, targets.T, alpha=-2)
    proposed = expanded.topk(n_proposed, largest=False)
    differences = sources[:, None] - targets[proposed.indices]
    nearest = differences.square().sum(dim=-1).sqrt().topk(n_neighbors, largest=False)
    indices, distances = proposed.indices.gather(1, nearest.indices), nearest.values
    rounding = targets.shape[1] * torch.finfo(torch.float32).eps
    uncertain = rounding * (sizes[0].squeeze(1) + sizes[1].max())
    is_open = proposed.values[:, -1] - uncertain <= distances[:, -1].square()
    if n_proposed < len(targets) and is_open.any():
        pairs = torch.cdist(
            sources[is_open], targets, compute_mode="donot_use_mm_for_euclid_dist"
        ).topk(n_neighbors, largest=False)
        indices[is_open], distances[is_open] = pairs.indices, pairs.values
    return indices, distances


def project(
    features: NDArray[np.floating],
    config: ProjectionConfig,
    *,
    init: Layout | None = None,
    epochs: int | None = None,
    neighbours: Neighbours | None = None,
) -> Layout:
    """Return a map (n_examples, 2) of `features` (n_examples, n_features).

    `init` is a layout of the same examples to start from; None starts from the spectral one.
    `neighbours` are those of `neighbours_of`, for who draws several maps of the same features.
    The same input gives the same map, bit for bit.

    Raises
    ------
    ImportError
        If umap-learn is not installed.
    ValueError
        If there are too few examples or the features are not finite.
    """
    import torch

    knn = neighbours_of(features, config) if neighbours is None else neighbours
    features = in_range(features)
    threads = torch.get_num_threads()
    model = _umap()(
        n_neighbors=knn[0].shape[1],
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


def neighbours_of(features: NDArray[np.floating], config: ProjectionConfig) -> Neighbours:
    """Return the neighbours that a map of `features` keeps together, each example its own first.

    Raises
    ------
    ValueError
        If there are too few examples or the features are not finite.
    """
    n_examples = len(features)
    if n_examples < 4:
        raise ValueError(f"A map needs at least 4 examples, got {n_examples}.")
    if not np.isfinite(features).all():
        raise ValueError("A map needs finite features; this model's are not.")
    scaled = in_range(features)
    return exact_neighbours(scaled, scaled, min(config.n_neighbors, n_examples - 1))


def in_range(features: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return features whose squares single precision can hold: as they are, or all scaled alike.

    A broken network's may be of any size, and a map is the same at every scale.

    Examples
    --------
    >>> in_range(np.array([2.0**60, -(2.0**61)])), in_range(np.array([3.0, -4.0]))
    (array([ 0.25, -0.5 ]), array([ 3., -4.]))
    """
    largest = float(np.abs(features).max(initial=0.0))
    if largest == 0 or TINY < largest < VAST:
        return features
    scaled: NDArray[np.floating] = np.ldexp(features, -int(np.frexp(largest)[1]))
    return scaled


@cache
def _umap() -> Callable[..., Any]:
    """Return umap-learn's class, changed in two ways that change no map.

    What it compiles is kept on disk, or each new process would spend seconds on it, and runs
    without Python's lock, so that a run is measured beside its map.
    """
    from umap import UMAP, layouts, umap_

    # for good: a filter for a while is not safe where a map is drawn beside other work
    for message in NEEDLESS:
        warnings.filterwarnings("ignore", message=message)
    for compiled in (
        umap_.smooth_knn_dist,
        umap_.compute_membership_strengths,
        layouts._nb_optimize_layout_euclidean_single_epoch,
    ):
        compiled.targetoptions["nogil"] = True
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

    It is a mean over examples; of more than `JUDGED` it is that of a drawn part, whose neighbours
    are still sought among all.  None where there are too few examples for it to be defined
    (n_neighbors < n_examples / 2).
    """
    if n_neighbors >= len(features) / 2:
        return None
    import torch

    points = torch.from_numpy(features.astype(np.float64))
    points -= points.mean(dim=0)
    n_examples = len(points)
    order = numpy_stream(0, "trustworthiness").permutation(n_examples)
    rows = torch.from_numpy(np.sort(order[:JUDGED]))
    shown, _ = exact_neighbours(layout[rows], layout, n_neighbors + 1)
    excess = 0.0
    at_once = max(1, PAIRS_AT_ONCE // (32 * n_examples))  # so few stay in the processor's cache
    for part, seen in zip(rows.split(at_once), torch.from_numpy(shown).split(at_once), strict=True):
        pairs = torch.cdist(points[part], points)
        pairs[torch.arange(len(part)), part] = -1.0  # itself, nearer than any other
        neighbours = seen.long()
        own = pairs.gather(1, neighbours)
        ranks = torch.stack([(pairs < each[:, None]).sum(dim=1) for each in own.T], dim=1)
        is_other = neighbours != part[:, None]
        is_other &= is_other.cumsum(dim=1) <= n_neighbors  # examples of equal position hide it
        excess += float((ranks - n_neighbors).clamp(min=0)[is_other].sum())
    most = len(rows) * n_neighbors * (2 * n_examples - 3 * n_neighbors - 1)
    return 1.0 - 2.0 * excess / most
