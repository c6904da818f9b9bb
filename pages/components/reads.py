"""Cached reads of runs and comparisons, for every page.

Whatever comes from run folders is cached under the store's fingerprint, which changes when a
run is finished, redone or removed.  Cached resources are shared: do not change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from unlearn_core.runs import inventory, provenance
from unlearn_core.runs.artefact import CorruptRunError, RunArtefact
from unlearn_core.runs.comparison import Comparison, DamagedRun, Survey, survey
from unlearn_core.runs.report import Report, report
from unlearn_core.runs.store import Store, default_root


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


def leave_out(error: CorruptRunError) -> bool:
    """Leave a damaged run out of all that is read from now on; False where it is out already."""
    known = _left_out(str(store().root), store().fingerprint())
    is_new = error.key not in known
    known.setdefault(error.key, str(error))
    return is_new


def finished(keys: Iterable[str]) -> set[str]:
    """Return those of the runs that can be used: they exist and are not known to be damaged."""
    damaged = {run.key for run in damaged_runs()}
    return {key for key in keys if key not in damaged and store().exists(key)}


def made_by_other_code(key: str | None) -> list[RunArtefact]:
    """Return the runs of a comparison that were made here, by other sources than those on disk."""
    comparison = all_comparisons().get(str(key))
    runs = comparison.runs if comparison else ()
    own = [run for run in runs if not store().is_shipped(run.key)]
    if not own:
        return []  # without reading the sources: what ships is as old as the program or older
    now = _codes()
    return [
        run for run in own if provenance.made_by_other_code(run.config.method, run.made_by, now)
    ]


@st.cache_data(ttl=10, show_spinner=False)
def _codes() -> dict[str, provenance.Code]:
    return provenance.codes()


def _current() -> Survey:
    state = str(store().root), store().fingerprint()
    return _survey(*state, tuple(_left_out(*state).items()))


@st.cache_resource(max_entries=4)
def _left_out(root: str, fingerprint: str) -> dict[str, str]:
    return {}


@st.cache_resource(max_entries=4, show_spinner="Looking through the runs…")
def _survey(root: str, fingerprint: str, left_out: tuple[tuple[str, str], ...]) -> Survey:
    return survey(store(), dict(left_out))


def comparison_report(key: str) -> Report:
    """Return a comparison's runs, metrics and verdicts."""
    runs = tuple(run.key for run in all_comparisons()[key].runs)
    return _report(str(store().root), key, store().fingerprint(), runs)


@st.cache_resource(max_entries=16, show_spinner=False)
def _report(root: str, key: str, fingerprint: str, runs: tuple[str, ...]) -> Report:
    return report(all_comparisons()[key])


def stored_runs() -> list[RunArtefact]:
    """Return every finished run that can be opened, the newest first."""
    return _stored_runs(str(store().root), store().fingerprint())


@st.cache_resource(max_entries=2, show_spinner=False)
def _stored_runs(root: str, fingerprint: str) -> list[RunArtefact]:
    return inventory.stored_runs(store())


@st.cache_data(ttl=10, show_spinner=False)
def disk_bytes() -> int:
    """Return the bytes that the store takes; looked up now and then only."""
    return inventory.disk_bytes(store().root)
