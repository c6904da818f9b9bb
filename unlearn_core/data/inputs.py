"""Network inputs of a whole data set, stored once for all sets such as D_f and D_r."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from unlearn_core.checks import InputError
from unlearn_core.tasks import PADDING


class Inputs(ABC):
    """All examples of a data set on one device, in the form that the network takes.

    Sets of examples are row numbers over one such store (`batches.Examples`), so that no set has
    a copy.  Only the network knows what is in the tensor that `batch` returns; methods hand it on.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of stored examples."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the examples are."""

    @property
    def lengths(self) -> Tensor | None:
        """Length of each example, int64 (n_stored,), where batches are padded to the longest.

        None where all examples are of one size.
        """
        return None

    @property
    def augments(self) -> bool:
        """Whether `augmented` may change an example, so that no pass sees it as another did."""
        return type(self).augmented is not Inputs.augmented

    def augmenting(self, augment: str) -> Inputs:
        """Return the same store, whose `augmented` varies examples as `TrainingConfig` says.

        Raises
        ------
        InputError
            If examples of this kind are not varied in that way.
        """
        if augment != "none":
            raise InputError(f"These examples cannot be varied by {augment!r}.")
        return self

    def plain(self) -> Inputs:
        """Return the same store without augmentation, where it can do without."""
        return self

    @abstractmethod
    def batch(self, rows: Tensor) -> Tensor:
        """Return the examples in these rows, int64 (n,), ready for the network: (n, ...)."""

    def augmented(self, rows: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return `batch(rows)` changed at random as in training; unchanged by default."""
        return self.batch(rows)

    def shares_store(self, other: Inputs) -> bool:
        """Say whether a row means the same example in `other`."""
        return self is other


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorInputs(Inputs):
    """One tensor (n_stored, ...) that the network is given as it is, of any kind and shape."""

    tensor: Tensor

    def __len__(self) -> int:
        return len(self.tensor)

    @property
    def device(self) -> torch.device:
        """Where the tensor is."""
        return self.tensor.device

    def batch(self, rows: Tensor) -> Tensor:
        """Return these rows."""
        return self.tensor[rows]


def together(batches: Sequence[Tensor]) -> Tensor:
    """Return what a network eats of several batches as one; shorter sequences are padded.

    >>> together([torch.ones(1, 2), torch.ones(1, 3)]).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    """
    if len({batch.shape[1:] for batch in batches}) > 1:
        longest = max(batch.shape[1] for batch in batches)
        batches = [pad(batch, (0, longest - batch.shape[1]), value=PADDING) for batch in batches]
    return torch.cat(list(batches))
