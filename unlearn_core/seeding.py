"""Named random streams, so that adding one consumer does not shift the others.

Nothing in the core seeds or reads the global generators.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def stream_seed(seed: int, purpose: str) -> int:
    """Return the 63-bit seed of run `seed` reserved for `purpose`, such as ``"shuffle"``."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def numpy_stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the NumPy generator of run `seed` reserved for `purpose`."""
    return np.random.default_rng(stream_seed(seed, purpose))


def torch_stream(seed: int, purpose: str) -> torch.Generator:
    """Return the torch generator (on the CPU) of run `seed` reserved for `purpose`."""
    import torch  # here, so that pages can draw a forget set without loading torch

    return torch.Generator().manual_seed(stream_seed(seed, purpose))
