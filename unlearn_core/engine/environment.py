"""Choose the device, and describe the machine and software that a run is made with."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

import torch

from unlearn_core.checks import InputError
from unlearn_core.runs import provenance

PACKAGES = (
    *("torch", "torchvision", "timm", "peft", "numpy", "scipy", "scikit-learn"),
    *("umap-learn", "numba", "pandas"),
)
LOADED = provenance.codes()  # read while this process loads the sources; they may change later


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; "auto" takes a GPU where there is one.

    On a GPU convolutions of 32-bit numbers are then computed in 32 bits, where cuDNN's default is
    the 19 of TF32, and by algorithms that give the same numbers each time.

    Raises
    ------
    ValueError
        If the name is unknown, or a GPU is asked for where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"The device must be auto, cpu or cuda, got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("The device cuda was asked for, but this machine has no CUDA GPU.")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    # with its number, as tensors name it: "cuda" alone is equal to no device of a tensor
    return torch.device("cuda", torch.cuda.current_device())


def describe(device: torch.device, method: str) -> dict[str, Any]:
    """Return versions, device, threads, commit and hashes of the code that runs `method`."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "python": platform.python_version(),
        "packages": versions,
        "device": gpu or f"{os.cpu_count()} CPU cores ({platform.machine()})",
        "threads": torch.get_num_threads(),
        "commit": provenance.commit(),
        "code": LOADED.get(method, LOADED[""]),
    }
