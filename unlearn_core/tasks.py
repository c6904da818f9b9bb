"""Tasks such as classification: their loss, which outputs are recorded, which metrics decide.

Methods ask the task for its loss and never write one for labels themselves, so that a new task
needs no edit in `methods/`.  torch is loaded where it is used: verdicts are read without it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """What a network is trained to do.

    Attributes
    ----------
    name : str
    deciding : mapping of str to tuple of str
        The metrics that decide a verdict (`metrics.verdict`), by what they look at: "utility" (what
        was to be kept), "answers" on D_f, "features" and "attacks".
    """

    name: str
    deciding: Mapping[str, tuple[str, ...]]

    @abstractmethod
    def losses(self, outputs: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
        """Return each example's loss (B,) in nats, with smoothed targets where asked for."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
        """Return the mean loss of a batch in nats, a scalar."""

    @abstractmethod
    def recorded(self, outputs: Tensor) -> Tensor:
        """Return a batch's outputs as they are stored: float32 on the CPU, one row an example."""


class Classification(Task):
    """One of several classes for each example; outputs are logits (B, n_classes).

    Targets are labels, int64 (B,), or probabilities of the classes, (B, n_classes).
    """

    def losses(self, outputs: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
        """Return each example's cross-entropy (B,)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, targets, reduction="none", label_smoothing=smoothing)

    def loss(self, outputs: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
        """Return the mean cross-entropy."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, targets, label_smoothing=smoothing)

    def recorded(self, outputs: Tensor) -> Tensor:
        """Return the logits (B, n_classes)."""
        return outputs.float().cpu()


CLASSIFICATION = Classification(
    name="classification",
    deciding={
        "utility": ("retain_test_accuracy", "retain_accuracy"),
        "answers": ("backdoor_asr", "mutual_confusion", "forget_accuracy", "forget_test_accuracy"),
        "features": (
            "dimensional_alignment",
            "cluster_f1",
            "cluster_nmi",
            "linear_probe_forget",
            "prototype_forget",
        ),
        "attacks": ("mia_rfa",),
    },
)
