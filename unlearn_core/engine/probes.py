"""Record a model: outputs of all examples, outputs of layers, and quick probes while it trains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unlearn_core.data.base import Dataset
from unlearn_core.data.batches import Examples
from unlearn_core.metrics.accuracy import accuracy
from unlearn_core.metrics.alignment import dimensional_alignment
from unlearn_core.metrics.base import NotApplicableError
from unlearn_core.metrics.distance import feature_distance, relative_to
from unlearn_core.metrics.perplexity import perplexity
from unlearn_core.metrics.probing import probe_accuracy
from unlearn_core.metrics.similarity import centred_gram, gram_alignment
from unlearn_core.models import captured_features, captured_outputs, evaluating, exact_head
from unlearn_core.models.lora import adaptable_layers
from unlearn_core.models.parts import real_positions
from unlearn_core.records import Records, Sets
from unlearn_core.runs.tracked import LAYER_EXAMPLES, TRACKED
from unlearn_core.seeding import numpy_stream
from unlearn_core.tasks import CLASSIFICATION, Task
from unlearn_core.training import autocast, in_order_of

LAYER_SETS = ("forget", "retain", "forget_test", "retain_test")


def record(
    model: nn.Module,
    examples: Examples,
    dataset: Dataset,
    task: Task = CLASSIFICATION,
    *,
    precision: str = "fp32",
) -> Records:
    """Run the model over the examples in evaluation mode and keep its answers and features.

    In the `precision` that it was trained in, but for the classifier, which is exact.
    """
    order = examples.from_short_to_long()
    asked = examples if order is None else examples.take(order)
    example_ids = asked.example_ids.cpu().numpy()
    with half_precision(model, examples.device, precision):
        answers, features = _recorded(model, asked, task, with_features=True)
    records = Records.from_arrays(
        {
            "example_ids": example_ids,
            "labels": dataset.labels[example_ids],
            "is_train": dataset.is_train[example_ids],
            "logits": np.zeros((len(asked), 0)),
            "features": features,
            **answers,
        }
    )
    return records if order is None else records.where(order.argsort().cpu().numpy())


@contextmanager
def half_precision(model: nn.Module, device: torch.device, precision: str) -> Iterator[None]:
    """Run forward passes in bfloat16 where that is the precision, all but the classifier's."""
    if precision == "fp32":
        yield
        return
    with autocast(device, precision), exact_head(model):
        yield


def outputs_of(
    model: nn.Module, examples: Examples, *, with_features: bool = True
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a classifier's logits and features of the examples, in evaluation mode.

    In the examples' order.  Without features these have no columns, and the model's parts need not
    be known.
    """
    order = examples.from_short_to_long()
    asked = examples if order is None else examples.take(order)
    answers, features = _recorded(model, asked, CLASSIFICATION, with_features=with_features)
    if order is None:
        return answers["logits"], features
    back = order.argsort().cpu().numpy()
    return answers["logits"][back], features[back]


@torch.no_grad()
def _recorded(
    model: nn.Module, examples: Examples, task: Task, *, with_features: bool
) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32]]:
    """Return what the task keeps of the model's outputs, by name, and the features."""
    capturing: AbstractContextManager[list[Tensor]] = nullcontext([])
    if with_features:
        capturing = captured_features(model)
    with evaluating(model), capturing as features:
        kept = [
            task.recorded(model(in_order_of(model, batch.inputs)), batch)
            for batch in examples.ordered(task.at_once)
        ]
        vectors = [part.float().cpu() for part in features] or [torch.zeros(len(examples), 0)]
    answers = {name: torch.cat([part[name] for part in kept]).numpy() for name in kept[0]}
    return answers, torch.cat(vectors).numpy()


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """Evaluates a model on the few tracked examples, cheaply enough for every few steps.

    `examples` are the tracked ones and `sets` masks over them.
    """

    dataset: Dataset
    examples: Examples
    sets: Sets
    precision: str = "fp32"
    task: Task = CLASSIFICATION

    def __call__(self, model: nn.Module) -> tuple[dict[str, float], Records]:
        """Return probe values by name, and the tracked examples' records."""
        records = record(model, self.examples, self.dataset, self.task, precision=self.precision)
        parts = {name: records.where(getattr(self.sets, name)) for name in TRACKED}
        values = dict(
            _answered(name, part) for name, part in parts.items() if len(part) and part.is_finite
        )
        if not np.isfinite(records.features).all():
            return values, records
        forget, retain = records.where(self.sets.forget), records.where(self.sets.retain)
        if forget.features.any() and retain.features.any():  # else there is no subspace
            values["dimensional_alignment"] = dimensional_alignment(
                forget.features, retain.features
            )
        train = self.sets.forget | self.sets.retain
        for name, fitted, held_out in (
            ("linear_probe_forget", train, self.sets.forget_test),
            ("linear_probe_retain", self.sets.retain, self.sets.retain_test),
        ):
            if held_out.any():
                try:
                    values[name] = probe_accuracy(records, fitted, held_out)
                except NotApplicableError:
                    continue  # the curve has a gap; the table of metrics gives the reason
        return values, records


def _answered(name: str, part: Records) -> tuple[str, float]:
    """Return how well a set is answered, by what the number is called."""
    if part.tokens is None:
        return f"{name}_accuracy", accuracy(part.predictions, part.labels)
    return f"perplexity_{name}", perplexity(part.tokens.losses)


def layer_examples(sets: Sets) -> dict[str, NDArray[np.int64]]:
    """Choose the example ids on which layers are compared, by set; fewer where a set is small."""
    return {
        name: np.sort(
            numpy_stream(0, f"layers {name}").permutation(np.flatnonzero(getattr(sets, name)))
        )[:LAYER_EXAMPLES]
        for name in LAYER_SETS
    }


@torch.no_grad()
def layer_outputs(model: nn.Module, examples: Examples, names: Sequence[str]) -> list[_Layer]:
    """Return the named layers' outputs for all the examples at once."""
    [batch] = examples.ordered(batch_size=len(examples))
    with evaluating(model), captured_outputs(model, names) as outputs:
        model(batch.inputs)
    real = real_positions(model, batch.inputs)
    is_real = None if real is None else real.cpu().numpy()
    return [_Layer(outputs[name].float().cpu().numpy(), is_real) for name in names]


class _Layer:
    """One layer's outputs, with what every comparison asks of them.

    `outputs` is (n_examples, n_numbers); of padded sequences it has a row for each position that is
    no padding, and their mean stands for the example where examples are compared.
    """

    def __init__(self, outputs: NDArray[np.float32], is_real: NDArray[np.bool_] | None) -> None:
        rows = outputs.reshape(len(outputs), -1) if is_real is None else outputs[is_real]
        self.outputs = rows.astype(np.float64)
        self.is_finite = bool(np.isfinite(self.outputs).all())
        self._sizes = None if is_real is None else is_real.sum(axis=1)

    @cached_property
    def gram(self) -> NDArray[np.float64]:
        return centred_gram(self._examples())

    def _examples(self) -> NDArray[np.float64]:
        """Return one row an example."""
        if self._sizes is None:
            return self.outputs
        starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        sums: NDArray[np.float64] = np.add.reduceat(self.outputs, starts, axis=0)
        means: NDArray[np.float64] = sums / self._sizes[:, None]
        return means

    @property
    def n_examples(self) -> int:
        return len(self.outputs) if self._sizes is None else len(self._sizes)


def _compare(a: _Layer, b: _Layer) -> dict[str, float]:
    """Return how far apart one layer's outputs are; NaN where a model broke down.

    The similarity of a single example with itself is not defined: NaN too.
    """
    if not (a.is_finite and b.is_finite):
        return dict.fromkeys(("distance", "relative_distance", "cka"), math.nan)
    distance = feature_distance([a.outputs], [b.outputs])
    return {
        "distance": distance,
        "relative_distance": relative_to(b.outputs, distance),
        "cka": gram_alignment(a.gram, b.gram) if a.n_examples > 1 else math.nan,
    }


def compare_layers(
    model: nn.Module, others: Mapping[str, nn.Module], parts: Mapping[str, Examples]
) -> list[dict[str, Any]]:
    """Return the feature distance of each layer, by reference model and by set.

    One row per reference, set and layer, with the mean absolute difference, the same relative
    to the reference's mean absolute output, and the linear CKA.
    """
    names = adaptable_layers(model)
    rows: list[dict[str, Any]] = []
    for part, examples in parts.items():
        mine = layer_outputs(model, examples, names)
        for reference, other in others.items():
            is_itself = other is model
            theirs = mine if is_itself else layer_outputs(other, examples, names)
            rows += [
                {
                    "reference": reference,
                    "set": part,
                    "layer": name,
                    "depth": depth,
                    **_compare(a, b),
                }
                for depth, (name, a, b) in enumerate(zip(names, mine, theirs, strict=True))
            ]
    return rows
