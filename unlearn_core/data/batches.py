"""Sets of examples on the device, such as D_f and D_r, and batches of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.checks import InputError
from unlearn_core.data.base import Dataset
from unlearn_core.data.inputs import Inputs
from unlearn_core.data.resident import resident

ALIKE = 50  # batches in a window within which examples are sorted by length


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """A batch of examples, ready for the model.

    `inputs` (B, ...) is what the network eats, `labels` int64 (B,), `example_ids` int64 (B,),
    `is_forget` bool (B,).
    """

    inputs: Tensor
    labels: Tensor
    example_ids: Tensor
    is_forget: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """A set of examples, such as D_f: row numbers over inputs that all sets of a data set share.

    `take`, `sample` and `join` make other row numbers and copy no example.

    Attributes
    ----------
    inputs : Inputs
        The store, of `n_stored` examples.
    stored_labels, stored_ids : int64 tensor of shape (n_stored,)
        Label and example id of each row of the store.
    rows : int64 tensor of shape (n_examples,)
        Which of them are in this set, in its order.
    is_forget : bool tensor of shape (n_examples,)
    n_classes : int
    """

    inputs: Inputs
    stored_labels: Tensor
    stored_ids: Tensor
    rows: Tensor
    is_forget: Tensor
    n_classes: int

    @classmethod
    def of(
        cls, inputs: Inputs, labels: Tensor, n_classes: int, *, is_forget: Tensor | None = None
    ) -> Examples:
        """Return the set of all stored examples; an example's id is its row."""
        rows = torch.arange(len(inputs), device=inputs.device)
        return cls(
            inputs=inputs,
            stored_labels=labels,
            stored_ids=rows,
            rows=rows,
            is_forget=torch.zeros_like(rows, dtype=torch.bool) if is_forget is None else is_forget,
            n_classes=n_classes,
        )

    @property
    def labels(self) -> Tensor:
        """Labels, int64 (n_examples,)."""
        return self.stored_labels[self.rows]

    @property
    def example_ids(self) -> Tensor:
        """Example ids, int64 (n_examples,)."""
        return self.stored_ids[self.rows]

    @property
    def device(self) -> torch.device:
        """Where the examples are."""
        return self.rows.device

    def __len__(self) -> int:
        return len(self.rows)

    def steps(self, batch_size: int) -> int:
        """Return the number of batches in one pass; the last one may be smaller."""
        return len(self._sizes(batch_size))

    def shuffled(
        self, batch_size: int, generator: torch.Generator, *, even: bool = False
    ) -> Iterator[Batch]:
        """Yield one pass over the examples in random order, augmented.

        The last batch may be small; `even` ones are as many, and differ by one example at most.
        """
        order = torch.randperm(len(self), generator=generator).to(self.device)
        sizes = self._sizes(batch_size)
        if self.inputs.lengths is not None:
            order = self._alike_together(order, ALIKE * batch_size)
        batches = order.tensor_split(len(sizes)) if even else order.split(sizes)
        for rows in self._mixed_up(batches, generator):
            yield self.augmented(rows, generator)

    def epochs(
        self, epochs: int, batch_size: int, generator: torch.Generator, *, even: bool = False
    ) -> Iterator[Batch]:
        """Yield `epochs` shuffled passes, one after the other."""
        for _ in range(epochs):
            yield from self.shuffled(batch_size, generator, even=even)

    def forever(self, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield shuffled passes without end."""
        while True:
            yield from self.shuffled(batch_size, generator)

    def ordered(self, batch_size: int = 1024) -> Iterator[Batch]:
        """Yield one pass in order of the rows, without augmentation."""
        for positions in torch.arange(len(self), device=self.device).split(batch_size):
            yield self._batch(positions, self.inputs.batch(self.rows[positions]))

    def augmented(self, positions: Tensor, generator: torch.Generator) -> Batch:
        """Return the examples at these positions in the set, int64 (n,), as an augmented batch."""
        return self._batch(positions, self.inputs.augmented(self.rows[positions], generator))

    def sample(self, n_examples: int, generator: torch.Generator) -> Examples:
        """Return `n_examples` drawn without replacement, or all where there are no more."""
        positions = torch.randperm(len(self), generator=generator)[:n_examples]
        return self.take(positions.sort().values.to(self.device))

    def take(self, positions: Tensor) -> Examples:
        """Return the examples at these positions in the set, int64 (n,)."""
        return replace(self, rows=self.rows[positions], is_forget=self.is_forget[positions])

    def plain(self) -> Examples:
        """Return the same examples without augmentation."""
        return replace(self, inputs=self.inputs.plain())

    def join(self, other: Examples) -> Examples:
        """Return these examples followed by the `other` ones, which are of the same store.

        Raises
        ------
        ValueError
            If they are of another one: put both into one store, and `take` each of it.
        """
        if not self.inputs.shares_store(other.inputs):
            raise ValueError("`other` must be examples of the same stored inputs, got other ones.")
        return replace(
            self,
            rows=torch.cat([self.rows, other.rows]),
            is_forget=torch.cat([self.is_forget, other.is_forget]),
        )

    def _sizes(self, batch_size: int) -> list[int]:
        """Return the sizes of the batches in one pass.

        A final batch of one is merged with its neighbour, because batch normalisation needs two
        examples.
        """
        sizes = [len(rows) for rows in torch.arange(len(self)).split(batch_size)]
        if len(sizes) > 1 and sizes[-1] == 1 and batch_size > 1:
            sizes[-2:] = [3] if batch_size == 2 else [batch_size - 1, 2]
        return sizes

    def from_short_to_long(self) -> Tensor | None:
        """Return the positions in this set by length, so that batches need little padding.

        None where all examples are of one size.
        """
        lengths = self.inputs.lengths
        return None if lengths is None else lengths[self.rows].argsort(stable=True)

    def _alike_together(self, order: Tensor, window: int) -> Tensor:
        """Sort a random order by length within windows, so that batches need little padding."""
        lengths = self.inputs.lengths
        assert lengths is not None
        parts = [
            part[lengths[self.rows[part]].argsort(stable=True)] for part in order.split(window)
        ]
        return torch.cat(parts)

    def _mixed_up(self, batches: Sequence[Tensor], generator: torch.Generator) -> Sequence[Tensor]:
        """Return batches in random order, where they were made of examples of like length."""
        if self.inputs.lengths is None:
            return batches
        return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]

    def _batch(self, positions: Tensor, inputs: Tensor) -> Batch:
        rows = self.rows[positions]
        return Batch(
            inputs=inputs,
            labels=self.stored_labels[rows],
            example_ids=self.stored_ids[rows],
            is_forget=self.is_forget[positions],
        )


def enough_passes(epochs: int, steps_in_pass: int, steps_at_least: int) -> int:
    """Return how many passes are made: as many as asked for, or more until there are enough steps.

    >>> enough_passes(2, steps_in_pass=7, steps_at_least=20)
    3
    """
    return max(epochs, math.ceil(steps_at_least / max(1, steps_in_pass)))


def mixed(
    forget: Examples,
    retain: Examples,
    *,
    epochs: int,
    batch_size: int,
    forget_per_batch: int,
    generator: torch.Generator,
    steps_at_least: int = 0,
) -> tuple[Iterator[Batch], int]:
    """Return augmented batches that mix D_f and D_r, and how many there will be.

    There are `epochs` of them, or as many as make so many steps at least.

    With `forget_per_batch=0` an epoch is one shuffled pass over both sets, and a small D_f is
    absent from most batches (`chance_without_forget`).  Otherwise an epoch is one shuffled pass
    over D_r, and every batch adds that many examples of D_f; only the last batch of an epoch may
    have fewer than ``batch_size - forget_per_batch`` of D_r.  D_f comes in shuffled passes, one
    after the other across batches and epochs.

    Raises
    ------
    ValueError
        If a batch has no room for D_r, or examples of an empty set are asked for.
    """
    require_room(batch_size, forget_per_batch)
    both = forget.join(retain)
    if not forget_per_batch:
        epochs = enough_passes(epochs, both.steps(batch_size), steps_at_least)
        return both.epochs(epochs, batch_size, generator), epochs * both.steps(batch_size)
    for name, examples in (("forget", forget), ("retain", retain)):
        if not len(examples):
            raise InputError(f"`{name}` must hold an example with `forget_per_batch`, got none.")
    n_retain = batch_size - forget_per_batch
    epochs = enough_passes(epochs, math.ceil(len(retain) / n_retain), steps_at_least)
    rows = _mixed_rows(len(forget), len(retain), epochs, forget_per_batch, n_retain, generator)
    batches = (both.augmented(chosen.to(both.device), generator) for chosen in rows)
    return batches, epochs * math.ceil(len(retain) / n_retain)


def _mixed_rows(
    n_forget: int,
    n_retain: int,
    epochs: int,
    forget_per_batch: int,
    retain_per_batch: int,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    """Yield each batch's rows of D_f followed by D_r."""
    forgotten = _endless_passes(n_forget, generator)
    for _ in range(epochs):
        order = n_forget + torch.randperm(n_retain, generator=generator)
        for retained in order.split(retain_per_batch):
            yield torch.cat([torch.tensor(list(islice(forgotten, forget_per_batch))), retained])


def _endless_passes(n: int, generator: torch.Generator) -> Iterator[int]:
    while True:
        yield from torch.randperm(n, generator=generator).tolist()


def require_room(batch_size: int, forget_per_batch: int) -> None:
    """Raise `ValueError` unless a batch has room for retained examples too."""
    if not 0 <= forget_per_batch < batch_size:
        raise InputError(
            f"`forget_per_batch` must be from 0 to below the batch size {batch_size}, "
            f"got {forget_per_batch}."
        )


def chance_without_forget(n_examples: int, n_forget: int, batch_size: int) -> float:
    r"""Return the chance that a shuffled batch holds no example of D_f (hypergeometric).

    .. math:: \binom{N - N_f}{b} / \binom{N}{b}

    >>> round(chance_without_forget(50_000, 128, 128), 6)
    0.71999
    """
    drawn = min(batch_size, n_examples)
    return math.comb(n_examples - n_forget, drawn) / math.comb(n_examples, drawn)


def to_device(
    dataset: Dataset,
    mask: NDArray[np.bool_],
    device: torch.device,
    *,
    forget: NDArray[np.bool_] | None = None,
    augment: str = "none",
) -> Examples:
    """Return the examples that `mask` (n_examples,) selects, on the device.

    The examples are put there once for all sets of a data set (`resident`).

    Raises
    ------
    ValueError
        If an example is asked for that is in neither split of the data set.
    """
    stored = resident(dataset, device)
    ids = np.flatnonzero(mask)
    rows = stored.row_of[ids]
    if (rows < 0).any():
        raise InputError("`mask` must select examples of the training or test split only.")
    is_forget = np.zeros(len(ids), dtype=bool) if forget is None else forget[ids]
    return Examples(
        inputs=stored.inputs.augmenting(augment),
        stored_labels=stored.labels,
        stored_ids=stored.ids,
        rows=torch.from_numpy(rows).to(device),
        is_forget=torch.from_numpy(is_forget).to(device),
        n_classes=dataset.n_classes,
    )
