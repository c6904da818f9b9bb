"""Networks that go on from published weights: the shape these need and how they are trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unlearn_core.config import PRETRAINED, TEXT_NETWORKS, ModelConfig, TrainingConfig
from unlearn_core.data import DatasetSpec

IMAGENET_SIZE = 224
FINE_TUNING = TrainingConfig(  # RFA's
    batch_size=128,
    learning_rate=5e-5,
    optimizer="adamw",
    momentum=0.0,
    weight_decay=0.01,
    schedule="linear",
)


def fine_tuning(name: str, epochs: int) -> TrainingConfig:
    """Return how a network with published weights is trained further: RFA's batch size of texts."""
    batch_size = 32 if name in TEXT_NETWORKS else FINE_TUNING.batch_size
    return replace(FINE_TUNING, epochs=epochs, batch_size=batch_size)


def pretrained_model(name: str, spec: DatasetSpec, *, width: int | None = None) -> ModelConfig:
    """Return a network with published weights, in the shape and at the image size that they need.

    Raises
    ------
    ValueError
        If there are no such weights, or not of this `width`.
    """
    shape: dict[str, Any] = {"width": spec.width, "stem": spec.stem, **PRETRAINED.get(name, {})}
    if width is not None:
        shape["width"] = width
    if name in TEXT_NETWORKS:
        return ModelConfig(name=name, pretrained=True, length=spec.length, **shape)
    return ModelConfig(name=name, pretrained=True, input_size=IMAGENET_SIZE, **shape)
