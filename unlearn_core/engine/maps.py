"""Lay out the two-dimensional maps of one run from its recorded features.

`projection-<key>.parquet`: `example_id`, `x`, `y` aligned to the original's map, and `own_x`,
`own_y` laid out on its own.  `projection-<key>-steps.parquet`: `step`, `example_id`, `x`, `y` of
the tracked examples during unlearning, each step laid out from the one before.
`refilling.parquet`: the same for a relearning, a step a number of images shown.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.projection import (
    ProjectionConfig,
    align,
    map_rows,
    neighbours_of,
    place,
    project,
    trustworthiness,
)
from unlearn_core.records import Records, Sets
from unlearn_core.runs.artefact import RunArtefact, steps_file
from unlearn_core.runs.tracked import tracked_examples
from unlearn_core.runs.writer import RunWriter

FOLLOWING_EPOCHS = 60  # a layout that starts from the step before needs few
ALIGNED_SHARE = 0.5  # of a new layout's epochs, for one that starts from the original's


def draw(
    writer: RunWriter,
    records: Records,
    base: RunArtefact | None,
    sets: Sets,
    frames: dict[int, NDArray[np.float32]],
    config: ProjectionConfig,
    *,
    before: RunArtefact | None = None,
) -> list[dict[str, Any]]:
    """Write the run's maps; return their file and quality, or the reason why there is none.

    `records` are what was recorded of the run's model.  `base` is the run onto whose map this one
    is laid; None where this is that run.  `before` is the run whose model this one was at
    step 0, where that is not the base.
    """
    name = f"projection-{config.key()}.parquet"
    facts: dict[str, Any] = {"file": None, "n_neighbors": config.n_neighbors, "seed": config.seed}
    if importlib.util.find_spec("umap") is None:
        return [{**facts, "reason": "umap-learn is not installed, so no map was made"}]
    if not np.isfinite(records.features).all():
        return [{**facts, "reason": "the model's features are not finite"}]
    if base is None:
        rows, _ = map_rows(np.zeros(len(records), dtype=bool), config)
        layout = project(records.features[rows], config)
        aligned, own = layout, layout
    elif not base.has(name):
        return [{**facts, "reason": "the original has no map to align with"}]
    else:
        rows, start = _base_layout(base, sets, config, name)
        if writer.config.role == "original":
            aligned, own = start, start
        else:
            features = records.features[rows]
            near = neighbours_of(features, config)
            own = project(features, config, neighbours=near)
            epochs = max(1, round(ALIGNED_SHARE * config.epochs))
            moved = project(features, config, init=start, epochs=epochs, neighbours=near)
            aligned = align(moved, start)
    table = pd.DataFrame({"example_id": records.example_ids[rows].astype(np.int32)})
    for column, layout in (("x", aligned), ("own_x", own)):
        table[column] = layout[:, 0]
        table[column.replace("x", "y")] = layout[:, 1]
    writer.table(name, table)
    if base is not None and len(frames) > 1 and (before or base).has(name):
        first = start if before is None else before.table(name)[["x", "y"]].to_numpy(np.float32)
        steps = _steps(frames, records, rows, first, tracked_examples(sets), config)
        writer.table(steps_file(name), steps)
    features = records.features[rows]
    return [
        {
            **facts,
            "file": name,
            "n_examples": len(rows),
            "trustworthiness": trustworthiness(features, aligned),
            "own_trustworthiness": trustworthiness(features, own),
        }
    ]


def draw_refilling(
    taught: RunArtefact,
    sets: Sets,
    frames: dict[int, NDArray[np.float32]],
    config: ProjectionConfig,
) -> pd.DataFrame | None:
    """Return the map of the tracked examples after each number of images that were shown again.

    `frames` are their features by that number, 0 for the model as it was, whose own map is the
    start.  Columns `step` (the number), `example_id`, `x`, `y`; None where the run has no map.
    """
    name = f"projection-{config.key()}.parquet"
    if len(frames) < 2 or not taught.has(name) or importlib.util.find_spec("umap") is None:
        return None
    records, table = taught.records(), taught.table(name)
    rows = pd.Index(records.example_ids).get_indexer(pd.Index(table["example_id"]))
    start = table[["x", "y"]].to_numpy(np.float32)
    return _steps(frames, records, rows, start, tracked_examples(sets), config)


def _base_layout(
    base: RunArtefact, sets: Sets, config: ProjectionConfig, name: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and layout of the base's map, with the forget examples that it lacks."""
    records, table = base.records(), base.table(name)
    rows, extra = map_rows(sets.forget[records.example_ids], config)
    layout = table[["x", "y"]].to_numpy(dtype=np.float32)
    added = place(records.features[extra], records.features[rows], layout)
    return np.concatenate([rows, extra]), np.concatenate([layout, added])


def _steps(
    frames: dict[int, NDArray[np.float32]],
    records: Records,
    rows: NDArray[np.int64],
    start: NDArray[np.float32],
    tracked: NDArray[np.bool_],
    config: ProjectionConfig,
) -> pd.DataFrame:
    """Lay out the tracked examples at each probe, starting from the step before."""
    ids = np.flatnonzero(tracked)
    first = frames[min(frames)]
    known = np.isin(ids, records.example_ids[rows])
    position = pd.DataFrame(start, index=records.example_ids[rows])
    layout = np.empty((len(ids), 2), dtype=np.float32)
    layout[known] = position.loc[ids[known]].to_numpy()
    layout[~known] = place(first[~known], first[known], layout[known])
    parts = []
    for step in sorted(frames):
        if not np.isfinite(frames[step]).all():
            break
        if step != min(frames):
            moved = project(frames[step], config, init=layout, epochs=FOLLOWING_EPOCHS)
            layout = align(moved, layout)
        columns = {"step": step, "example_id": ids, "x": layout[:, 0], "y": layout[:, 1]}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
