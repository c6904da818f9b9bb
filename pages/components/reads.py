"""Cached reads for the pages that analyse: courses, spectra, sets, small maps, sweeps.

Like `loaders`, everything is cached under the store's fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import loaders
from pages.components.selectors import chosen_key
from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data.splits import split
from unlearn_core.records import Sets
from unlearn_core.runs.report import Report
from unlearn_core.views import history as curves
from unlearn_core.views import spectra as spectra_view
from unlearn_core.views.manifold.small_maps import small_map


def report_if_any() -> Report | None:
    """Return the report of the chosen comparison; None where nothing is finished yet."""
    found = loaders.all_comparisons()
    if not found:
        return None
    return loaders.comparison_report(chosen_key(found))


def method_entry(name: str) -> dict[str, Any]:
    """Return a method's entry of the catalogue."""
    return next(entry for entry in loaders.catalogue()["methods"] if entry["name"] == name)


def sets(data: DataConfig, forget: ForgetConfig) -> Sets:
    """Return the masks that a forget request stands for."""
    return _sets(data, forget)


@st.cache_resource(max_entries=16, show_spinner=False)
def _sets(data: DataConfig, forget: ForgetConfig) -> Sets:
    return split(loaders.dataset(data), forget)


def course(comparison_key: str) -> pd.DataFrame:
    """Return what was noted on the way in every run of a comparison; see `views.curves`."""
    return _course(comparison_key, loaders.store().fingerprint())


@st.cache_data(max_entries=8, show_spinner="Reading the course of the runs…")
def _course(comparison_key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    return curves.course(loaders.all_comparisons()[comparison_key].runs)


def spectra(run_keys: Sequence[str]) -> pd.DataFrame:
    """Return the spectra of several runs; see `views.spectra`."""
    fingerprint = loaders.store().fingerprint()
    parts = [_spectra(key, fingerprint) for key in run_keys]
    return pd.concat([part for part in parts if not part.empty] or parts, ignore_index=True)


@st.cache_data(max_entries=64, show_spinner="Computing the spectra…")
def _spectra(run_key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    run = loaders.store().load(run_key)
    return spectra_view.spectra(run, sets(run.config.data, run.config.forget))


def small_maps(run_keys: Sequence[str]) -> pd.DataFrame:
    """Return the small maps of several runs; see `views.small_maps`."""
    fingerprint = loaders.store().fingerprint()
    parts = [_small_map(key, fingerprint) for key in run_keys]
    return pd.concat([part for part in parts if not part.empty] or parts, ignore_index=True)


@st.cache_data(max_entries=64, show_spinner="Reading the maps…")
def _small_map(run_key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    run = loaders.store().load(run_key)
    chosen = sets(run.config.data, run.config.forget)
    return small_map(run, loaders.dataset(run.config.data), chosen)
