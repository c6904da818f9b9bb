"""Compute the metrics of finished runs again, from their recorded arrays, without training.

So a metric that is registered later reaches finished runs.  Distances between layers are
kept as they were measured, for they need every layer's output.
``python -m unlearn_core.engine.remeasure KEY...`` does it for pages, which load no torch.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import RunConfig
from unlearn_core.data.base import Dataset
from unlearn_core.data.splits import split
from unlearn_core.engine.environment import LOADED, choose_device
from unlearn_core.engine.measure import distances, evidence_of, random_probabilities, sizes
from unlearn_core.engine.readable import readable
from unlearn_core.engine.request import dataset_of
from unlearn_core.engine.threads import threads_of
from unlearn_core.metrics import METRICS, evaluate
from unlearn_core.models import build_model
from unlearn_core.records import Records, Sets
from unlearn_core.runs import provenance
from unlearn_core.runs.again import NOT_MEASURED
from unlearn_core.runs.artefact import ARRAYS, TRIGGERED, CorruptRunError, RunArtefact
from unlearn_core.runs.store import Store, default_root
from unlearn_core.seeding import torch_stream


def can_be_measured(store: Store, key: str) -> bool:
    """Say whether a run's metrics can be computed again: it is whole, and did not ship."""
    try:
        run = store.load(key)
    except CorruptRunError:
        return False
    return not store.is_shipped(key) and run.config.role != "base" and run.has(ARRAYS)


def measure_again(store: Store, key: str, device: torch.device) -> str:
    """Compute a run's metrics again, store them, and return a line that names what changed.

    A value that the code now would not compute for want of something keeps its old number.

    Raises
    ------
    RunNotFoundError, CorruptRunError
        If the run, or one that it is compared with, is not there or not whole.
    InputError
        If it came with the project, or has no arrays, or its data is not what it was.
    """
    with store.lock(key):
        run = store.load(key)
        if store.is_shipped(key):
            raise InputError("it came with the project and stays as it is")
        if run.config.role == "base":
            raise InputError("it is a trained model, measured in the runs that start from it")
        if not run.has(ARRAYS):
            raise InputError("nothing is recorded of it: its arrays were left out")
        old = run.metrics()
        with threads_of(run.config):
            new = _measured(run, store, device)
        store.replace_metrics(
            key,
            new,
            measured={
                "time": time.time(),
                "commit": provenance.commit(),
                "core": LOADED[""]["core"],
            },
        )
    return _difference(old, new)


def _measured(run: RunArtefact, store: Store, device: torch.device) -> dict[str, Any]:
    config, old = run.config, run.metrics()
    dataset, _ = readable(dataset_of(config.data), config, store)
    sets = split(dataset, config.forget)
    random = _random_probabilities(config, dataset, sets, device)
    triggered = Records.from_arrays(run.arrays(TRIGGERED)) if run.has(TRIGGERED) else None
    evidence = evidence_of(
        config,
        store,
        run.records(),
        run.cost,
        sets,
        dataset,
        layer_distances=distances(old["layers"]),
        answer_distances=_with_nan(old.get("answers", {})),
        random_probabilities=random,
        triggered=triggered,
    )
    values, reasons = evaluate(evidence)
    lacks_evidence = random is None or not old["layers"]
    for name, value in old["values"].items():
        is_lost = lacks_evidence and values.get(name) is None and value is not None
        if name not in METRICS or is_lost:
            values[name] = value
            reasons.pop(name, None)
            if value is None and name in old["reasons"]:
                reasons[name] = old["reasons"][name]
    return {
        "values": values,
        "reasons": reasons,
        "deviations": evidence.deviations,
        "sizes": sizes(evidence),
        "layers": old["layers"],
        **({"answers": old["answers"]} if "answers" in old else {}),
    }


def _with_nan(stored: Mapping[str, float | None]) -> dict[str, float]:
    """Return numbers of which JSON had null in place of those that are not finite."""
    return {name: math.nan if value is None else value for name, value in stored.items()}


def _random_probabilities(
    config: RunConfig, dataset: Dataset, sets: Sets, device: torch.device
) -> NDArray[np.float64] | None:
    """Return what a random model predicts on D_f; None where the network cannot be built here.

    It takes the network's shape alone, so no weights are read.
    """
    network = replace(config.model, pretrained=False)
    generator = torch_stream(config.seed, "initial weights")
    try:
        model = build_model(network, dataset.channels, dataset.n_classes, generator)
    except InputError:
        return None
    return random_probabilities(config, model.to(device), dataset, sets, device)


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    before, after = old["values"], new["values"]
    added = sorted(set(after) - set(before))
    changed = sorted(name for name in before if before[name] != after.get(name))
    told = [
        f"{word} {', '.join(names)}" for word, names in (("new:", added), ("changed:", changed))
        if names
    ]  # fmt: skip
    return "; ".join(told) or "as before"


def measure_all(store: Store, keys: Sequence[str], device: torch.device) -> Iterator[str]:
    """Compute the metrics of these runs again, or of all that allow it; yield a line for each."""
    for key in keys or [key for key in store.list() if can_be_measured(store, key)]:
        try:
            yield f"{key}: {measure_again(store, key, device)}"
        except (InputError, KnownFailureError) as error:
            yield f"{key}: {NOT_MEASURED}: {error}"


if __name__ == "__main__":
    for line in measure_all(Store(default_root(), demo=True), sys.argv[1:], choose_device()):
        print(line)  # noqa: T201 - what the process that started this one reads
