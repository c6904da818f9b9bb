"""How much memory training a network takes at least, known before any of it is taken."""

from __future__ import annotations

from functools import lru_cache

import torch

from unlearn_core.checks import InputError
from unlearn_core.config import ModelConfig
from unlearn_core.machine import in_gigabytes, memory_limit
from unlearn_core.models.base import MODELS

COPIES = 3  # weights, gradients, and the optimiser's momentum
FLOAT_BYTES = 4


def require_fits(config: ModelConfig) -> None:
    """Raise `InputError` where the weights alone need more memory than this process may take.

    Not all that passes fits: the activations come on top, and depend on the batch.
    """
    needed = COPIES * weight_bytes(config)
    limit, its_origin = memory_limit()
    if needed > limit:
        size = f"width {config.width}" if config.is_resnet else "its size"
        raise InputError(
            f"A {config.name} of {size} takes at least {in_gigabytes(needed)} to train, "
            f"and {its_origin}."
        )


@lru_cache(maxsize=64)
def weight_bytes(config: ModelConfig) -> int:
    """Return the size of a network's weights for grey images and two classes, none allocated."""
    with torch.device("meta"):
        network = MODELS[config.name].build(config, 1, 2)
    return FLOAT_BYTES * sum(weight.numel() for weight in network.parameters())
