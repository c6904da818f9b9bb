"""Cached reads of runs, data sets and the catalogue, for every page.

Whatever comes from run folders is cached under the store's fingerprint, which changes when a
run is finished, redone or removed.  Cached resources are shared: do not change them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import DataChangedError, DataNotFoundError, Dataset, load_dataset
from unlearn_core.data import uploads as own_data
from unlearn_core.data.prompts import Prompt
from unlearn_core.data.splits import split
from unlearn_core.data.tokens import pieces
from unlearn_core.records import Records, Sets
from unlearn_core.runs import (
    answerer,
    continuations,
    incremental,
    inventory,
    kept_labels,
    provenance,
)
from unlearn_core.runs import given_weights as own_weights
from unlearn_core.runs import own_files as brought
from unlearn_core.runs.artefact import ARRAYS, TOKENIZER, CorruptRunError, RunArtefact
from unlearn_core.runs.catalogue import catalogue as read_catalogue
from unlearn_core.runs.catalogue import fingerprint as fingerprint_of_sources
from unlearn_core.runs.comparison import Comparison, DamagedRun, Survey, survey
from unlearn_core.runs.given_weights import GivenWeights
from unlearn_core.runs.own_files import OwnFile
from unlearn_core.runs.plan import comparison_config
from unlearn_core.runs.report import Report, report
from unlearn_core.runs.store import Store, default_root
from unlearn_core.views import backdoor, bring_back, history, privacy, samples
from unlearn_core.views.manifold import sprites
from unlearn_core.views.settings_form import default_settings
from unlearn_core.views.spectra import spectra_rows


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


@st.cache_data(ttl=5, max_entries=64, show_spinner=False)
def start_config(dataset: str, model: str, train_examples: int | None = None) -> RunConfig:
    """Return the usual config on a data set; it looks at the data's files only now and then.

    `dataset` is a data set or an upload, as pages offer them.
    """
    name, content = own_data.named_by(dataset)
    return comparison_config(
        name, ForgetConfig(), model=model, train_examples=train_examples, content=content
    )


def given_weights() -> list[GivenWeights]:
    """Return the files of trained weights that are kept, the latest first."""
    return own_weights.all_kept(store().root)


def weights_fault(config: RunConfig) -> str:
    """Return why the kept weights that a config names do not fit its network; "" where they do."""
    shape = RunConfig(data=config.data, model=config.model)  # the recipe does not matter
    return _weights_fault(str(store().root), shape)


@st.cache_data(max_entries=64, show_spinner="Comparing names and shapes…")
def _weights_fault(root: str, config: RunConfig) -> str:  # noqa: ARG001
    return own_weights.fit_of(store(), config)


def uploads() -> dict[str, DataConfig]:
    """Return the images that were given through the page, by the name under which they are offered.

    The latest first.
    """
    configs = (DataConfig(name=own_data.DATASET, content=u.content) for u in own_data.kept())
    return {own_data.choice_of(config): config for config in configs}


def _current() -> Survey:
    state = str(store().root), store().fingerprint()
    return _survey(*state, tuple(_left_out(*state).items()))


@st.cache_resource(max_entries=4)
def _left_out(root: str, fingerprint: str) -> dict[str, str]:  # noqa: ARG001
    return {}


@st.cache_resource(max_entries=4)
def _survey(root: str, fingerprint: str, left_out: tuple[tuple[str, str], ...]) -> Survey:  # noqa: ARG001
    return survey(store(), dict(left_out))


def comparison_report(key: str) -> Report:
    """Return a comparison's runs, metrics and verdicts."""
    runs = tuple(run.key for run in all_comparisons()[key].runs)
    return _report(str(store().root), key, store().fingerprint(), runs)


@st.cache_resource(max_entries=16, show_spinner=False)
def _report(root: str, key: str, fingerprint: str, runs: tuple[str, ...]) -> Report:  # noqa: ARG001
    return report(all_comparisons()[key])


def catalogue() -> dict[str, Any]:
    """Return what there is to choose from: `methods`, `metrics`, `datasets`, `models`."""
    return _catalogue(str(store().root), _sources())


def method_entry(name: str) -> dict[str, Any]:
    """Return a method's entry of the catalogue."""
    return next(entry for entry in catalogue()["methods"] if entry["name"] == name)


def method_labels() -> dict[str, str]:
    """Return what each method is called, by its name."""
    return {method["name"]: method["label"] for method in catalogue()["methods"]}


def method_defaults() -> dict[str, dict[str, Any]]:
    """Return each method's settings where nobody says more, by its name."""
    return {method["name"]: default_settings(method) for method in catalogue()["methods"]}


def forget_sources() -> None:
    """Look at the sources of the methods again, as one was just added or removed."""
    _sources.clear()


@st.cache_data(ttl=5, show_spinner=False)
def _sources() -> str:
    return fingerprint_of_sources()


@st.cache_data(show_spinner="Listing the methods…", ttl=3600, max_entries=8)
def _catalogue(root: str, sources: str) -> dict[str, Any]:  # noqa: ARG001
    return read_catalogue(store())


def dataset(config: DataConfig) -> Dataset:
    """Return a data set; one that is not on this machine by its labels, where these are kept.

    Nothing is downloaded: showing a page must not wait for a network.
    """
    try:
        return whole_dataset(config)
    except (DataNotFoundError, DataChangedError):
        known = _stand_in(str(store().root), config)
        if known is None:
            raise
        return known


def lacks_pictures(config: DataConfig) -> bool:
    """Say whether tiles stand for the pictures of a data set, because it is not here.

    It is only read where labels of it are kept, which few data sets have.
    """
    if _stand_in(str(store().root), config) is None:
        return False
    try:
        whole_dataset(config)
    except (DataNotFoundError, DataChangedError):
        return True
    return False


@st.cache_resource(max_entries=4, show_spinner=False)
def _stand_in(root: str, config: DataConfig) -> Dataset | None:  # noqa: ARG001
    return kept_labels.load(store(), config)


@st.cache_resource(max_entries=4, show_spinner="Reading the images…")
def whole_dataset(config: DataConfig) -> Dataset:
    """Return a data set that is on this machine; `InputError` where it is not."""
    return load_dataset(config, fetch=False)


@st.cache_resource(max_entries=16, show_spinner=False)
def sets(data: DataConfig, forget: ForgetConfig) -> Sets:
    """Return the forget, retain and test sets of a request, masks over the whole data set."""
    return split(dataset(data), forget)


def thumbnails(data: DataConfig, ids: Sequence[int]) -> list[str]:
    """Return a picture of each example as a data URL."""
    known, wanted = _thumbnails(data, lacks_pictures(data)), [int(example_id) for example_id in ids]
    missing = list(dict.fromkeys(each for each in wanted if each not in known))
    previews = dataset(data).previews(missing) if missing else ()
    known.update(zip(missing, map(sprites.thumbnail, previews), strict=True))
    return [known[example_id] for example_id in wanted]


def thumbnail(data: DataConfig, example_id: int) -> str:
    """Return a picture of one example as a data URL."""
    return thumbnails(data, [example_id])[0]


@st.cache_resource(max_entries=4, show_spinner=False)
def _thumbnails(data: DataConfig, tiles: bool) -> dict[int, str]:  # noqa: ARG001
    return {}


def shows_texts(data: DataConfig) -> bool:
    """Say whether a person sees texts of this data set's examples, and not pictures."""
    return isinstance(dataset(data).previews([0]), tuple)


def clean_dataset(config: DataConfig) -> Dataset:
    """Return a data set as it was before it was poisoned."""
    return dataset(replace(config, poison_target=None))


@st.cache_data(max_entries=1000, show_spinner=False)
def triggered_pictures(data: DataConfig, ids: tuple[int, ...]) -> list[str]:
    """Return a picture of each example with the backdoor's trigger as a data URL."""
    images = backdoor.triggered_images(dataset(data), ids)
    return [sprites.thumbnail(image) for image in images]


@st.cache_data(max_entries=1000, show_spinner=False)
def trigger_pictures(data: DataConfig, example_id: int) -> list[str]:
    """Return an example without and with the trigger, and its place enlarged, as data URLs."""
    [clean] = clean_dataset(data).previews([example_id])
    [marked] = backdoor.triggered_images(dataset(data), [example_id])
    return [sprites.thumbnail(image) for image in (clean, marked, backdoor.close_up(marked))]


def triggered_answers(run: RunArtefact) -> pd.DataFrame:
    """Return what a run's model answers on triggered test images; see `views.backdoor`."""
    return _triggered_answers(run.key, store().fingerprint())


@st.cache_data(max_entries=64, show_spinner=False)
def _triggered_answers(run_key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    return backdoor.triggered_answers(store().load(run_key))


def picture_sheet(data: DataConfig, ids: tuple[int, ...]) -> dict[str, Any]:
    """Return what maps show of these examples on hover, in this order."""
    return _picture_sheet(data, ids, lacks_pictures(data))


@st.cache_data(max_entries=4, show_spinner="Preparing the pictures…")
def _picture_sheet(data: DataConfig, ids: tuple[int, ...], tiles: bool) -> dict[str, Any]:  # noqa: ARG001
    return sprites.hovered(dataset(data).previews(ids))


def histories(comparison: Comparison) -> pd.DataFrame:
    """Return probes and losses by step of every run of a comparison; see `views.history`."""
    return _histories(comparison.key, store().fingerprint())


@st.cache_data(max_entries=8, show_spinner="Reading the histories of the runs…")
def _histories(key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    return history.history_rows(all_comparisons()[key].runs)


def learning_history(comparison: Comparison, seed: int) -> pd.DataFrame:
    """Return what was noted while the class was learned, with both references' values."""
    return _learning_history(comparison.key, seed, store().fingerprint())


@st.cache_data(max_entries=16, show_spinner="Reading the history of the run…")
def _learning_history(key: str, seed: int, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    return history.learning_history(all_comparisons()[key], seed)


def run_history(run_key: str) -> pd.DataFrame:
    """Return the history of one finished run: `loss/...` and `probe/...` columns by `step`."""
    return _run_history(run_key, store().fingerprint())


@st.cache_data(max_entries=256)
def _run_history(run_key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    return store().load(run_key).history()


def relearning_curves(comparison: Comparison, run_keys: Sequence[str]) -> pd.DataFrame:
    """Return what these runs' models showed when they were taught again; see `views.bring_back`."""
    return _relearning_curves(comparison.key, tuple(run_keys), store().fingerprint())


@st.cache_data(max_entries=32, show_spinner=False)
def _relearning_curves(
    key: str,
    run_keys: tuple[str, ...],
    fingerprint: str,  # noqa: ARG001
) -> pd.DataFrame:
    chosen = all_comparisons()[key]
    runs = [run for run in chosen.runs if run.key in run_keys]
    return bring_back.curve_rows(chosen, runs)


def refilling(comparison: Comparison, run: RunArtefact) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return a model's map while it was taught again; see `views.bring_back`."""
    taught = comparison.relearning(run)
    return None if taught is None else _refilling(taught.key, store().fingerprint())


@st.cache_data(max_entries=16, show_spinner="Reading the maps…")
def _refilling(run_key: str, fingerprint: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:  # noqa: ARG001
    return bring_back.refilling(store().load(run_key))


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables as one; without rows where there are none."""
    filled = [table for table in tables if not table.empty]
    return pd.concat(filled or tables, ignore_index=True)


def spectra(run_keys: Sequence[str]) -> pd.DataFrame:
    """Return the spectra of several runs; see `views.spectra`."""
    return joined([_spectra(key, store().fingerprint()) for key in run_keys])


@st.cache_data(max_entries=64, show_spinner="Computing the spectra…")
def _spectra(run_key: str, fingerprint: str) -> pd.DataFrame:  # noqa: ARG001
    run = store().load(run_key)
    return spectra_rows(run, sets(run.config.data, run.config.forget))


def nearest_classes(run_key: str) -> dict[str, float]:
    """Return the share of the forget set that lies nearest to each other class in one run."""
    return _nearest_classes(run_key, store().fingerprint())


@st.cache_data(max_entries=16, show_spinner=False)
def _nearest_classes(run_key: str, fingerprint: str) -> dict[str, float]:  # noqa: ARG001
    run = store().load(run_key)
    request = sets(run.config.data, run.config.forget)
    return incremental.nearest_classes(run, dataset(run.config.data), request)


def neighbours(run: RunArtefact, example_id: int) -> pd.DataFrame:
    """Return the training examples nearest to one in a run's features; see `views.samples`."""
    return _neighbours(run.key, example_id, store().fingerprint())


@st.cache_data(max_entries=256, show_spinner=False)
def token_pieces(base_key: str, text: str, length: int) -> list[str]:
    """Return the parts of a text that the tokens of a base's language model stand for."""
    return pieces(store().load(base_key).read(TOKENIZER).decode(), text, length)


def writes(config: RunConfig) -> bool:
    """Say whether a config's network can go on with a text."""
    return any(row["writes"] for row in catalogue()["models"] if row["name"] == config.model.name)


def prompt(base: RunArtefact, text: str) -> Prompt | None:
    """Return the question of a text that a base's networks are asked; see `data.prompts`."""
    return _prompt(base.key, base.created, text)


@st.cache_data(max_entries=256, show_spinner=False)
def _prompt(base_key: str, created: float, text: str) -> Prompt | None:  # noqa: ARG001
    return continuations.prompt_for(store().load(base_key), text)


@st.cache_data(max_entries=256, show_spinner="Looking for the nearest…")
def _neighbours(run_key: str, example_id: int, fingerprint: str) -> pd.DataFrame:
    return samples.neighbours(_records(run_key, fingerprint), example_id)


def nearest_to(run: RunArtefact, features: Any) -> pd.DataFrame:
    """Return the training examples nearest to a new example's features; see `views.samples`."""
    if not run.has(ARRAYS):
        return pd.DataFrame(columns=["example_id", "cosine"])
    return samples.nearest_training(_records(run.key, store().fingerprint()), features)


def picture(image: Any) -> str:
    """Return a picture (channels, height, width) that is in no data set as a data URL."""
    return sprites.thumbnail(image)


def weights_of(run: RunArtefact) -> RunArtefact | None:
    """Return the run that holds a run's weights; None where they were left out."""
    return answerer.weights_of(run, store())


@st.cache_resource(max_entries=6, show_spinner=False)
def _records(run_key: str, fingerprint: str) -> Records:  # noqa: ARG001
    return store().load(run_key).records()


def stored_runs() -> list[RunArtefact]:
    """Return every finished run that can be opened, the newest first."""
    return _stored_runs(str(store().root), store().fingerprint())


@st.cache_resource(max_entries=2, show_spinner=False)
def _stored_runs(root: str, fingerprint: str) -> list[RunArtefact]:  # noqa: ARG001
    return inventory.stored_runs(store())


@st.cache_data(ttl=10, show_spinner=False)
def disk_bytes() -> int:
    """Return the bytes that the store takes; looked up now and then only."""
    return inventory.disk_bytes(store().root)


def own_files() -> dict[OwnFile, int]:
    """Return what a person brought, the latest first, and how many runs were made of each."""
    configs = [run.config for run in stored_runs()]
    found = brought.own_files(store())
    return {file: len([config for config in configs if file.uses(config)]) for file in found}


def attack_scores(run_keys: tuple[str, ...], score: str, non_members: str) -> pd.DataFrame:
    """Return what an attacker sees of several runs of one comparison; see `views.privacy`."""
    return _attack_scores(run_keys, score, non_members, store().fingerprint())


@st.cache_data(max_entries=32, show_spinner="Computing the scores…")
def _attack_scores(
    run_keys: tuple[str, ...],
    score: str,
    non_members: str,
    fingerprint: str,  # noqa: ARG001
) -> pd.DataFrame:
    runs = [store().load(key) for key in run_keys]
    config = runs[0].config
    return privacy.score_rows(runs, sets(config.data, config.forget), score, non_members)
