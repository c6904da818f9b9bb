"""Validate what is asked for: names, settings, data and whether the forget request is possible."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, RunConfig, changed_from
from unlearn_core.data import Dataset, get_dataset, load_dataset, with_content
from unlearn_core.data.splits import split
from unlearn_core.engine.readable import require_readable
from unlearn_core.engine.relearning import plan_lesson
from unlearn_core.methods import (
    get_method,
    require_meant_for,
    resolve_settings,
    usual_settings,
)
from unlearn_core.methods.settings import changed, plain
from unlearn_core.models import get_model
from unlearn_core.models.size import require_fits
from unlearn_core.records import Sets
from unlearn_core.runs.plan import require_learnable

WITHOUT_SETTINGS = {"original": "Original", "incremental": "Incremental"}  # not methods: labels


def validate(config: RunConfig) -> RunConfig:
    """Validate a config, and return it in the form in which it names a stored run.

    There, settings are only those that differ from the method's defaults, and the data bears the
    hash of its content.

    Raises
    ------
    ValueError
        If a name is unknown, a setting wrong, or the forget request impossible.
    """
    task = get_model(config.model.name).task
    require_fits(config.model)
    if config.method in WITHOUT_SETTINGS:
        if config.settings:
            name = WITHOUT_SETTINGS[config.method].lower()
            raise InputError(f"The {name} has no settings, got {dict(config.settings)}.")
        complete = config
    else:
        if config.forget.kind == "none":
            raise InputError(f"{config.method} needs something to forget, got no request.")
        require_meant_for(config.method, task)
        settings = resolve_settings(config.method, config.settings)
        complete = replace(config, settings=changed(settings))
    if config.method == "incremental":
        require_learnable(config.forget)
    _require_data_of(config)
    data = available(config.data)
    dataset = dataset_of(data)
    require_readable(dataset, config)
    sets = split(dataset, config.forget)
    if config.relearn.examples:
        _require_teachable(config, dataset, sets)
    return replace(complete, data=data)


def _require_teachable(config: RunConfig, dataset: Dataset, sets: Sets) -> None:
    if not get_model(config.model.name).task.answers_classes:
        raise InputError(
            "Relearning asks how soon a model names a class again; "
            f"{config.model.name} answers with tokens."
        )
    if config.forget.kind == "none" or config.method == "incremental":
        raise InputError(f"The {config.method} of no request has nothing to be taught again.")
    if not plan_lesson(dataset, sets, config.relearn.examples).shown:
        least = 2 * config.relearn.examples[0]
        raise InputError(
            f"Relearning from {config.relearn.examples[0]} examples needs at least {least} of "
            "each forgotten class, got fewer."
        )


def _require_data_of(config: RunConfig) -> None:
    """Raise `ValueError` unless the data is poisoned, or its labels swapped, as the request is."""
    if config.forget.kind == "backdoor" and config.forget.values != (config.data.poison_target,):
        raise InputError(
            f"A backdoor to {config.forget.values[0]} needs data.poison_target to be the same, "
            f"got {config.data.poison_target}."
        )
    if config.forget.kind == "confusion" and config.forget.values != config.data.confused:
        raise InputError(
            f"A confusion of {list(config.forget.values)} needs data.confused to be the same, "
            f"got {list(config.data.confused)}."
        )


def available(data: DataConfig) -> DataConfig:
    """Return the config with the hash of the data's files, which are downloaded if missing."""
    data = with_content(data)
    if not data.content and get_dataset(data.name).embedded is None:
        load_dataset(data)
        data = with_content(data)
    return data


def naming(config: RunConfig) -> dict[str, Any]:
    """Return what tables call a run: label, all settings, and the unusual ones as `changed`."""
    if config.relearn.examples:
        named = naming(config.taught())
        return {**named, "label": f"{named['label']}, taught again"}
    if config.method in WITHOUT_SETTINGS:
        return {"label": WITHOUT_SETTINGS[config.method], "settings": {}, "changed": {}}
    settings = plain(resolve_settings(config.method, config.settings))
    usual = plain(usual_settings(config.method, config.data, config.forget))
    return {
        "label": get_method(config.method).label,
        "settings": settings,
        "changed": changed_from(usual, settings),
    }


@lru_cache(maxsize=2)
def dataset_of(config: DataConfig) -> Dataset:
    """Load a data set; the last two stay in memory for the next run of this process."""
    return load_dataset(config)
