"""Recorded outputs of a model, and the sets D_f, D_r, D_ft, D_rt among the examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """A model's outputs for the recorded examples, in evaluation mode, without augmentation.

    Attributes
    ----------
    example_ids : int64 ndarray of shape (n_examples,)
        Index in the data set's own order.
    labels : int64 ndarray of shape (n_examples,)
        The label the model was trained with (for a poisoned image: the attacker's).
    is_train : bool ndarray of shape (n_examples,)
        Whether the example belongs to the training set.
    logits : float32 ndarray of shape (n_examples, n_classes)
        Outputs before the softmax.
    features : float32 ndarray of shape (n_examples, n_features)
        Inputs of the last linear layer; no columns where they were not recorded.
    """

    example_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    is_train: NDArray[np.bool_]
    logits: NDArray[np.float32]
    features: NDArray[np.float32]

    def __post_init__(self) -> None:
        lengths = {f.name: len(getattr(self, f.name)) for f in fields(self)}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"Recorded arrays must have one row per example, got {lengths}.")

    def __len__(self) -> int:
        return len(self.example_ids)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Most probable class of each example, shape (n_examples,)."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax of the logits in float64, shape (n_examples, n_classes)."""
        return softmax(self.logits)

    def where(self, mask: NDArray[np.bool_]) -> Records:
        """Return the records of the examples that `mask` (n_examples,) selects."""
        return Records(**{name: array[mask] for name, array in self.to_arrays().items()})

    def without_features(self) -> Records:
        """Return the records with no columns of features."""
        return replace(self, features=self.features[:, :0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Records:
        """Build records from `to_arrays`' output, ignoring other entries; dtypes are restored."""
        return cls(**{name: arrays[name].astype(dtype) for name, dtype in _DTYPES.items()})


_DTYPES = {
    "example_ids": np.int64,
    "labels": np.int64,
    "is_train": np.bool_,
    "logits": np.float32,
    "features": np.float32,
}


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the softmax over the last axis, computed in float64."""
    from scipy.special import softmax as exact_softmax

    return np.asarray(exact_softmax(logits.astype(np.float64), axis=-1), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sets:
    """Masks over the recorded examples, each of shape (n_examples,).

    `forget` and `retain` lie in the training set (D_f, D_r); `forget_test` and `retain_test` in
    the test set (D_ft, D_rt). Outside requests for classes, subclasses and keywords
    `forget_test` is empty and `retain_test` is the whole test set D_t.
    """

    forget: NDArray[np.bool_]
    retain: NDArray[np.bool_]
    forget_test: NDArray[np.bool_]
    retain_test: NDArray[np.bool_]

    @property
    def test(self) -> NDArray[np.bool_]:
        """The whole test set, D_t."""
        return self.forget_test | self.retain_test

    def among(self, ids: NDArray[np.int64]) -> Sets:
        """Return the sets with those examples alone whose ids are given."""
        given = np.zeros(len(self.forget), dtype=bool)
        given[ids] = True
        return Sets(**{f.name: getattr(self, f.name) & given for f in fields(self)})

    def names(self) -> NDArray[np.str_]:
        """Return the name of each example's set, shape (n_examples,)."""
        names = np.full(len(self.forget), "", dtype="U11")
        for f in fields(self):
            names[getattr(self, f.name)] = f.name
        return names
