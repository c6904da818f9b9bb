"""The targets of RFA on forgotten examples: each layer's average feature, and the average label.

Both are averages over retained examples: of the batch (Algorithm 1, lines 8-9), or an exponential
memory of batches, which a batch without retained examples can use too.  The label's may be the
class frequencies of all of D_r instead.  Of a language model the label is how frequent each token
is among those that are predicted.

Source: arXiv:2411.08443; the memory and the class frequencies are ours (docs/methods.md, "rfa").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unlearn_core.data.batches import Batch, Examples
from unlearn_core.tasks import CLASSIFICATION, Task

AVERAGE_LABELS = ("batch", "global")


@dataclass
class RetainedAverages:
    """Average features and label of retained examples; None where those of the batch are meant.

    Attributes
    ----------
    memory : float
        m in [0, 1): after each batch with retained examples the averages are m times themselves
        plus 1 - m times the batch's; the first batch counts whole.  0 keeps nothing.
    features : list of tensors (...) or None
        The average of each adapted layer, without a batch axis.
    label : tensor of shape (n_classes,) or None
    fixed_label : bool
        Whether `label` is given and stays, whatever the batches hold.
    """

    memory: float = 0.0
    features: list[Tensor] | None = None
    label: Tensor | None = None
    fixed_label: bool = False
    task: Task = CLASSIFICATION

    @torch.no_grad()
    def update(
        self,
        features: Sequence[Tensor],
        batch: Batch,
        n_choices: int,
        is_real: Tensor | None = None,
    ) -> None:
        """Take a batch in: its layers' frozen outputs, each (B, ...), and its right answers."""
        if not self.memory or bool(batch.is_forget.all()):
            return
        new = [average_feature(layer, batch.is_forget, is_real).float() for layer in features]
        old = self.features or new
        self.features = [self._blend(a, b) for a, b in zip(old, new, strict=True)]
        if not self.fixed_label:
            label = average_label(*self.task.targets(batch), n_choices)
            self.label = self._blend(label if self.label is None else self.label, label)

    def _blend(self, old: Tensor, new: Tensor) -> Tensor:
        return self.memory * old + (1 - self.memory) * new


def retained_averages(
    retain: Examples,
    *,
    average_label: str,
    memory: float,
    task: Task = CLASSIFICATION,
    n_choices: int | None = None,
) -> RetainedAverages:
    """Return the averages to start with: none yet, or the label of all of D_r.

    There are as many choices as classes unless given.
    """
    if average_label == "batch":
        return RetainedAverages(memory=memory, task=task)
    label = class_frequencies(retain, task, n_choices)
    return RetainedAverages(memory=memory, label=label, fixed_label=True, task=task)


def class_frequencies(
    examples: Examples, task: Task = CLASSIFICATION, n_choices: int | None = None
) -> Tensor:
    """Return each choice's share (n_choices,) of the right answers to the examples."""
    n_choices = examples.n_classes if n_choices is None else n_choices
    counts = torch.zeros(n_choices, dtype=torch.int64, device=examples.device)
    for batch in examples.plain().ordered():
        counts += torch.bincount(task.targets(batch)[0], minlength=n_choices)
    return counts / counts.sum()


def average_feature(features: Tensor, is_forget: Tensor, is_real: Tensor | None = None) -> Tensor:
    """Return the mean (...) of the features (B, ...) of the batch's retained examples.

    Of padded sequences (B, n_positions, n_channels) it is the mean (n_channels,) over the positions
    too that `is_real` (B, n_positions) says are no padding: those of one text mean nothing to
    another's.
    """
    if is_real is not None:
        counted = is_real & ~is_forget[:, None]
        total: Tensor = counted.to(features.dtype).flatten() @ features.flatten(0, 1)
        return total / counted.sum()
    retained = (~is_forget).to(features.dtype)  # one product reads the features once, uncopied
    mean: Tensor = retained @ in_memory_order(features) / (~is_forget).sum()
    shape = features.shape[1:]
    if _is_channels_last(features):
        return mean.view(*shape[1:], shape[0]).permute(2, 0, 1)
    return mean.view(shape)


def in_memory_order(features: Tensor) -> Tensor:
    """Return each example's elements in a row, (B, n_elements), without a copy."""
    ordered = features.permute(0, 2, 3, 1) if _is_channels_last(features) else features
    return ordered.flatten(1)


def _is_channels_last(features: Tensor) -> bool:
    return features.ndim == 4 and features.is_contiguous(memory_format=torch.channels_last)


def average_label(labels: Tensor, is_forget: Tensor, n_classes: int) -> Tensor:
    """Return the mean one-hot label (n_classes,) of the batch's retained answers."""
    counts = torch.bincount(labels[~is_forget], minlength=n_classes)
    return counts / counts.sum()
