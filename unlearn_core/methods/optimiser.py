"""Settings of the optimiser, which methods that train all weights share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from unlearn_core.settings import Settings, setting
from unlearn_core.training import OPTIMIZERS, make_optimizer


def step_size(default: float) -> Any:
    """Declare a learning rate."""
    return setting(default, "Step size of the optimiser.", positive=True)


def fewest_steps() -> Any:
    """Declare how many steps are taken at least, where few examples make short passes."""
    return setting(
        0, "Take more passes, until there are so many steps; 0 adds none.", between=(0, 10**6)
    )


def chosen_optimizer(default: str) -> Any:
    """Declare the choice of an optimiser."""
    return setting(default, "Which optimiser takes the steps.", choices=OPTIMIZERS)


def sgd_momentum(default: float) -> Any:
    """Declare a momentum, which Adam and AdamW do without."""
    return setting(default, "Momentum of SGD.", between=(0, 1))


def decay_of_weights(default: float) -> Any:
    """Declare a weight decay."""
    return setting(default, "Weight decay.", between=(0, 1))


def retained_at_least() -> Any:
    """Declare how many examples of D_r are read at least, where a method reads D'_r."""
    return setting(
        0, "Use more retained examples where D_f is smaller than this.", between=(0, 1e6)
    )


@dataclass(frozen=True, kw_only=True)
class OptimiserSettings(Settings):
    """Which optimiser takes the steps, and how; a method declares the defaults of its source."""

    learning_rate: float = step_size(0.01)
    optimizer: str = chosen_optimizer("sgd")
    momentum: float = sgd_momentum(0.9)
    weight_decay: float = decay_of_weights(5e-4)

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser over the parameters that require a gradient."""
        return make_optimizer(
            self.optimizer,
            parameters,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )
