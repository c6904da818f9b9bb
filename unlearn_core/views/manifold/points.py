"""The points of the maps: layouts joined with predictions and sets, one row an example and run.

A *point table* has the columns `run` (key), `example_id`, `x`, `y` (aligned to the original's
map), `own_x`, `own_y`, `set`, `label`, `prediction`, `probability` (of the predicted class),
`label_probability` and `state`, one of `STATES`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.records import Sets
from unlearn_core.runs.artefact import ARRAYS, NO_CLASS, RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.examples import rows_of
from unlearn_core.views.names import SET_NAMES

LAYOUTS = {
    "aligned": ("x", "y"),
    "own": ("own_x", "own_y"),
    "linear": ("pc1", "pc2", "pc3"),
}
STATES = ("other", "forgotten", "recognised", "collateral")
FORGET_SETS = ("forget", "forget_test")
PARTS = {
    "both": tuple(SET_NAMES),
    "train": ("forget", "retain"),
    "test": ("forget_test", "retain_test"),
}
HIGHLIGHTS = {
    "all": "All examples",
    "forget": "Forget set",
    "forgotten": "Correctly forgotten",
    "recognised": "Still recognised",
    "collateral": "Collateral",
    "changed": "New neighbours",
}


def highlights(points: pd.DataFrame) -> dict[str, str]:
    """Return the highlight modes that say something of these points, with their names.

    Language models answer with no class, so that nothing is right or wrong.
    """
    if points["prediction"].ne(NO_CLASS).any():
        return HIGHLIGHTS
    return {mode: name for mode, name in HIGHLIGHTS.items() if mode not in STATES}


def missing_map(run: RunArtefact) -> str | None:
    """Return why a run has no map to show; None where it has one."""
    facts = run.map_facts
    file = facts.get("file")
    if file is None:
        return facts.get("reason", "no map was made of it")
    if not run.has(file):
        return "its map is not among the files kept of this run"
    if not run.has(ARRAYS):
        return "its recorded outputs are not among the files kept of this run"
    return None


def why_no_maps(comparison: Comparison) -> str:
    """Return the reasons for which none of the runs has a map."""
    reasons = {
        str(run.map_facts.get("reason", "the map was not shipped")) for run in comparison.runs
    }
    return f"There are no maps: {'; '.join(sorted(reasons))}."


def run_points(run: RunArtefact, sets: Sets, original: RunArtefact | None) -> pd.DataFrame:
    """Return the point table of one run.

    `sets` are masks over the whole data set. `original` is the run before unlearning;
    without its recorded outputs no example counts as collateral.
    """
    layout = run.table(str(run.map_facts["file"]))
    ids = layout["example_id"].to_numpy(dtype=np.int64)
    recorded = run.predictions()
    rows = rows_of(ids, recorded.example_ids)
    table = layout.assign(
        run=run.key,
        set=sets.names()[ids],
        label=recorded.labels[rows],
        prediction=recorded.predictions[rows],
        probability=recorded.sureness[rows].astype(np.float32),
        label_probability=recorded.of_label[rows].astype(np.float32),
    )
    was_right = np.zeros(len(ids), dtype=bool)
    if original is not None and original.has(ARRAYS):
        before = original.predictions()
        was_right = np.isin(ids, before.example_ids[before.predictions == before.labels])
    return table.assign(state=_states(table, was_right))


def _states(table: pd.DataFrame, was_right: NDArray[np.bool_]) -> NDArray[np.str_]:
    is_forget = table["set"].isin(FORGET_SETS).to_numpy()
    is_right = (table["label"] == table["prediction"]).to_numpy()
    is_judged = (table["prediction"] != NO_CLASS).to_numpy()
    conditions = [
        is_judged & is_forget & ~is_right,
        is_judged & is_forget & is_right,
        is_judged & ~is_forget & ~is_right & was_right,
    ]
    return np.select(conditions, STATES[1:], STATES[0])


def join(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one point table of several, with the examples that all of them show."""
    shared = set.intersection(*(set(table["example_id"]) for table in tables))
    kept = [table[table["example_id"].isin(shared)] for table in tables]
    return pd.concat([t.sort_values("example_id") for t in kept], ignore_index=True)


def is_highlighted(points: pd.DataFrame, mode: str, least: float = 0.5) -> pd.Series[bool]:
    """Say which points a highlight mode, a key of `HIGHLIGHTS`, brings out.

    "changed" needs the column `new_neighbours`, and brings out those with `least` or more.
    """
    if mode == "all":
        return points["set"].notna()
    if mode == "forget":
        return points["set"].isin(FORGET_SETS)
    if mode == "changed":
        return points["new_neighbours"] >= least
    return points["state"] == mode


def highlight_counts(
    points: pd.DataFrame, mode: str, part: str, least: float = 0.5
) -> dict[str, str]:
    """Return for each run how many of which examples the mode brings out, in words."""
    chosen = points[points["set"].isin(PARTS[part])]
    of_forget = mode in ("forgotten", "recognised")
    counts = {}
    for key, rows in chosen.groupby("run", sort=False):
        lit = int(is_highlighted(rows, mode, least).sum())
        is_forget = rows["set"].isin(FORGET_SETS)
        total = {True: is_forget.sum(), False: len(rows) - is_forget.sum()}[of_forget]
        if mode == "all":
            counts[str(key)] = f"{len(rows):,} examples"
        elif mode == "forget":
            counts[str(key)] = f"{lit:,} to forget"
        elif mode == "changed":
            counts[str(key)] = f"at least {least:.0%} new neighbours: {lit:,} of {len(rows):,}"
            if rows["new_neighbours"].isna().all():
                counts[str(key)] = "neighbours are not known"
        else:
            counts[str(key)] = f"{HIGHLIGHTS[mode].lower()}: {lit:,} of {total:,}"
    return counts


def labels_and_sets(labels: NDArray[np.int64], sets: Sets, ids: Sequence[int]) -> pd.DataFrame:
    """Return `example_id`, `label` and `set` of these examples."""
    rows = np.asarray(ids, dtype=np.int64)
    return pd.DataFrame(
        {"example_id": rows, "label": labels[rows], "set": sets.names()[rows]},
    )


def default_runs(runs: Sequence[RunArtefact], most: int = 6) -> list[RunArtefact]:
    """Return the runs to show first: of each method the one with the fewest unusual settings."""
    best: dict[str, RunArtefact] = {}
    for run in runs:
        known = best.get(run.config.method)
        if known is None or len(run.unusual) < len(known.unusual):
            best[run.config.method] = run
    return list(best.values())[:most]


def n_examples(sets: Sets) -> int:
    """Return how many examples the training and test set hold."""
    return int((sets.names() != "").sum())
