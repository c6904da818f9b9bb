"""Cached reads of maps: places, neighbours, steps, and what changed between two models."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.components import data_reads, reads, run_reads
from unlearn_core.config import RunConfig
from unlearn_core.runs import incremental
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.manifold import linear, neighbourhoods, points, small_maps
from unlearn_core.views.manifold.steps import step_figure


def small_map_rows(run_keys: Sequence[str]) -> pd.DataFrame:
    """Return the small maps of several runs; see `views.manifold.small_maps`."""
    return run_reads.joined([_small_map(key, reads.store().fingerprint()) for key in run_keys])


@st.cache_data(max_entries=64, show_spinner="Reading the maps…")
def _small_map(run_key: str, fingerprint: str) -> pd.DataFrame:
    run = reads.store().load(run_key)
    request = data_reads.sets(run.config.data, run.config.forget)
    return small_maps.small_map(run, data_reads.dataset(run.config.data), request)


def old_and_new_maps(comparison: Comparison, seed: int) -> pd.DataFrame:
    """Return the maps of the model before and after it learned the class."""
    return _old_and_new_maps(comparison.key, seed, reads.store().fingerprint())


@st.cache_data(max_entries=16, show_spinner="Reading the maps…")
def _old_and_new_maps(key: str, seed: int, fingerprint: str) -> pd.DataFrame:
    comparison = reads.all_comparisons()[key]
    config = comparison.config
    models = incremental.old_and_new(comparison, seed)
    data = data_reads.dataset(config.data)
    return small_maps.old_and_new_maps(models, data, data_reads.sets(config.data, config.forget))


def map_points(
    comparison: Comparison, runs: Sequence[RunArtefact]
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """Return the joint point table of the runs that have maps, and the others' reasons."""
    fingerprint = reads.store().fingerprint()
    answers = {run.key: _run_points(comparison.key, run.key, fingerprint) for run in runs}
    tables = [table for table in answers.values() if not isinstance(table, str)]
    reasons = {key: reason for key, reason in answers.items() if isinstance(reason, str)}
    return (points.join(tables) if tables else None), reasons


@st.cache_data(max_entries=64, show_spinner="Reading the maps…")
def _run_points(key: str, run_key: str, fingerprint: str) -> pd.DataFrame | str:
    """Return a run's point table, or the reason why there is none."""
    comparison = reads.all_comparisons()[key]
    run = next(run for run in comparison.runs if run.key == run_key)
    reason = points.missing_map(run)
    if reason is not None:
        return reason
    original = comparison.reference("original", run.config.seed)
    request = data_reads.sets(run.config.data, run.config.forget)
    return points.run_points(run, request, original)


def map_neighbours(
    runs: Sequence[RunArtefact], example_id: int | None, k: int
) -> dict[str, list[int]]:
    """Return by run the k nearest neighbours that an example has on the map; none of None."""
    found: dict[str, list[int]] = {}
    for run in runs:
        near = _neighbourhoods(run.key, reads.store().fingerprint())
        if near is not None and example_id is not None:
            found[run.key] = near.of(example_id, k)
    return found


def map_changes(runs: Sequence[RunArtefact], reference: str, k: int) -> dict[str, pd.DataFrame]:
    """Return by run what changed from the reference's features; see `views.neighbourhoods`.

    Runs whose features were not kept are left out.
    """
    answers = {
        run.key: _map_changes(run.key, reference, k, reads.store().fingerprint()) for run in runs
    }
    return {key: table for key, table in answers.items() if table is not None}


def between(
    pair: Sequence[RunArtefact], table: pd.DataFrame, k: int, least: float
) -> tuple[pd.DataFrame, list[int]]:
    """Return the points of two runs with what changed from the first to the second, in both.

    With the ids of those that have at least this share of new neighbours.
    """
    before, after = pair
    changed = map_changes([after], before.key, k)
    both = {run.key: known for run in pair for known in changed.values()}
    rows = neighbourhoods.with_changes(table, both)
    return rows, neighbourhoods.changed_ids(rows, least)


@st.cache_data(max_entries=128, show_spinner="Looking for the nearest…")
def _map_changes(run_key: str, reference: str, k: int, fingerprint: str) -> pd.DataFrame | None:
    after, before = (_neighbourhoods(key, fingerprint) for key in (run_key, reference))
    return None if after is None or before is None else neighbourhoods.changes(after, before, k)


def moved_groups(
    run: RunArtefact, reference: str, table: pd.DataFrame, k: int, least: float
) -> list[neighbourhoods.Group]:
    """Return groups of the run's examples that changed neighbours together."""
    fingerprint = reads.store().fingerprint()
    after, before = (_neighbourhoods(key, fingerprint) for key in (run.key, reference))
    if after is None or before is None:
        return []
    rows = table[table["run"] == run.key]
    data = data_reads.dataset(run.config.data)
    return neighbourhoods.groups(after, before, rows, data, k=k, least=least)


def linear_map(
    comparison: Comparison, runs: Sequence[RunArtefact], table: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the point table with places in three directions, and by run how much these show."""
    original = comparison.reference("original", runs[0].config.seed)
    onto = original.key if original is not None else runs[0].key
    found = {run.key: _linear_places(run.key, onto, reads.store().fingerprint()) for run in runs}
    places = {key: answer[0] for key, answer in found.items() if answer is not None}
    shares = {key: answer[1] for key, answer in found.items() if answer is not None}
    return linear.with_places(table, places), shares


@st.cache_data(max_entries=64, show_spinner="Turning the maps…")
def _linear_places(run_key: str, onto: str, fingerprint: str) -> tuple[pd.DataFrame, float] | None:
    near = _neighbourhoods(run_key, fingerprint)
    first = None if run_key == onto else _linear_places(onto, onto, fingerprint)
    return None if near is None else linear.linear_places(near, first[0] if first else None)


@st.cache_resource(max_entries=24, show_spinner="Looking for the nearest…")
def _neighbourhoods(
    run_key: str,
    fingerprint: str,
) -> neighbourhoods.Neighbourhoods | None:
    return neighbourhoods.neighbourhoods(reads.store().load(run_key))


def map_steps(run_key: str) -> pd.DataFrame | None:
    """Return `step`, `example_id`, `x`, `y` of the tracked examples; None where none were kept."""
    return _map_steps(run_key, reads.store().fingerprint())


@st.cache_data(max_entries=32, show_spinner="Reading the steps…")
def _map_steps(run_key: str, fingerprint: str) -> pd.DataFrame | None:
    run = reads.store().load(run_key)
    return None if run.steps_file is None else run.table(run.steps_file)


def learned_steps(run_key: str) -> go.Figure | None:
    """Return the map of each step of a run that learns, with its probes; None where none was kept.

    All sessions share it, so it must not be changed.
    """
    return _learned_steps(run_key, reads.store().fingerprint())


@st.cache_resource(max_entries=16, show_spinner="Drawing the steps…")
def _learned_steps(run_key: str, fingerprint: str) -> go.Figure | None:
    steps = _map_steps(run_key, fingerprint)
    if steps is None:
        return None
    config = reads.store().load(run_key).config
    examples = labels_and_sets(config, steps["example_id"].drop_duplicates().tolist())
    classes = data_reads.dataset(config.data).class_names
    history = run_reads.run_history(run_key)
    return step_figure(steps, examples, history, classes, during="learning")


def labels_and_sets(config: RunConfig, ids: Sequence[int]) -> pd.DataFrame:
    """Return `example_id`, `label` and `set` of these examples."""
    request = data_reads.sets(config.data, config.forget)
    return points.labels_and_sets(data_reads.dataset(config.data).labels, request, ids)
