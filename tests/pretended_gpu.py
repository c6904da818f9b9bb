"""A pretended GPU: tensors that say they are elsewhere, and refuse what a GPU's tensors refuse.

Their numbers lie on the CPU, so that everything is computed as it is there.  But an operation on
tensors of two devices is an error, as are a CPU's generator on the device, and NumPy's look at it:
what works here has each tensor where it belongs.  It is called "meta", because autograd runs
backward passes of that device on the CPU.
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
ATEN = torch.ops.aten
TRANSFERS = (ATEN.copy_.default, ATEN._to_copy.default)
BY_CPU_INDEX = (ATEN.index.Tensor, ATEN.index_put_.default)  # CUDA takes indices of the CPU too


class Elsewhere(torch.Tensor):
    """A tensor of the pretended device; `behind` has its numbers."""

    @staticmethod
    def __new__(cls, behind):
        """Return a tensor of the shape, order and type of `behind`."""
        return torch.Tensor._make_wrapper_subclass(
            cls,
            behind.shape,
            strides=behind.stride(),
            storage_offset=behind.storage_offset(),
            dtype=behind.dtype,
            device=DEVICE,
        )

    def __init__(self, behind):
        self.behind = behind

    __torch_function__ = torch._C._disabled_torch_function_impl

    def tolist(self):
        """Return the numbers, which a GPU's tensors give and torch's subclasses do not."""
        return self.behind.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        """Compute outside of `PretendedGpu` too, as backward passes do."""
        return _compute(func, args, kwargs or {})


_GENERATORS = set()  # of the pretended device, by the address of what Python's objects wrap


def generator(device="cpu"):
    """Return what `torch.Generator(device)` gives: one of the CPU that may be said to be there."""
    made = torch._C.Generator("cpu")
    if torch.device(device) == DEVICE:
        _GENERATORS.add(made._cdata)
    return made


class PretendedGpu(TorchDispatchMode):
    """While it is entered, tensors can be made on `DEVICE` and sent there."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Compute one operation."""
        return _compute(func, args, kwargs or {})


def autocast(device_type, **_):
    """Return a context in place of autocast, which knows no such device."""
    assert device_type == DEVICE.type
    return nullcontext()


def _compute(func, args, kwargs):
    leaves = tree_leaves((args, kwargs))
    there = [leaf for leaf in leaves if isinstance(leaf, Elsewhere)]
    here = [
        leaf
        for leaf in leaves
        if isinstance(leaf, torch.Tensor) and not isinstance(leaf, Elsewhere) and leaf.ndim
    ]
    named = kwargs.get("device")
    goes_there = bool(there) if named is None else torch.device(named) == DEVICE
    if not there and not goes_there:
        return func(*args, **kwargs)
    if there and here and func not in (*TRANSFERS, *BY_CPU_INDEX):
        raise RuntimeError(f"{func} got tensors on two devices")
    for leaf in leaves:
        if isinstance(leaf, torch._C.Generator) and leaf._cdata not in _GENERATORS:
            raise RuntimeError(f"{func} on the device got a generator of the CPU")
    on_cpu = kwargs if named is None else {**kwargs, "device": torch.device("cpu")}
    out = func(*tree_map(_behind, args), **tree_map(_behind, on_cpu))
    if not goes_there:
        return out
    out = tree_map(_elsewhere, out)
    return return_and_correct_aliasing(func, args, kwargs, out) if there else out


def _behind(leaf):
    return leaf.behind if isinstance(leaf, Elsewhere) else leaf


def _elsewhere(leaf):
    is_here = isinstance(leaf, torch.Tensor) and not isinstance(leaf, Elsewhere)
    return Elsewhere(leaf) if is_here else leaf
