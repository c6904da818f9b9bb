"""Cached reads: the only way a page gets data.

Whatever comes from run folders is cached under the store's fingerprint, which changes when a
run is finished, redone or removed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pandas as pd
import streamlit as st

from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import Dataset, load_dataset
from unlearn_core.runs import provenance
from unlearn_core.runs.artefact import CorruptRunError, RunArtefact
from unlearn_core.runs.catalogue import catalogue as read_catalogue
from unlearn_core.runs.catalogue import fingerprint as fingerprint_of_sources
from unlearn_core.runs.comparison import Comparison, DamagedRun, Survey, survey
from unlearn_core.runs.plan import comparison_config
from unlearn_core.runs.report import Report, report
from unlearn_core.runs.store import Store, default_root

P = ParamSpec("P")
R = TypeVar("R")


def store() -> Store:
    """Return the one store of this server, with the shipped runs."""
    return _store(str(default_root()))


@st.cache_resource(max_entries=4)
def _store(root: str) -> Store:
    return Store(Path(root), demo=True)


def all_comparisons() -> dict[str, Comparison]:
    """Return every comparison by its key, the lesson first."""
    return {comparison.key: comparison for comparison in _current().comparisons}


def damaged_runs() -> tuple[DamagedRun, ...]:
    """Return the runs that are left out because a file of theirs is not what was written."""
    return _current().damaged


def without_damaged_runs(show: Callable[P, R]) -> Callable[P, R]:
    """Draw the page anew, without the run, where one turns out to be damaged while it is read.

    For a page as a whole, and for each fragment, whose errors do not reach the page.
    """

    @wraps(show)
    def shown(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return show(*arguments, **options)
        except CorruptRunError as error:
            known = _left_out(str(store().root), store().fingerprint())
            if error.key in known:
                raise  # it is left out already, so something else is wrong
            known[error.key] = str(error)
            st.rerun()

    return shown


def is_finished(key: str) -> bool:
    """Say whether a finished run can be used: it is there and not known to be damaged."""
    return store().exists(key) and all(run.key != key for run in damaged_runs())


def made_by_other_code(comparison: str | None) -> list[RunArtefact]:
    """Return the runs of a comparison that were made here, by other sources than those on disk."""
    found = all_comparisons()
    if comparison not in found:
        return []
    own = [run for run in found[comparison].runs if not store().is_shipped(run.key)]
    if not own:
        return []  # without reading the sources: what ships is as old as the program or older
    now = _codes()
    return [
        run for run in own if provenance.made_by_other_code(run.config.method, run.made_by, now)
    ]


@st.cache_data(ttl=10, show_spinner=False)
def _codes() -> dict[str, provenance.Code]:
    return provenance.codes()


@st.cache_data(ttl=5, max_entries=64, show_spinner=False)
def start_config(dataset: str, model: str) -> RunConfig:
    """Return the usual config on a data set; it looks at the data's files only now and then."""
    return comparison_config(dataset, ForgetConfig(), model=model)


def _current() -> Survey:
    place = str(store().root), store().fingerprint()
    return _survey(*place, tuple(_left_out(*place).items()))


@st.cache_resource(max_entries=4)
def _left_out(root: str, fingerprint: str) -> dict[str, str]:  # noqa: ARG001
    return {}


@st.cache_resource(max_entries=4)
def _survey(root: str, fingerprint: str, left_out: tuple[tuple[str, str], ...]) -> Survey:  # noqa: ARG001
    return survey(store(), dict(left_out))


def comparison_report(key: str) -> Report:
    """Return a comparison's runs, metrics and verdicts. Shared: do not change it."""
    runs = tuple(run.key for run in all_comparisons()[key].runs)
    return _report(str(store().root), key, store().fingerprint(), runs)


@st.cache_resource(max_entries=16, show_spinner=False)
def _report(root: str, key: str, fingerprint: str, runs: tuple[str, ...]) -> Report:  # noqa: ARG001
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


def catalogue() -> dict[str, Any]:
    """Return what there is to choose from: `methods`, `metrics`, `datasets`, `models`."""
    return _catalogue(str(store().root), _sources())


@st.cache_data(ttl=5, show_spinner=False)
def _sources() -> str:
    return fingerprint_of_sources()


@st.cache_data(show_spinner="Listing the methods…", ttl=3600, max_entries=8)
def _catalogue(root: str, sources: str) -> dict[str, Any]:  # noqa: ARG001
    return read_catalogue(store())
