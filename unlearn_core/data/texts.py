"""Data sets of texts, such as questions to a bank or film reviews."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.data.base import Dataset
from unlearn_core.data.tokens import Tokens, encode

if TYPE_CHECKING:
    import torch

    from unlearn_core.data.inputs import Inputs

LONGEST = 100_000  # characters; film reviews have up to 14,000
MOST_WORDS = 1000  # that texts are compared by where no network is asked


@dataclass(frozen=True, kw_only=True, eq=False)
class TextDataset(Dataset):
    """Texts with labels and splits; as tokens too, once it is known which network reads them.

    Attributes
    ----------
    texts : tuple of str
    tokens : Tokens or None
        What `read_by` made of the texts.
    """

    texts: tuple[str, ...]
    tokens: Tokens | None = None

    @property
    def channels(self) -> int:
        """Texts have no colours."""
        return 0

    @property
    def train_texts(self) -> list[str]:
        """The texts of the training set, in order of their ids."""
        return [self.texts[i] for i in self.train_ids]

    def previews(self, example_ids: Sequence[int]) -> tuple[str, ...]:
        """Return the texts."""
        return tuple(self.texts[i] for i in example_ids)

    def numbers(self, example_ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return how much each frequent word of the training texts weighs in a text (tf-idf)."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(max_features=MOST_WORDS, sublinear_tf=True, dtype=np.float32)
        words.fit(self.train_texts)
        weights: NDArray[np.float32] = words.transform(
            self.previews(example_ids.tolist())
        ).toarray()
        return weights

    def read_by(self, tokenizer: str, length: int) -> TextDataset:
        """Return the same data set with its texts as tokens, at most `length` of each.

        `tokenizer` is the JSON of the library tokenizers.
        """
        return replace(self, tokens=encode(tokenizer, self.texts, length))

    def inputs(self, example_ids: NDArray[np.int64] | None, device: torch.device) -> Inputs:
        """Put the tokens on a device.

        Raises
        ------
        ValueError
            If no tokenizer has read the texts.
        """
        from unlearn_core.data.token_inputs import token_inputs

        if self.tokens is None:
            raise ValueError("A data set of texts must be `read_by` a tokenizer before a network.")
        tokens = self.tokens if example_ids is None else self.tokens.take(example_ids)
        return token_inputs(tokens, device)

    def containing(self, word: str) -> NDArray[np.bool_]:
        """Say which texts contain a word, whatever its case, as a whole word: (n_examples,)."""
        whole = whole_word(word)
        return np.array([whole.search(text) is not None for text in self.texts])


def whole_word(word: str) -> re.Pattern[str]:
    """Return the pattern of a word where it stands as a whole, whatever its case."""
    return re.compile(rf"(?<!\w){re.escape(word.strip())}(?!\w)", re.IGNORECASE)


def text_dataset(
    train: Sequence[str],
    test: Sequence[str],
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    where: str,
) -> TextDataset:
    """Join both splits: training examples have the ids 0, 1, ..., test examples follow.

    Raises
    ------
    InputError
        If a label has no name, or a text is empty or too long; `where` names the source.
    """
    texts = (*train, *test)
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise InputError(
            f"Labels in {where} must be between 0 and {len(class_names) - 1}, got {labels.min()} "
            f"to {labels.max()}."
        )
    for number, text in enumerate(texts):
        require_text(text, f"Text {number} of {where}")
    is_train = np.arange(len(texts)) < len(train)
    return TextDataset(
        texts=texts,
        labels=labels,
        is_train=is_train,
        is_test=~is_train,
        class_names=tuple(class_names),
    )


def require_text(text: object, what: str) -> None:
    """Raise `InputError` unless this is a text with a word in it that is not too long."""
    if not isinstance(text, str):
        raise InputError(f"{what} must be a text, got {text!r}.")
    if not text.strip():
        raise InputError(f"{what} must have a word in it, got an empty text.")
    if len(text) > LONGEST:
        raise InputError(f"{what} must have at most {LONGEST:,} characters, got {len(text):,}.")
