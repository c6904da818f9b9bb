"""Where a run was made: versions, device, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from unlearn_core.checks import InputError

PACKAGES = ("torch", "torchvision", "peft", "numpy", "scikit-learn", "umap-learn", "numba")


def choose_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; "auto" takes a GPU where there is one.

    Raises
    ------
    ValueError
        If the name is unknown, or a GPU is asked for where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"The device must be auto, cpu or cuda, got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("The device cuda was asked for, but this machine has no CUDA GPU.")
    use_gpu = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_gpu else "cpu")


def describe(device: torch.device) -> dict[str, Any]:
    """Return what a reader needs to judge a duration or repeat a result."""
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
        "commit": _commit(),
    }


def _commit() -> str | None:
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", str(folder), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None  # an installed copy has no history
    return done.stdout.strip()
