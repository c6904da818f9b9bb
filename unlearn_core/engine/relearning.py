"""Relearning: how soon a model knows a forgotten class again when it is shown a few examples.

Each model is treated alike.  First the classifier is set anew to the mean features of the classes,
the forgotten ones' from k shown examples: a class that was merely hidden in the classifier comes
back here.  Then all weights are trained on these examples, beside batches of D_r, and at every few
steps the *other* forgotten examples are asked.  Where no class is forgotten as a whole, as with
single examples, the classifier stays.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unlearn_core.config import RelearnConfig
from unlearn_core.data.base import Dataset
from unlearn_core.data.batches import Batch, Examples, to_device
from unlearn_core.data.inputs import together
from unlearn_core.engine.probes import half_precision, outputs_of
from unlearn_core.metrics.nearest import class_means
from unlearn_core.models import head
from unlearn_core.records import Sets
from unlearn_core.runs.tracked import tracked_examples
from unlearn_core.seeding import numpy_stream, torch_stream
from unlearn_core.tasks import CLASSIFICATION
from unlearn_core.training import OBJECTIVE, Losses, Progress, autocast, make_optimizer, optimise

RETAINED = 32  # examples of D_r a step
FITTED = 500  # examples of D_r that the classifier is set by, or 5 a class where these are more
SHARPNESS = 20.0  # what a cosine is multiplied by to be a logit
ASKED = 200  # other forgotten examples, of each of the training and the test set
EVERY_STEP_TO = 5  # then every fifth: curves rise at the start


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """The examples of a relearning: what is shown for each k, and what is asked.

    `shown` holds masks by k, nested; `others` and `retained_test` are asked, and never shown;
    `fitted` are examples of D_r by which the classifier is set.
    `classes` are the forgotten classes that no retained example has.
    """

    shown: dict[int, NDArray[np.bool_]]
    others: NDArray[np.bool_]
    retained_test: NDArray[np.bool_]
    fitted: NDArray[np.bool_]
    classes: NDArray[np.int64]


def plan_lesson(dataset: Dataset, sets: Sets, counts: tuple[int, ...]) -> Lesson:
    """Choose the examples, the same for every model and seed of a request.

    k is for each class where whole classes or subclasses are forgotten, else of all of D_f; a k
    that is more than half of what there is is left out.
    """
    is_by_class = bool(sets.forget_test.any())
    labels = dataset.labels if is_by_class else np.zeros_like(dataset.labels)
    random = numpy_stream(0, "relearned examples")
    order = random.permutation(np.flatnonzero(sets.forget))
    groups = [order[labels[order] == name] for name in np.unique(labels[order])]
    most = min(map(len, groups)) // 2
    shown: dict[int, NDArray[np.bool_]] = {}
    for count in sorted(counts):
        if count <= most:
            shown[count] = _mask(dataset, np.concatenate([group[:count] for group in groups]))
    last = shown[max(shown)] if shown else np.zeros_like(sets.forget)
    others = [_some(mask, f"asked {name}", ASKED) for name, mask in (
        ("training", sets.forget & ~last), ("test", sets.forget_test))]  # fmt: skip
    kept = np.unique(dataset.labels[sets.retain])
    return Lesson(
        shown=shown,
        others=others[0] | others[1],
        retained_test=_some(sets.retain_test, "asked retained", ASKED // 2),
        fitted=_some(sets.retain, "fitted", max(FITTED, 5 * dataset.n_classes)),
        classes=np.setdiff1d(dataset.labels[sets.forget], kept).astype(np.int64),
    )


def _mask(dataset: Dataset, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(len(dataset.labels), dtype=bool)
    mask[ids] = True
    return mask


def _some(mask: NDArray[np.bool_], purpose: str, most: int) -> NDArray[np.bool_]:
    """Return at most so many of the chosen examples, drawn."""
    kept = np.zeros_like(mask)
    kept[numpy_stream(0, purpose).permutation(np.flatnonzero(mask))[:most]] = True
    return kept


@dataclass(frozen=True, kw_only=True, eq=False)
class Teacher:
    """Teaches networks a lesson on a device, and keeps what they answer as rows of a table."""

    dataset: Dataset
    sets: Sets
    lesson: Lesson
    recipe: RelearnConfig
    device: torch.device
    precision: str

    def total(self) -> int:
        """Return how many steps one network takes."""
        return len(self.lesson.shown) * self.recipe.steps

    def teach(
        self,
        name: str,
        model: nn.Module,
        rows: list[dict[str, Any]],
        frames: dict[int, NDArray[np.float32]] | None = None,
    ) -> Iterator[Progress]:
        """Teach copies of a network, one for each k, yielding once a step; add to the rows.

        A row has the `name` as `network`, `examples` (k), `step`, `forget_accuracy` on the other
        forgotten examples, and `retain_accuracy` on retained test examples.  `frames` are given the
        tracked examples' features (n_tracked, n_features) by k, as they were for 0.
        """
        followed = tracked_examples(self.sets)
        if frames is not None:
            frames[0], _ = self._features(model, followed)
        retain = self._examples(self.sets.retain)
        known = self._features(model, self.lesson.fitted) if len(self.lesson.classes) else None
        for count, mask in self.lesson.shown.items():
            pupil = copy.deepcopy(model).requires_grad_(True).eval()
            if known is not None:
                features, labels = self._features(model, mask)
                set_to_means(
                    head(pupil),
                    np.concatenate([known[0], features]),
                    np.concatenate([known[1], labels]),
                )
            asked = {"network": name, "examples": count}
            rows.append({**asked, "step": 0, **self._answers(pupil)})
            for progress in self._steps(pupil, self._examples(mask), retain, count):
                step = progress.step
                if step <= EVERY_STEP_TO or step % 5 == 0 or step == self.recipe.steps:
                    rows.append({**asked, "step": step, **self._answers(pupil)})
                yield progress
            if frames is not None:
                frames[count], _ = self._features(pupil, followed)

    def _steps(
        self, pupil: nn.Module, shown: Examples, retain: Examples, count: int
    ) -> Iterator[Progress]:
        generator = torch_stream(0, f"relearning {count}")
        [again] = shown.ordered(batch_size=len(shown))
        batches = ((again, batch) for batch in retain.forever(RETAINED, generator))

        def losses_of(pair: tuple[Batch, Batch]) -> Losses:
            inputs = together([batch.inputs for batch in pair])
            labels = torch.cat([batch.labels for batch in pair])
            with autocast(self.device, self.precision):
                losses = CLASSIFICATION.losses(pupil(inputs), labels)
            weight = self._weight(len(again), len(pair[1]))
            forgotten, retained = losses[: len(again)].mean(), losses[len(again) :].mean()
            return {OBJECTIVE: weight * forgotten + (1 - weight) * retained}

        yield from optimise(
            make_optimizer("adam", pupil.parameters(), learning_rate=self.recipe.learning_rate),
            (next(batches) for _ in range(self.recipe.steps)),
            losses_of,
            total=self.recipe.steps,
            phase=f"{count} examples",
        )

    def _weight(self, n_shown: int, n_retained: int) -> float:
        """Return the share of what is shown in the loss: as if all classes were as frequent.

        A larger one teaches to name the class always, and a fresh network would look best.
        """
        if len(self.lesson.classes):
            return len(self.lesson.classes) / self.dataset.n_classes
        return n_shown / (n_shown + n_retained)

    def _answers(self, pupil: nn.Module) -> dict[str, float | None]:
        asked = {"forget": self.lesson.others, "retain": self.lesson.retained_test}
        answers: dict[str, float | None] = {}
        for name, mask in asked.items():
            answers[f"{name}_accuracy"] = None
            if mask.any():
                examples = self._examples(mask)
                with half_precision(pupil, self.device, self.precision):
                    logits, _ = outputs_of(pupil, examples, with_features=False)
                is_right = logits.argmax(axis=1) == examples.labels.cpu().numpy()
                answers[f"{name}_accuracy"] = float(is_right.mean())
        return answers

    def _features(
        self, model: nn.Module, mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the features and labels of some examples."""
        with half_precision(model, self.device, self.precision):
            _, features = outputs_of(model, self._examples(mask))
        return features, self.dataset.labels[mask]

    def _examples(self, mask: NDArray[np.bool_]) -> Examples:
        return to_device(self.dataset, mask, self.device)


@torch.no_grad()
def set_to_means(
    classifier: nn.Linear, features: NDArray[np.floating], labels: NDArray[np.integer]
) -> None:
    """Set a classifier's rows to the directions of the classes' mean features, without a bias.

    It then answers with the class whose mean has the largest cosine with an example's features.
    A class without an example has a row of zeros.
    """
    names, means = class_means(features, labels)
    length = float(np.linalg.norm(features, axis=1).mean()) or 1.0
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    rows = SHARPNESS / length * np.divide(means, lengths, where=lengths > 0, out=means)
    classifier.weight.zero_()
    classifier.weight[names] = torch.from_numpy(rows).to(classifier.weight)
    if classifier.bias is not None:
        classifier.bias.zero_()
