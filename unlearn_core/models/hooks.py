"""What is done to a network for the time of some forward passes, and undone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from unlearn_core.models.parts import head, parts_of


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put `model` in evaluation mode for a while; each module gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def captured_features(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the features (B, n_features) of each forward pass: the inputs of the classifier.

    Of a network that answers at each position of a sequence what its parts make of them (`pool`).
    """
    pool = parts_of(model).pool
    features: list[Tensor] = []
    given: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        features.append(args[0] if pool is None else pool(args[0], given.pop()))

    handles = [head(model).register_forward_pre_hook(keep)]
    if pool is not None:
        handles.append(model.register_forward_pre_hook(lambda _m, args: given.append(args[0])))
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


class InputReached(Exception):  # noqa: N818 - it ends a pass that is no error
    """A forward pass has come to a module; `features` is what it would be given."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features


@contextmanager
def stopping_at(model: nn.Module, name: str) -> Iterator[None]:
    """End each forward pass with `InputReached` before the named module runs."""

    def stop(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
        raise InputReached(args[0])

    handle = model.get_submodule(name).register_forward_pre_hook(stop)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def exact_head(model: nn.Module) -> Iterator[None]:
    """Compute the classifier in 32 bits also under autocast.

    bfloat16 has three digits, and logits that are rounded to these tie where a membership attack
    has to tell examples apart.
    """
    last = head(model)
    compute, own = last.forward, vars(last).get("forward")

    def exact(features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            exactly: Tensor = compute(features.float())
            return exactly

    vars(last)["forward"] = exact
    try:
        yield
    finally:
        del vars(last)["forward"]
        if own is not None:  # somebody had put one there before
            vars(last)["forward"] = own


@contextmanager
def captured_outputs(model: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Keep the latest output of each named module.

    Raises
    ------
    ValueError
        If the model has no module of that name.
    """
    modules = dict(model.named_modules())
    unknown = [name for name in names if name not in modules]
    if unknown:
        raise ValueError(f"The model has no module {unknown[0]!r}.")
    latest: dict[str, Tensor] = {}

    def keep(name: str) -> object:
        return modules[name].register_forward_hook(
            lambda _module, _args, output: latest.__setitem__(name, output)
        )

    handles = [keep(name) for name in names]
    try:
        yield latest
    finally:
        for handle in handles:
            handle.remove()  # type: ignore[attr-defined]
