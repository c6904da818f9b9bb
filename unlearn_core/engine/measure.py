"""Compute every metric of a run from what was recorded of its model and its references."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.config import RunConfig
from unlearn_core.data.base import Dataset
from unlearn_core.data.batches import Examples, to_device
from unlearn_core.data.pictures import require_pictures
from unlearn_core.data.poison import with_trigger
from unlearn_core.engine.probes import compare_layers, layer_examples, record
from unlearn_core.metrics import Cost, Evidence, evaluate
from unlearn_core.models import MODELS, evaluating, initialise
from unlearn_core.records import Records, Sets
from unlearn_core.runs.artefact import TRIGGERED, RunArtefact
from unlearn_core.runs.store import Store
from unlearn_core.runs.writer import RunWriter
from unlearn_core.seeding import torch_stream
from unlearn_core.tasks import Task

SIZED = ("forget", "retain", "forget_test", "retain_test", "test")


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeModel:
    """A run's model, what making it cost, and what was recorded of it."""

    model: nn.Module
    cost: Cost
    records: Records


def measure(
    writer: RunWriter,
    store: Store,
    made: MadeModel,
    sets: Sets,
    dataset: Dataset,
    device: torch.device,
    check_stop: Callable[[], None],
) -> dict[str, Any]:
    """Return the content of `metrics.json` of a run that is being made.

    `values` and, where one is missing, `reasons` by metric; `deviations` over draws of those that
    draw; `sizes` of the sets; `layers` with the
    distances to each reference.  The one called original is read from the base: it is the same
    model, and a request's original run may not be made yet.

    `check_stop` is called before each part of the work, and raises to end it.
    """
    config, model = writer.config, made.model
    others = {"original": _model(model, store.load(config.base().key()))}
    others["retrained"] = model
    if config.role != "reference":
        others["retrained"] = _model(model, store.load(config.retrained().key()))
    parts = {
        name: to_device(dataset, np.isin(np.arange(len(dataset.labels)), ids), device)
        for name, ids in layer_examples(sets).items()
        if len(ids)
    }
    check_stop()
    task = MODELS[config.model.name].task
    layers = compare_layers(model, others, parts)
    answers = answer_distances(model, others["retrained"], parts.get("forget"), task)
    evidence = evidence_of(
        config,
        store,
        made.records,
        made.cost,
        sets,
        dataset,
        layer_distances=distances(layers),
        answer_distances=answers,
        random_probabilities=random_probabilities(config, model, dataset, sets, device),
        triggered=_triggered(config, writer, model, dataset, device),
    )
    values, reasons = evaluate(evidence, check_stop)
    return {
        "values": values,
        "reasons": reasons,
        "deviations": evidence.deviations,
        "sizes": sizes(evidence),
        "layers": [_without_nan(row) for row in layers],
        **({"answers": _without_nan(answers)} if answers else {}),
    }


def evidence_of(  # noqa: PLR0913 - what was recorded, and what was measured on models
    config: RunConfig,
    store: Store,
    own: Records,
    cost: Cost,
    sets: Sets,
    dataset: Dataset,
    *,
    layer_distances: dict[str, float],
    answer_distances: dict[str, float],
    random_probabilities: NDArray[np.float64] | None,
    triggered: Records | None,
) -> Evidence:
    """Gather what metrics are computed from: records of the run and of its two references."""
    is_reference = config.role == "reference"
    retrained = None if is_reference else store.load(config.retrained().key())
    ids = own.example_ids
    fine = dataset.subclass_labels if config.forget.kind == "subclass" else None
    return Evidence(
        records=own,
        original=store.load(config.base().key()).records(),
        retrained=own if retrained is None else retrained.records(),
        sets=Sets(
            forget=sets.forget[ids],
            retain=sets.retain[ids],
            forget_test=sets.forget_test[ids],
            retain_test=sets.retain_test[ids],
        ),
        cost=cost,
        retrained_cost=cost if retrained is None else retrained.cost,
        layer_distances=layer_distances,
        answer_distances=answer_distances,
        random_probabilities=random_probabilities,
        triggered=triggered,
        target=config.data.poison_target,
        confused=_pair(config.data.confused),
        subclass_labels=None if fine is None else fine[ids],
        seed=config.seed,
    )


def _pair(confused: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the two classes of `DataConfig.confused`, without the number of examples."""
    return (confused[0], confused[1]) if confused else None


@torch.no_grad()
def answer_distances(
    model: nn.Module, other: nn.Module, forget: Examples | None, task: Task
) -> dict[str, float]:
    """Return the mean L1 and L2 distance of two models' answers, of those that are not stored.

    That is over the tokens of some texts of D_f, whose probabilities over a vocabulary would fill a
    disk; none for classifiers, whose answers are recorded.
    """
    if task.answers_classes or forget is None:
        return {}
    sums, n_answers = {"l1": 0.0, "l2": 0.0}, 0
    with evaluating(model), evaluating(other):
        for batch in forget.ordered(task.at_once):
            a, b = (
                task.answers(net(batch.inputs), batch).logits.float().softmax(dim=1)
                for net in (model, other)
            )
            for order, name in ((1, "l1"), (2, "l2")):
                sums[name] += float((a - b).norm(p=order, dim=1).sum())
            n_answers += len(a)
    return {name: total / n_answers for name, total in sums.items()}


def distances(layers: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the feature distance to each reference on each set: the sum over layers.

    A layer of a model that broke down has None, as it is stored, and the sum is NaN.
    """
    totals: dict[str, float] = {}
    for row in layers:
        name = f"{row['reference']}/{row['set']}"
        distance = math.nan if row["distance"] is None else row["distance"]
        totals[name] = totals.get(name, 0.0) + distance
    return totals


def sizes(evidence: Evidence) -> dict[str, int]:
    """Return how many recorded examples each set has."""
    return {name: int(getattr(evidence.sets, name).sum()) for name in SIZED}


def random_probabilities(
    config: RunConfig, model: nn.Module, dataset: Dataset, sets: Sets, device: torch.device
) -> NDArray[np.float64] | None:
    """Return what a randomly initialised model of the same kind predicts on D_f.

    None where models do not answer with classes.
    """
    if not MODELS[config.model.name].task.answers_classes:
        return None
    random = copy.deepcopy(model)
    initialise(random, torch_stream(config.seed, "random model"))
    forget = to_device(dataset, sets.forget, device)
    return record(random, forget, dataset, precision=config.precision).probabilities


def _triggered(
    config: RunConfig,
    writer: RunWriter,
    model: nn.Module,
    dataset: Dataset,
    device: torch.device,
) -> Records | None:
    """Record the test examples with the backdoor's trigger on each; None without a backdoor."""
    if config.forget.kind != "backdoor":
        return None
    pictures = require_pictures(dataset, "A backdoor's patch")
    images = pictures.images.copy()
    images[dataset.is_test] = with_trigger(pictures, images[dataset.is_test])
    nowhere = np.zeros_like(dataset.is_train)  # only what is looked at goes to the device
    marked = replace(pictures, images=images, is_train=nowhere)
    examples = to_device(marked, dataset.is_test, device)
    records = record(model, examples, dataset, precision=config.precision)
    writer.arrays(TRIGGERED, records.to_arrays())
    return records


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    """Replace what a model that broke down leaves in a row by None, as JSON has no NaN."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def _model(like: nn.Module, run: RunArtefact) -> nn.Module:
    model = copy.deepcopy(like)
    model.load_state_dict(run.weights())
    return model.eval()
