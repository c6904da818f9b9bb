"""Recorded outputs of a model, and the sets D_f, D_r, D_ft, D_rt among the examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


class NotApplicableError(Exception):
    """A number has no meaning for this run; the message says why and is shown in its place."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenRecords:
    """What a language model made of texts: how surprised it was by each of their tokens.

    Attributes
    ----------
    n_tokens : int64 ndarray of shape (n_examples,)
        How many tokens of each text were predicted, at least one.
    losses : float32 ndarray of shape (n_tokens.sum(),)
        Cross-entropy of each token in nats, text after text.
    entropies : float32 ndarray of shape (n_examples,)
        Entropy (nats) of the ten likeliest next tokens, averaged over each text's positions.
    """

    n_tokens: NDArray[np.int64]
    losses: NDArray[np.float32]
    entropies: NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.losses) != self.n_tokens.sum() or (self.n_tokens < 1).any():
            raise ValueError(
                "There must be one loss for each of `n_tokens`, at least one a text, got "
                f"{len(self.losses)} for {self.n_tokens.sum()}."
            )

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each text's losses begin, shape (n_examples,)."""
        return np.asarray(np.cumsum(self.n_tokens) - self.n_tokens, dtype=np.int64)

    @property
    def text_losses(self) -> NDArray[np.float64]:
        """Mean loss of each text's tokens, shape (n_examples,)."""
        if not len(self.n_tokens):
            return np.zeros(0)
        sums = np.add.reduceat(self.losses.astype(np.float64), self.starts)
        return np.asarray(sums / self.n_tokens, dtype=np.float64)

    def of(self, row: int) -> NDArray[np.float32]:
        """Return the losses of one text's tokens."""
        return self.losses[self.starts[row] : self.starts[row] + self.n_tokens[row]]

    def where(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> TokenRecords:
        """Return those of the texts that a mask or row numbers select."""
        n_tokens, starts = self.n_tokens[rows], self.starts[rows]
        first = np.repeat(starts - (np.cumsum(n_tokens) - n_tokens), n_tokens)
        return TokenRecords(
            n_tokens=n_tokens,
            losses=self.losses[first + np.arange(len(first))],
            entropies=self.entropies[rows],
        )


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
        Outputs before the softmax; no columns where the model answers with tokens.
    features : float32 ndarray of shape (n_examples, n_features)
        Inputs of the last linear layer; no columns where they were not recorded.
    tokens : TokenRecords, optional
        What a language model answers.
    """

    example_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    is_train: NDArray[np.bool_]
    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    tokens: TokenRecords | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in _DTYPES}
        if self.tokens is not None:
            lengths["tokens"] = len(self.tokens.n_tokens)
        if len(set(lengths.values())) != 1:
            raise ValueError(f"Recorded arrays must have one row per example, got {lengths}.")

    def __len__(self) -> int:
        return len(self.example_ids)

    @property
    def is_finite(self) -> bool:
        """Whether all of the model's outputs are finite."""
        outputs = self.logits if self.tokens is None else self.tokens.losses
        return bool(np.isfinite(outputs).all())

    @property
    def class_logits(self) -> NDArray[np.float32]:
        """Outputs before the softmax over classes, shape (n_examples, n_classes).

        Raises
        ------
        NotApplicableError
            If the model answers with tokens.
        """
        if self.tokens is not None:
            raise NotApplicableError("a language model answers with tokens, not with a class")
        return self.logits

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Most probable class of each example, shape (n_examples,)."""
        return np.asarray(self.class_logits.argmax(axis=1), dtype=np.int64)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Softmax of the logits in float64, shape (n_examples, n_classes)."""
        return softmax(self.class_logits)

    @property
    def losses(self) -> NDArray[np.float64]:
        """Cross-entropy (nats) of each example's answer, shape (n_examples,).

        Of a text the mean of its tokens'.
        """
        if self.tokens is not None:
            return self.tokens.text_losses
        from scipy.special import log_softmax

        logs = log_softmax(self.logits.astype(np.float64), axis=1)
        return np.asarray(-np.take_along_axis(logs, self.labels[:, None], axis=1).squeeze(1))

    def where(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Records:
        """Return the records of the examples that a mask or row numbers select."""
        tokens = None if self.tokens is None else self.tokens.where(rows)
        return replace(self, tokens=tokens, **{n: getattr(self, n)[rows] for n in _DTYPES})

    def without_features(self) -> Records:
        """Return the records with no columns of features."""
        return replace(self, features=self.features[:, :0])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        arrays = {name: getattr(self, name) for name in _DTYPES}
        if self.tokens is not None:
            arrays |= {stored: getattr(self.tokens, own) for own, (stored, _) in _TOKENS.items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Records:
        """Build records from `to_arrays`' output, ignoring other entries; dtypes are restored."""
        own: dict[str, Any] = {
            name: arrays[name].astype(kind, copy=False) for name, kind in _DTYPES.items()
        }
        tokens = {
            name: arrays[stored].astype(kind, copy=False)
            for name, (stored, kind) in _TOKENS.items()
            if stored in arrays
        }
        return cls(**own, tokens=TokenRecords(**tokens) if tokens else None)


_DTYPES = {
    "example_ids": np.int64,
    "labels": np.int64,
    "is_train": np.bool_,
    "logits": np.float32,
    "features": np.float32,
}
_TOKENS = {  # a field of `TokenRecords`, what it is called beside the others, and its type
    "n_tokens": ("n_tokens", np.int64),
    "losses": ("token_losses", np.float32),
    "entropies": ("entropies", np.float32),
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
