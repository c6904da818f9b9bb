"""A caller's examples, as tensors or a torch data set, made ready for methods and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from unlearn_core.checks import InputError, whole_numbers
from unlearn_core.data.batches import Examples
from unlearn_core.data.inputs import TensorInputs
from unlearn_core.models import evaluating

Data = tuple[Any, Any] | Dataset[Any]
Pair = tuple[Tensor, Tensor]
READ_AT_ONCE = 256
TRIED = 2  # examples


def pair_of(name: str, data: Data) -> Pair:
    """Return a set's inputs (n_examples, ...) and labels, int64 (n_examples,).

    Parameters
    ----------
    name : str
        What the caller calls the set, for messages.
    data : (inputs, labels) or torch.utils.data.Dataset
        A pair of tensors or arrays, or a data set of such pairs, which is read once.

    Raises
    ------
    ValueError
        If it is neither, is empty, or its labels are not one whole number an example.
    """
    pair: Any = _read(name, data) if isinstance(data, Dataset) else data
    if not (isinstance(pair, Sequence) and len(pair) == 2):
        what = "a pair (inputs, labels) or a torch Dataset of such pairs"
        raise InputError(f"`{name}` must be {what}, got {type(pair).__name__}.")
    inputs, labels = (torch.as_tensor(side) for side in pair)
    if not inputs.ndim or not len(inputs):
        raise InputError(f"`{name}` must hold an example, got none.")
    try:
        whole = whole_numbers(f"{name} labels", labels.cpu().numpy(), len(inputs))
    except ValueError as error:
        raise InputError(str(error)) from None
    return inputs.detach(), torch.from_numpy(whole)


def _read(name: str, data: Dataset[Any]) -> tuple[Any, ...]:
    if type(data) is TensorDataset:  # another kind may change what it hands out
        return data.tensors
    own = torch.Generator()  # a loader without one draws from the global generator
    batches = list(DataLoader(data, batch_size=READ_AT_ONCE, generator=own))
    if not all(isinstance(batch, list | tuple) and len(batch) == 2 for batch in batches):
        raise InputError(f"`{name}` must give pairs (input, label), one an example.")
    if not batches:
        raise InputError(f"`{name}` must hold an example, got none.")
    sides = zip(*batches, strict=True)
    return tuple(torch.cat([torch.as_tensor(part) for part in side]) for side in sides)


def stored_together(
    pairs: Mapping[str, Pair], n_classes: int, device: torch.device
) -> dict[str, Examples]:
    """Return sets of examples over one store on the device, by name, in order.

    Raises
    ------
    ValueError
        If a set has inputs of another shape or kind, or a label that the network does not tell.
    """
    first, example = next((name, inputs) for name, (inputs, _) in pairs.items())
    for name, (inputs, labels) in pairs.items():
        mine, wanted = ((t.dtype, tuple(t.shape[1:])) for t in (inputs, example))
        if mine != wanted:
            came = f"got {mine[0]} {mine[1]} and {wanted[0]} {wanted[1]}"
            raise InputError(f"`{name}` must have inputs of the kind of `{first}`, {came}.")
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= n_classes:
            what = f"must have labels from 0 to {n_classes - 1}, as the network tells them apart"
            raise InputError(f"`{name}` {what}, got {low} to {high}.")
    sizes = [len(labels) for _, labels in pairs.values()]
    kinds = torch.tensor([name == "forget" for name in pairs]).repeat_interleave(
        torch.tensor(sizes)
    )
    everything = Examples.of(
        TensorInputs(tensor=torch.cat([inputs for inputs, _ in pairs.values()]).to(device)),
        torch.cat([labels for _, labels in pairs.values()]).to(device),
        n_classes,
        is_forget=kinds.to(device),
    )
    rows = everything.rows.split(sizes)
    return {name: everything.take(part) for name, part in zip(pairs, rows, strict=True)}


def device_of(model: nn.Module) -> torch.device:
    """Return where a network's weights are; the CPU where it has none."""
    return next((weight.device for weight in model.parameters()), torch.device("cpu"))


@torch.no_grad()
def count_classes(model: nn.Module, name: str, inputs: Tensor) -> int:
    """Return how many classes the network tells apart, from its answer to a few inputs.

    Raises
    ------
    ValueError
        If it cannot take them, or does not answer with logits (n_examples, n_classes).
    """
    few = inputs[:TRIED].to(device_of(model))
    kind = f"{type(model).__name__}"
    try:
        with evaluating(model):
            answer = model(few)
    except (RuntimeError, TypeError, ValueError) as error:
        told = " ".join(str(error).split())
        shape = f"{few.dtype} of shape {tuple(few.shape)}"
        raise InputError(f"{kind} cannot take the inputs of `{name}`, {shape}: {told}") from error
    if not (isinstance(answer, Tensor) and answer.ndim == 2 and len(answer) == len(few)):
        came = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        what = "must answer with logits of shape (n_examples, n_classes)"
        raise InputError(f"{kind} {what}, got {came} for {len(few)} examples.")
    return int(answer.shape[1])
