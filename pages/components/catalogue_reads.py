"""Cached reads of what a form offers: methods, data sets, and what a person brought."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.components import reads
from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import uploads as own_data
from unlearn_core.runs import given_weights as own_weights
from unlearn_core.runs import own_files as brought
from unlearn_core.runs.catalogue import catalogue as read_catalogue
from unlearn_core.runs.catalogue import fingerprint as fingerprint_of_sources
from unlearn_core.runs.given_weights import GivenWeights
from unlearn_core.runs.own_files import OwnFile
from unlearn_core.runs.plan import comparison_config
from unlearn_core.views.settings_form import default_settings


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
    return own_weights.all_kept(reads.store().root)


def weights_fault(config: RunConfig) -> str:
    """Return why the kept weights that a config names do not fit its network; "" where they do."""
    shape = RunConfig(data=config.data, model=config.model)  # the recipe does not matter
    return _weights_fault(str(reads.store().root), shape)


@st.cache_data(max_entries=64, show_spinner="Comparing names and shapes…")
def _weights_fault(root: str, config: RunConfig) -> str:
    return own_weights.fit_of(reads.store(), config)


def uploads() -> dict[str, DataConfig]:
    """Return the data that was given through the page, by the name under which it is offered.

    The latest first.
    """
    return {
        upload.choice: DataConfig(name=upload.dataset, content=upload.content)
        for upload in own_data.kept()
    }


def catalogue() -> dict[str, Any]:
    """Return what there is to choose from: `methods`, `metrics`, `datasets`, `models`."""
    return _catalogue(str(reads.store().root), _sources())


def method_entry(name: str) -> dict[str, Any]:
    """Return a method's entry of the catalogue."""
    return next(entry for entry in catalogue()["methods"] if entry["name"] == name)


def method_labels() -> dict[str, str]:
    """Return what each method is called, by its name."""
    return {method["name"]: method["label"] for method in catalogue()["methods"]}


def method_sentences() -> dict[str, str]:
    """Return what each method does in one sentence, by its name."""
    return {
        method["name"]: str(method["description"]).partition("\n")[0]
        for method in catalogue()["methods"]
    }


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
def _catalogue(root: str, sources: str) -> dict[str, Any]:
    return read_catalogue(reads.store())


def writes(config: RunConfig) -> bool:
    """Say whether a config's network can go on with a text."""
    return any(row["writes"] for row in catalogue()["models"] if row["name"] == config.model.name)


def own_files() -> dict[OwnFile, int]:
    """Return what a person brought, the latest first, and how many runs were made of each."""
    configs = [run.config for run in reads.stored_runs()]
    found = brought.own_files(reads.store())
    return {file: len([config for config in configs if file.uses(config)]) for file in found}
