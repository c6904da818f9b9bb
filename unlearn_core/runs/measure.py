"""From recorded arrays to `metrics.json`: gathers the evidence and runs every metric on it."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

from unlearn_core.config import RunConfig
from unlearn_core.data.base import Dataset
from unlearn_core.data.batches import to_device
from unlearn_core.metrics import Cost, Evidence, evaluate
from unlearn_core.records import Records, Sets
from unlearn_core.runs.artefact import ARRAYS, RunArtefact
from unlearn_core.runs.probes import compare_layers, layer_examples
from unlearn_core.runs.store import Store
from unlearn_core.runs.writer import RunWriter


def measure(
    config: RunConfig,
    writer: RunWriter,
    store: Store,
    model: nn.Module,
    cost: dict[str, Any],
    sets: Sets,
    dataset: Dataset,
    device: torch.device,
) -> dict[str, Any]:
    """Return `values`, `reasons` and `layers` of a run whose arrays are written."""
    own = Records.from_arrays(load_file(writer.folder / ARRAYS))
    base = store.load(config.base().key())
    is_reference = config == config.retrained()
    retrained = None if is_reference else store.load(config.retrained().key())
    others = {"original": _model(model, base)}
    others["retrained"] = model if retrained is None else _model(model, retrained)
    parts = {
        name: to_device(dataset, np.isin(np.arange(len(dataset.labels)), ids), device)
        for name, ids in layer_examples(sets).items()
        if len(ids)
    }
    layers = compare_layers(model, others, parts)
    totals: dict[str, float] = {}
    for row in layers:
        name = f"{row['reference']}/{row['set']}"
        totals[name] = totals.get(name, 0.0) + row["distance"]
    ids = own.example_ids
    evidence = Evidence(
        records=own,
        original=base.records(),
        retrained=own if retrained is None else retrained.records(),
        sets=Sets(
            forget=sets.forget[ids],
            retain=sets.retain[ids],
            forget_test=sets.forget_test[ids],
            retain_test=sets.retain_test[ids],
        ),
        cost=Cost(**cost),
        retrained_cost=Cost(**cost) if retrained is None else cost_of(retrained),
        layer_distances=totals,
        seed=config.seed,
    )
    values, reasons = evaluate(evidence)
    return {"values": values, "reasons": reasons, "layers": [_without_nan(row) for row in layers]}


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    """Replace what a model that broke down leaves in a row by None, as JSON has no NaN."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def cost_of(run: RunArtefact) -> Cost:
    """Return what the manifest says that making the model cost."""
    return Cost(**{name: run.manifest[name] for name in Cost.__dataclass_fields__})


def _model(like: nn.Module, run: RunArtefact) -> nn.Module:
    model = copy.deepcopy(like)
    model.load_state_dict(run.weights())
    return model.eval()
