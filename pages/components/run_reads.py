"""Cached reads of what one run holds: histories, spectra, neighbours and attack scores.

They are kept under the store's fingerprint; see `reads`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import data_reads, reads
from unlearn_core.data.prompts import Prompt
from unlearn_core.data.tokens import pieces
from unlearn_core.records import Records
from unlearn_core.runs import answerer, continuations, incremental
from unlearn_core.runs.artefact import ARRAYS, TOKENIZER, RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views import attacker, backdoor, bring_back, history, predictions, samples
from unlearn_core.views.spectra import spectra_rows


def triggered_answers(run: RunArtefact) -> pd.DataFrame:
    """Return what a run's model answers on triggered test images; see `views.backdoor`."""
    return _triggered_answers(run.key, reads.store().fingerprint())


@st.cache_data(max_entries=64, show_spinner=False)
def _triggered_answers(run_key: str, fingerprint: str) -> pd.DataFrame:
    return backdoor.triggered_answers(reads.store().load(run_key))


def histories(comparison: Comparison) -> pd.DataFrame:
    """Return probes and losses by step of every run of a comparison; see `views.history`."""
    return _histories(comparison.key, reads.store().fingerprint())


@st.cache_data(max_entries=8, show_spinner="Reading the histories of the runs…")
def _histories(key: str, fingerprint: str) -> pd.DataFrame:
    return history.history_rows(reads.all_comparisons()[key].runs)


def learning_history(comparison: Comparison, seed: int) -> pd.DataFrame:
    """Return what was noted while the class was learned, with both references' values."""
    return _learning_history(comparison.key, seed, reads.store().fingerprint())


@st.cache_data(max_entries=16, show_spinner="Reading the history of the run…")
def _learning_history(key: str, seed: int, fingerprint: str) -> pd.DataFrame:
    return history.learning_history(reads.all_comparisons()[key], seed)


def run_history(run_key: str) -> pd.DataFrame:
    """Return the history of one finished run: `loss/...` and `probe/...` columns by `step`."""
    return _run_history(run_key, reads.store().fingerprint())


@st.cache_data(max_entries=256, show_spinner=False)
def _run_history(run_key: str, fingerprint: str) -> pd.DataFrame:
    return reads.store().load(run_key).history()


def relearning_curves(comparison: Comparison, run_keys: Sequence[str]) -> pd.DataFrame:
    """Return what these runs' models showed when they were taught again; see `views.bring_back`."""
    return _relearning_curves(comparison.key, tuple(run_keys), reads.store().fingerprint())


@st.cache_data(max_entries=32, show_spinner=False)
def _relearning_curves(
    key: str,
    run_keys: tuple[str, ...],
    fingerprint: str,
) -> pd.DataFrame:
    chosen = reads.all_comparisons()[key]
    runs = [run for run in chosen.runs if run.key in run_keys]
    return bring_back.curve_rows(chosen, runs)


def refilling(comparison: Comparison, run: RunArtefact) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return a model's map while it was taught again; see `views.bring_back`."""
    taught = comparison.relearning(run)
    return None if taught is None else _refilling(taught.key, reads.store().fingerprint())


@st.cache_data(max_entries=16, show_spinner="Reading the maps…")
def _refilling(run_key: str, fingerprint: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    return bring_back.refilling(reads.store().load(run_key))


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables as one; without rows where there are none."""
    filled = [table for table in tables if not table.empty]
    return pd.concat(filled or tables, ignore_index=True)


def spectra(run_keys: Sequence[str]) -> pd.DataFrame:
    """Return the spectra of several runs; see `views.spectra`."""
    return joined([_spectra(key, reads.store().fingerprint()) for key in run_keys])


@st.cache_data(max_entries=64, show_spinner="Computing the spectra…")
def _spectra(run_key: str, fingerprint: str) -> pd.DataFrame:
    run = reads.store().load(run_key)
    return spectra_rows(run, data_reads.sets(run.config.data, run.config.forget))


def nearest_classes(run_key: str) -> dict[str, float]:
    """Return the share of the forget set that lies nearest to each other class in one run."""
    return _nearest_classes(run_key, reads.store().fingerprint())


@st.cache_data(max_entries=16, show_spinner=False)
def _nearest_classes(run_key: str, fingerprint: str) -> dict[str, float]:
    run = reads.store().load(run_key)
    request = data_reads.sets(run.config.data, run.config.forget)
    return incremental.nearest_classes(run, data_reads.dataset(run.config.data), request)


def answered_classes(run_key: str) -> dict[str, float]:
    """Return the share of the forget set that one run answers with each class."""
    run = reads.store().load(run_key)
    request = data_reads.sets(run.config.data, run.config.forget)
    return predictions.answered_shares(
        run, request, data_reads.dataset(run.config.data).class_names
    )


def neighbours(run: RunArtefact, example_id: int) -> pd.DataFrame:
    """Return the training examples nearest to one in a run's features; see `views.samples`."""
    return _neighbours(run.key, example_id, reads.store().fingerprint())


@st.cache_data(max_entries=256, show_spinner=False)
def token_pieces(base_key: str, text: str, length: int) -> list[str]:
    """Return the parts of a text that the tokens of a base's language model stand for."""
    return pieces(reads.store().load(base_key).read(TOKENIZER).decode(), text, length)


def prompt(base: RunArtefact, text: str) -> Prompt | None:
    """Return the question of a text that a base's networks are asked; see `data.prompts`."""
    return _prompt(base.key, base.created, text)


@st.cache_data(max_entries=256, show_spinner=False)
def _prompt(base_key: str, created: float, text: str) -> Prompt | None:
    return continuations.prompt_for(reads.store().load(base_key), text)


@st.cache_data(max_entries=256, show_spinner="Looking for the nearest…")
def _neighbours(run_key: str, example_id: int, fingerprint: str) -> pd.DataFrame:
    return samples.neighbours(_records(run_key, fingerprint), example_id)


def nearest_to(run: RunArtefact, features: Any) -> pd.DataFrame:
    """Return the training examples nearest to a new example's features; see `views.samples`."""
    if not run.has(ARRAYS):
        return pd.DataFrame(columns=["example_id", "cosine"])
    return samples.nearest_training(_records(run.key, reads.store().fingerprint()), features)


def weights_of(run: RunArtefact) -> RunArtefact | None:
    """Return the run that holds a run's weights; None where they were left out."""
    return answerer.weights_of(run, reads.store())


@st.cache_resource(max_entries=6, show_spinner=False)
def _records(run_key: str, fingerprint: str) -> Records:
    return reads.store().load(run_key).records()


def attack_scores(run_keys: tuple[str, ...], score: str, non_members: str) -> pd.DataFrame:
    """Return what an attacker sees of several runs of one comparison; see `views.attacker`."""
    return _attack_scores(run_keys, score, non_members, reads.store().fingerprint())


@st.cache_data(max_entries=32, show_spinner="Computing the scores…")
def _attack_scores(
    run_keys: tuple[str, ...],
    score: str,
    non_members: str,
    fingerprint: str,
) -> pd.DataFrame:
    runs = [reads.store().load(key) for key in run_keys]
    config = runs[0].config
    return attacker.score_rows(
        runs, data_reads.sets(config.data, config.forget), score, non_members
    )
