"""Cached reads for the incremental view: both maps, the course of learning, the nearest classes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.components import loaders, reads
from unlearn_core.views import incremental as view


def maps(comparison_key: str, seed: int) -> pd.DataFrame:
    """Return the points of the old and the new model's map; see `views.incremental`."""
    return _maps(comparison_key, seed, loaders.store().fingerprint())


@st.cache_data(max_entries=16, show_spinner="Reading the maps…")
def _maps(comparison_key: str, seed: int, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    comparison = loaders.all_comparisons()[comparison_key]
    config = comparison.config
    sets = reads.sets(config.data, config.forget)
    return view.map_points(view.pair(comparison, seed), loaders.dataset(config.data), sets)


def course(comparison_key: str, seed: int) -> pd.DataFrame:
    """Return what was noted while the class was learned, with both references' values."""
    return _course(comparison_key, seed, loaders.store().fingerprint())


@st.cache_data(max_entries=16, show_spinner="Reading the course of the run…")
def _course(comparison_key: str, seed: int, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    return view.course(loaders.all_comparisons()[comparison_key], seed)


def nearest_classes(run_key: str) -> dict[str, float]:
    """Return the share of the forget set that lies nearest to each other class in one run."""
    return _nearest_classes(run_key, loaders.store().fingerprint())


@st.cache_data(max_entries=16, show_spinner=False)
def _nearest_classes(run_key: str, fingerprint: str) -> dict[str, float]:  # noqa: ARG001
    run = loaders.store().load(run_key)
    dataset = loaders.dataset(run.config.data)
    return view.nearest_classes(run, dataset, reads.sets(run.config.data, run.config.forget))
