"""Cached reads for the maps: points, pictures and steps of a comparison's runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import loaders
from unlearn_core.config import DataConfig
from unlearn_core.data.splits import split
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.manifold import points as views
from unlearn_core.views.manifold import sprites


def sets(comparison: Comparison) -> Sets:
    """Return the forget, retain and test sets, masks over the whole data set."""
    return _sets(comparison.key, loaders.store().fingerprint())


@st.cache_resource(max_entries=8)
def _sets(key: str, fingerprint: str) -> Sets:  # noqa: ARG001
    config = loaders.all_comparisons()[key].config
    return split(loaders.dataset(config.data), config.forget)


def run_points(comparison: Comparison, run: RunArtefact) -> pd.DataFrame | str:
    """Return the run's point table, or the reason why there is none."""
    return _run_points(comparison.key, run.key, loaders.store().fingerprint())


@st.cache_data(max_entries=64, show_spinner="Reading the maps…")
def _run_points(key: str, run_key: str, fingerprint: str) -> pd.DataFrame | str:  # noqa: ARG001
    comparison = loaders.all_comparisons()[key]
    run = next(run for run in comparison.runs if run.key == run_key)
    reason = views.missing_map(run)
    if reason is not None:
        return reason
    reference = comparison.reference("original", run.config.seed)
    return views.run_points(run, sets(comparison), reference)


def points(
    comparison: Comparison, runs: Sequence[RunArtefact]
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """Return the joint point table of the runs that have maps, and the others' reasons."""
    found = {run.key: run_points(comparison, run) for run in runs}
    tables = [table for table in found.values() if not isinstance(table, str)]
    reasons = {key: reason for key, reason in found.items() if isinstance(reason, str)}
    return (views.join(tables) if tables else None), reasons


@st.cache_data(max_entries=4, show_spinner="Preparing the pictures…")
def pictures(data: DataConfig, ids: tuple[int, ...]) -> dict[str, Any]:
    """Return the sheet of pictures of these examples, in this order."""
    return asdict(sprites.sheet(loaders.dataset(data).previews(ids)))


def thumbnails(data: DataConfig, ids: Sequence[int]) -> list[str]:
    """Return a picture of each example as a data URL."""
    return [_thumbnail(data, int(example_id)) for example_id in ids]


@st.cache_data(max_entries=20_000, show_spinner=False)
def _thumbnail(data: DataConfig, example_id: int) -> str:
    return sprites.thumbnail(*loaders.dataset(data).previews([example_id]))


@st.cache_data(max_entries=32, show_spinner="Reading the steps…")
def steps(run_key: str, fingerprint: str) -> pd.DataFrame | None:  # noqa: ARG001
    """Return `step`, `example_id`, `x`, `y` of the tracked examples, or None."""
    run = loaders.store().load(run_key)
    names = [name for name in run.projections() if name.endswith("-steps.parquet")]
    return run.table(names[0]) if names else None


def class_names(data: DataConfig) -> tuple[str, ...]:
    """Return the names of the classes."""
    return loaders.dataset(data).class_names


def looks(comparison: Comparison, ids: Sequence[int]) -> pd.DataFrame:
    """Return `example_id`, `label` and `set` of these examples."""
    return views.looks(loaders.dataset(comparison.config.data).labels, sets(comparison), ids)


def n_examples(comparison: Comparison) -> int:
    """Return how many examples the comparison's training and test set hold."""
    return views.n_examples(sets(comparison))
