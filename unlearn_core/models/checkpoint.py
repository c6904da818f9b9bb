"""Trained weights from a file: read without pickle's dangers, and held to the network's shape."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_core.checks import InputError, MissingFileError

Weights = dict[str, Tensor]
NESTED = ("state_dict", "model_state_dict", "model")  # where training scripts put the weights
PARALLEL = "module."  # what DataParallel puts before every name
MOST_NAMED = 3
PICKLED = (b"PK\x03\x04", b"\x80")  # how files of torch.save begin: zipped, and before torch 1.6


def read_weights(file: Path) -> Weights:
    """Return the tensors of a safetensors file, or of a state dict that `torch.save` wrote.

    A state dict may be an entry `state_dict`, `model_state_dict` or `model` of what was saved, and
    each name may begin with `module.`.  `torch.load` reads with ``weights_only=True``, so that a
    file from elsewhere runs no code.

    Raises
    ------
    MissingFileError
        If there is no such file.
    InputError
        If it is of no such kind, or holds something else than tensors.
    """
    if not file.exists():
        raise MissingFileError(f"There is no file of weights {file}.")
    if not file.is_file():
        raise InputError(f"The weights {file} must be a file; it is a folder, pipe or device.")
    try:
        with file.open("rb") as stream:
            begin = stream.read(4)
        found = _unpickled(file) if begin.startswith(PICKLED) else _from_safetensors(file)
    except OSError as error:
        raise InputError(f"The weights {file} cannot be read: {error.strerror}.") from error
    return _plain(file, found)


def fit(model: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Set every weight of `model` to those given, in place; `source` is what an error calls them.

    Numbers of another precision are converted.

    Raises
    ------
    InputError
        If a name or a shape differs, or a number is not finite.
    """
    given, own = _shapes(weights), _shapes(model.state_dict())
    names = sorted(given.keys() | own.keys())
    differing = [name for name in names if given.get(name) != own.get(name)]
    if differing:
        told = "; ".join(
            _told(name, given.get(name), own.get(name)) for name in differing[:MOST_NAMED]
        )
        rest = len(differing) - MOST_NAMED
        more = f"; {rest} more differ" if rest > 0 else ""
        raise InputError(f"{source} must fit the network: {told}{more}.")
    for name, weight in weights.items():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise InputError(f"{source} must be finite numbers; {name} holds others.")
    model.load_state_dict(dict(weights))


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in weights.items()}


def _told(name: str, given: tuple[int, ...] | None, own: tuple[int, ...] | None) -> str:
    if given is None:
        return f"{name} of shape {own} is missing"
    if own is None:
        return f"{name} of shape {given} is not in the network"
    return f"{name} is {given}, in the network {own}"


def _unpickled(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise InputError(
            f"{file} must hold a state dict that torch reads with weights_only=True: "
            f"{_first_line(error)}"
        ) from error


def _from_safetensors(file: Path) -> Weights:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise InputError(
            f"{file} must be a safetensors file or a state dict of torch.save: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


def _plain(file: Path, found: Any) -> Weights:
    """Return a state dict as plain names and tensors."""
    for name in NESTED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    is_plain = isinstance(found, Mapping) and all(isinstance(t, Tensor) for t in found.values())
    if not is_plain or not found:
        held = ", ".join(map(str, list(found)[:4])) if isinstance(found, Mapping) else ""
        came = (
            f"an object with {held or 'nothing'}"
            if isinstance(found, Mapping)
            else (type(found).__name__)
        )
        raise InputError(f"{file} must hold tensors by name, a state dict; got {came}.")
    if all(str(name).startswith(PARALLEL) for name in found):
        return {str(name).removeprefix(PARALLEL): tensor for name, tensor in found.items()}
    return {str(name): tensor for name, tensor in found.items()}
