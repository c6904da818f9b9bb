"""Ask finished models about a picture that is in no data set."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unlearn_core.data.pictures import ImageDataset
from unlearn_core.records import softmax
from unlearn_core.runs.answerer import Answerer
from unlearn_core.runs.artefact import RunArtefact


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What one model makes of a picture: `probabilities` (n_classes,), `features` (n_features,)."""

    probabilities: NDArray[np.float64]
    features: NDArray[np.float64]


def answers(
    answerer: Answerer,
    runs: Sequence[RunArtefact],
    picture: NDArray[np.uint8],
    dataset: ImageDataset,
) -> dict[str, Answer]:
    """Return what each run's model makes of a picture, by the run's label.

    Parameters
    ----------
    answerer : Answerer
    runs : sequence of RunArtefact
        Each has weights (`answerer.weights_of`).
    picture : uint8 ndarray of shape (channels, height, width)
    dataset : ImageDataset
        What the models were trained on.

    Raises
    ------
    NotAnsweredError
        If the process ends or a run's weights are not what was written.
    """
    question = {
        "shape": picture.shape,
        "pixels": base64.b64encode(picture.tobytes()).decode(),
        "mean": dataset.mean,
        "std": dataset.std,
        "n_classes": dataset.n_classes,
    }
    told = answerer.ask(runs, "picture", question)
    return {label: _answer(answer) for label, answer in told.items()}


def _answer(told: dict[str, list[float]]) -> Answer:
    logits, features = (np.array(told[name]) for name in ("logits", "features"))
    return Answer(probabilities=softmax(logits[None])[0], features=features)
