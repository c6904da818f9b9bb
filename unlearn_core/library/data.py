"""A caller's examples, as tensors or a torch data set, made ready for methods and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

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
    inputs, labels = (
        _tensor(f"{name} {what}", side)
        for what, side in zip(("inputs", "labels"), pair, strict=True)
    )
    if not inputs.ndim or not len(inputs):
        raise InputError(f"`{name}` must hold an example, got none.")
    try:
        whole = whole_numbers(f"{name} labels", labels.cpu().numpy(), len(inputs))
    except ValueError as error:
        raise InputError(str(error)) from None
    return inputs.detach(), torch.from_numpy(whole)


def _tensor(name: str, side: Any) -> Tensor:
    try:
        tensor = torch.as_tensor(side)
    except (TypeError, ValueError, RuntimeError) as error:
        told = " ".join(str(error).split(maxsplit=20)[:20])
        raise InputError(f"`{name}` must be a tensor or an array of numbers: {told}") from error
    if tensor.layout != torch.strided or tensor.is_meta:
        kind = "a meta tensor" if tensor.is_meta else f"one of layout {tensor.layout}"
        raise InputError(f"`{name}` must be a dense tensor with values, got {kind}.")
    return tensor


def _read(name: str, data: Dataset[Any]) -> tuple[Any, ...]:
    if type(data) is TensorDataset:  # another kind may change what it hands out
        return data.tensors
    if not (hasattr(data, "__len__") or isinstance(data, IterableDataset)):
        raise InputError(f"`{name}` must be a Dataset that tells its length, got one without.")

    def together(items: list[Any]) -> Any:
        try:
            return default_collate(items)
        except (TypeError, RuntimeError) as error:
            told = " ".join(str(error).split())
            raise InputError(f"`{name}` must give examples of one shape: {told}") from error

    own = torch.Generator()  # a loader without one draws from the global generator
    loader = DataLoader(data, batch_size=READ_AT_ONCE, generator=own, collate_fn=together)
    batches = list(loader)
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
        TensorInputs(tensor=torch.cat([inputs.to(device) for inputs, _ in pairs.values()])),
        torch.cat([labels for _, labels in pairs.values()]).to(device),
        n_classes,
        is_forget=kinds.to(device),
    )
    rows = everything.rows.split(sizes)
    return {name: everything.take(part) for name, part in zip(pairs, rows, strict=True)}


def network_of(name: str, model: Any) -> nn.Module:
    """Return a caller's network, or raise `InputError` where it is none that can be copied."""
    if not isinstance(model, nn.Module):
        raise InputError(f"`{name}` must be a torch network, got {type(model).__name__}.")
    if isinstance(model, torch.jit.ScriptModule):
        raise InputError(f"`{name}` must be a plain torch network, got a scripted one.")
    if any(tensor.is_meta for tensor in model.state_dict().values()):
        raise InputError(f"`{name}` must have weights with values, got some on the device meta.")
    return model


def device_of(model: nn.Module) -> torch.device:
    """Return where a network's weights are; the CPU where it has none."""
    return next((weight.device for weight in model.parameters()), torch.device("cpu"))


def place_of(device: Any, model: nn.Module) -> torch.device:
    """Return the device that a caller names, or where the network is if that is None.

    Raises
    ------
    InputError
        If torch knows no such device or cannot compute on it here.
    """
    try:
        place = device_of(model) if device is None else torch.device(device)
        tried = torch.ones(1, device=place)
        tried.item()
    except (TypeError, RuntimeError, AssertionError):  # which one depends on how torch was built
        what = "must be one that torch can use here, such as 'cpu' or 'cuda'"
        raise InputError(f"`device` {what}, got {device!r}.") from None
    return tried.device  # "cuda" alone is equal to no device of a tensor


def require(name: str, value: Any, kind: Any, what: str) -> None:
    """Raise `InputError` unless an optional argument is None or of this kind."""
    if not (value is None or isinstance(value, kind)):
        raise InputError(f"`{name}` must be {what}, got {type(value).__name__}.")


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
