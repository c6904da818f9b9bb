"""The metrics of unlearning, on networks and examples of one's own or on outputs made elsewhere."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.checks import InputError, whole_numbers
from unlearn_core.config import RunConfig
from unlearn_core.data.batches import Examples
from unlearn_core.engine.measure import distances
from unlearn_core.engine.probes import compare_layers, layer_examples, outputs_of
from unlearn_core.library.data import (
    Data,
    Pair,
    count_classes,
    device_of,
    network_of,
    pair_of,
    place_of,
    require,
    stored_together,
)
from unlearn_core.library.unlearning import Fresh, UnlearnResult, built_anew
from unlearn_core.metrics import Cost, Evidence
from unlearn_core.metrics import evaluate as compute
from unlearn_core.models import Parts, initialise, parts_of, state_parts
from unlearn_core.models.parts import STATED
from unlearn_core.records import Records, Sets, softmax
from unlearn_core.seeding import torch_stream

SETS = ("forget", "retain", "forget_test", "retain_test")


@dataclass(frozen=True, kw_only=True, eq=False)
class Outputs:
    """What a model said of one set, recorded elsewhere: in evaluation mode, not augmented.

    Tensors and lists will do, and become arrays.

    Attributes
    ----------
    logits : float32 ndarray of shape (n_examples, n_classes)
        Outputs before the softmax.
    labels : int64 ndarray of shape (n_examples,)
    features : float32 ndarray of shape (n_examples, n_features), optional
        Inputs of the last linear layer.  Without them, metrics of features are missing.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    features: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        logits = _matrix("logits", self.logits)
        n_examples, n_classes = logits.shape
        arrays: dict[str, NDArray[Any]] = {
            "logits": logits,
            "labels": whole_numbers(
                "labels", _array("labels", self.labels), n_examples, below=n_classes
            ),
        }
        if self.features is not None:
            arrays["features"] = _matrix("features", self.features)
            if len(arrays["features"]) != n_examples:
                n_rows = len(arrays["features"])
                raise InputError(f"`features` must have {n_examples} rows, got {n_rows}.")
        for name, array in arrays.items():
            object.__setattr__(self, name, array)  # the only way in a frozen class


OutputsOfSets = Mapping[str, Outputs]
Measured = nn.Module | UnlearnResult | OutputsOfSets


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationResult:
    """Every metric of `unlearn_core.metrics.METRICS`, by name.

    Attributes
    ----------
    values : dict of str to float or None
        None exactly where `reasons` says why the metric does not apply.
    reasons : dict of str to str
    """

    values: dict[str, float | None]
    reasons: dict[str, str]


def evaluate(  # noqa: PLR0913 - three models, four sets, and what may be known of the network
    model: Measured,
    original: Measured,
    retrained: Measured | None,
    *,
    forget: Data | None = None,
    retain: Data | None = None,
    forget_test: Data | None = None,
    retain_test: Data | None = None,
    parts: Parts | None = None,
    fresh: Fresh | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> EvaluationResult:
    """Compute every metric that applies to a model: how much of D_f it still knows, at what price.

    Parameters
    ----------
    model, original, retrained : nn.Module, UnlearnResult, or mapping of str to Outputs
        The unlearned model, the one before, and the reference that never saw D_f (None where
        there is none).  Results of `unlearn` also tell what they cost.  Outputs made elsewhere
        are given by set: "forget", "retain" and, where there are any, "forget_test" and
        "retain_test".
    forget, retain : (inputs, labels) or torch.utils.data.Dataset
        D_f and D_r, as for `unlearn`; left out where all models are given by their outputs.
    forget_test, retain_test : likewise, optional
        Test examples of the forgotten classes, and the others.  Where examples of no class or
        subclass of their own are forgotten, all test examples are `retain_test`.
    parts : Parts, optional
        What the network's modules are for, unless a model remembers them from `unlearn`:
        features are the input of `head`, layers are compared at `adaptable` ones.  Without
        parts, metrics of features and layers are missing.
    fresh : callable returning an nn.Module, optional
        Builds the network with fresh weights, for the metric `zrf`.
    seed : int
        For metrics that fit something.
    device : optional
        Where to compute; by default where the first network is.

    Raises
    ------
    ValueError
        In one line, if an argument cannot be, or models tell of different examples.
    """
    pairs = {
        name: pair_of(name, data)
        for name, data in zip(SETS, (forget, retain, forget_test, retain_test), strict=True)
        if data is not None
    }
    require("parts", parts, Parts, "Parts(...)")
    require("fresh", fresh, Callable, "a function that builds a network")
    given = {"model": model, "original": original, "retrained": retrained}
    there = {name: side for name, side in given.items() if name != "retrained" or side is not None}
    networks = {
        name: _network(name, side) for name, side in there.items() if not _is_recorded(side)
    }
    RunConfig(seed=seed)  # checks it
    measures = _Networks(pairs, networks, parts, device) if networks else None
    recorded = {
        name: measures.outputs(name) if measures and name in networks else _sides(name, side)
        for name, side in there.items()
    }
    _require_alike(recorded, {name: labels.numpy() for name, (_, labels) in pairs.items()})
    sets = _masks(recorded["model"])
    records = {name: _records(outputs, sets) for name, outputs in recorded.items()}
    values, reasons = compute(
        Evidence(
            records=records["model"],
            original=records["original"],
            retrained=records.get("retrained"),
            sets=sets,
            cost=_cost(model),
            retrained_cost=_cost(retrained),
            layer_distances=measures.layer_distances(sets) if measures else {},
            random_probabilities=measures.random_probabilities(fresh, seed) if measures else None,
            seed=seed,
        )
    )
    return EvaluationResult(values=values, reasons=reasons)


class _Networks:
    """The networks among the models, and the examples that they are shown."""

    def __init__(
        self,
        pairs: Mapping[str, Pair],
        networks: Mapping[str, nn.Module],
        parts: Parts | None,
        device: torch.device | str | None,
    ) -> None:
        for name in ("forget", "retain"):
            if name not in pairs:
                raise InputError(f"`{name}` must be given where a model is a network, got none.")
        first = next(iter(networks.values()))
        self.device = place_of(device, first)
        stated = [parts_of(network) for network in networks.values() if hasattr(network, STATED)]
        self.parts = parts or next(iter(stated), None)
        self.networks = {name: self._placed(network) for name, network in networks.items()}
        example = pairs["forget"][0]
        n_classes = {count_classes(net, "forget", example) for net in self.networks.values()}
        self.examples = stored_together(pairs, min(n_classes), self.device)

    def _placed(self, network: nn.Module) -> nn.Module:
        """Return the network on the device, with its parts stated; the caller's stays as it is."""
        is_there = device_of(network) == self.device
        mine = copy.copy(network) if is_there else copy.deepcopy(network).to(self.device)
        return mine if self.parts is None else state_parts(mine, self.parts)

    @cached_property
    def everything(self) -> Examples:
        """The sets' examples, one set after the other."""
        return reduce(Examples.join, self.examples.values())

    def outputs(self, name: str) -> dict[str, Outputs]:
        """Return what a network says of each set."""
        found = {}
        for which, examples in self.examples.items():
            logits, features = outputs_of(
                self.networks[name], examples, with_features=self.parts is not None
            )
            found[which] = Outputs(
                logits=logits,
                labels=examples.labels.cpu().numpy(),
                features=None if self.parts is None else features.reshape(len(features), -1),
            )
        return found

    def layer_distances(self, sets: Sets) -> dict[str, float]:
        """Return how far the model's layer outputs are from those of the other networks."""
        others = {name: net for name, net in self.networks.items() if name != "model"}
        if "model" not in self.networks or self.parts is None or not self.parts.adaptable:
            return {}
        shown = {
            name: self.everything.take(torch.from_numpy(places).to(self.device))
            for name, places in layer_examples(sets).items()
            if len(places)
        }
        return distances(compare_layers(self.networks["model"], others, shown))

    def random_probabilities(self, fresh: Fresh | None, seed: int) -> NDArray[np.float64] | None:
        """Return what a network with fresh weights says of D_f; None where it cannot be made."""
        if "model" not in self.networks:
            return None
        generator = torch_stream(seed, "random model")
        random = copy.deepcopy(self.networks["model"])
        try:
            if fresh is None:
                initialise(random, generator)
            else:
                random = built_anew(fresh, random, generator)
        except InputError:
            return None
        return softmax(outputs_of(random, self.examples["forget"], with_features=False)[0])


def _is_recorded(side: Measured | None) -> bool:
    return isinstance(side, Mapping)


def _network(name: str, side: Any) -> nn.Module:
    if not isinstance(side, UnlearnResult | nn.Module):
        what = "a network, a result of `unlearn`, or a mapping of sets to `Outputs`"
        raise InputError(f"`{name}` must be {what}, got {type(side).__name__}.")
    return network_of(name, side.model if isinstance(side, UnlearnResult) else side)


def _sides(name: str, side: Any) -> dict[str, Outputs]:
    """Return a model's outputs by set, in the sets' order."""
    for which, outputs in side.items():
        require(f"{name}[{which!r}]", outputs, Outputs, "Outputs(...)")
    unknown = [name for name in side if name not in SETS]
    if unknown or not {"forget", "retain"} <= side.keys():
        came = ", ".join(map(str, side)) or "none"
        raise InputError(f"Outputs must be of forget, retain and of no set but {SETS}, got {came}.")
    return {which: side[which] for which in SETS if which in side}


def _cost(side: Measured | None) -> Cost | None:
    return side.cost if isinstance(side, UnlearnResult) else None


def _require_alike(
    recorded: Mapping[str, OutputsOfSets], labels: Mapping[str, NDArray[np.int64]]
) -> None:
    """Raise `ValueError` unless all models tell of the same examples and classes."""
    told = recorded["model"]
    for name, sides in recorded.items():
        if sides.keys() != told.keys() or (labels and sides.keys() != labels.keys()):
            wanted = ", ".join(labels or told)
            raise InputError(f"`{name}` must have outputs of {wanted}, got {', '.join(sides)}.")
        for which, outputs in sides.items():
            if not np.array_equal(outputs.labels, labels.get(which, told[which].labels)):
                raise InputError(
                    f"`{name}` must be of the given `{which}` examples: labels differ."
                )
            mine, first = outputs.logits.shape[1], told["forget"].logits.shape[1]
            if mine != first:
                what = f"must tell {first} classes apart, as `model` does"
                raise InputError(f"`{name}` {what}, got {mine}.")


def _masks(outputs: OutputsOfSets) -> Sets:
    """Return which rows are each set's, with the sets one after the other."""
    names = np.repeat(list(outputs), [len(side.labels) for side in outputs.values()])
    return Sets(**{name: names == name for name in SETS})


def _records(outputs: OutputsOfSets, sets: Sets) -> Records:
    """Put a model's sets one after the other; features count where every set has them."""
    sides = list(outputs.values())
    features = [side.features for side in sides if side.features is not None]
    if len(features) < len(sides):
        features = [np.zeros((len(sets.forget), 0), np.float32)]
    return Records(
        example_ids=np.arange(len(sets.forget)),
        labels=np.concatenate([side.labels for side in sides]),
        is_train=sets.forget | sets.retain,
        logits=np.concatenate([side.logits for side in sides]),
        features=np.concatenate(features),
    )


def _array(name: str, value: Any) -> NDArray[Any]:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value  # NumPy has none
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"`{name}` must have rows of one length.") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"`{name}` must hold real numbers, got {array.dtype}.")
    return array


def _matrix(name: str, value: Any) -> NDArray[np.float32]:
    array = _array(name, value)
    if array.ndim != 2 or not len(array):
        what = "must have shape (n_examples, columns) with an example"
        raise InputError(f"`{name}` {what}, got {array.shape}.")
    return array.astype(np.float32)
