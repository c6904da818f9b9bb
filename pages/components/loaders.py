"""Cached reads: the only way a page gets data.

Whatever comes from run folders is cached under the store's fingerprint, which changes when a
run is finished, redone or removed.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from unlearn_core.config import DataConfig
from unlearn_core.data import Dataset, load_dataset
from unlearn_core.runs.catalogue import catalogue as read_catalogue
from unlearn_core.runs.comparison import Comparison, comparisons, report
from unlearn_core.runs.store import Store, default_root


@st.cache_resource
def store() -> Store:
    """Return the one store of this server, with the shipped runs."""
    return Store(default_root(), demo=True)


def all_comparisons() -> dict[str, Comparison]:
    """Return every comparison by its key, the lesson first."""
    return _comparisons(str(store().root), store().fingerprint())


@st.cache_resource(max_entries=4)
def _comparisons(root: str, fingerprint: str) -> dict[str, Comparison]:  # noqa: ARG001
    return {comparison.key: comparison for comparison in comparisons(store())}


def comparison_report(key: str) -> dict[str, Any]:
    """Return a comparison's runs, metrics, reasons and verdicts as plain JSON types."""
    return _report(key, store().fingerprint())


@st.cache_data(max_entries=16)
def _report(key: str, fingerprint: str) -> dict[str, Any]:  # noqa: ARG001
    return report(all_comparisons()[key])


@st.cache_data(max_entries=256)
def history(run_key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    """Return the course of one finished run: `loss/...` and `probe/...` columns by `step`."""
    return store().load(run_key).history()


@st.cache_resource(max_entries=4, show_spinner="Reading the images…")
def dataset(config: DataConfig) -> Dataset:
    """Return the images and labels of a data set. Shared: do not change it.

    Nothing is downloaded: showing a page must not wait for a network.
    """
    return load_dataset(config, fetch=False)


@st.cache_data(show_spinner="Listing the methods…", ttl=3600)
def catalogue() -> dict[str, Any]:
    """Return what there is to choose from: `methods`, `metrics`, `datasets`, `models`."""
    return read_catalogue(store())
