"""From texts to tokens: a tokenizer trained on the training texts, kept as JSON, and what it reads.

A tokenizer of the library tokenizers is one JSON document that holds no code.  Number 0 stands for
padding in every vocabulary, so that a batch of numbers tells by itself which positions are real.
For networks that answer with a class texts are in small letters without accents, as in BERT, and a
word is put together from pieces (WordPiece).  For networks that write the next token they stay as
they are, and tokens are put together from bytes, so that nothing is unknown (byte-level BPE, as in
GPT-2); a first token marks where a text begins, from which its first word is predicted.
Source: J. Devlin et al., BERT, arXiv:1810.04805; A. Radford et al., GPT-2, 2019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.tasks import PADDING

MOST_LETTERS = 256
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
START = "[START]"  # of a text whose tokens are predicted


@dataclass(frozen=True, kw_only=True, eq=False)
class Tokens:
    """Texts as numbers of tokens, one after the other without padding.

    Attributes
    ----------
    flat : int64 ndarray of shape (n_tokens,)
    starts : int64 ndarray of shape (n_texts + 1,)
        Text `i` has the tokens ``flat[starts[i] : starts[i + 1]]``.
    n_kinds : int
        Size of the vocabulary.
    mask : int
        The token that stands for a hidden one; -1 where there is none.
    """

    flat: NDArray[np.int64]
    starts: NDArray[np.int64]
    n_kinds: int
    mask: int = -1

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of tokens of each text, (n_texts,)."""
        return np.diff(self.starts)

    def take(self, rows: NDArray[np.int64]) -> Tokens:
        """Return the tokens of these texts alone."""
        parts = [self.flat[self.starts[row] : self.starts[row + 1]] for row in rows]
        return from_lists(parts, self.n_kinds, self.mask)


def from_lists(
    texts: Sequence[Sequence[int] | NDArray[np.int64]], n_kinds: int, mask: int = -1
) -> Tokens:
    """Return the tokens of texts that are lists of numbers."""
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    flat = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
    return Tokens(flat=flat, starts=starts, n_kinds=n_kinds, mask=mask)


def train_wordpiece(texts: Sequence[str], vocabulary: int) -> str:
    """Return a WordPiece tokenizer of at most `vocabulary` tokens, as JSON.

    The same texts give the same tokenizer.  The library numbers the letters in the order of a hash
    table, which differs between two calls, and breaks ties by these numbers; so it is given the
    letters with their numbers.

    Raises
    ------
    InputError
        If the vocabulary has no room for the letters of these texts.
    """
    from tokenizers import Tokenizer, models
    from tokenizers.trainers import WordPieceTrainer

    letters = _letters(texts)
    numbered = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    if len(numbered) > vocabulary:
        raise InputError(
            f"ModelConfig.vocabulary must be at least {len(numbered)}, for the letters of these "
            f"texts, got {vocabulary}."
        )
    learner = _bert(Tokenizer(models.WordPiece(unk_token=SPECIAL[1])))
    trainer = WordPieceTrainer(
        vocab_size=vocabulary,
        special_tokens=numbered,
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    return _with_ends(learner.get_vocab())


def _letters(texts: Sequence[str]) -> list[str]:
    """Return the letters of these texts, at most `MOST_LETTERS`: rarer ones are unknown."""
    from tokenizers import Tokenizer, models

    reader = _bert(Tokenizer(models.WordPiece(unk_token=SPECIAL[1])))
    counts = Counter(chain.from_iterable(map(reader.normalizer.normalize_str, texts)))
    frequent = sorted(counts, key=lambda letter: (-counts[letter], letter))
    return sorted(letter for letter in frequent[:MOST_LETTERS] if not letter.isspace())


def _with_ends(vocabulary: dict[str, int]) -> str:
    """Return the JSON of a tokenizer of these words that marks both ends of a text."""
    from tokenizers import Tokenizer, decoders, models, processors

    made = _bert(Tokenizer(models.WordPiece(vocabulary, unk_token=SPECIAL[1])))
    made.add_special_tokens(list(SPECIAL))
    made.decoder = decoders.WordPiece()
    first, last = ((SPECIAL[i], vocabulary[SPECIAL[i]]) for i in (2, 3))
    made.post_processor = processors.BertProcessing(last, first)
    return str(made.to_str())


def _bert(tokenizer: Any) -> Any:
    """Let a tokenizer cut texts into words as BERT does, in small letters without accents."""
    from tokenizers import normalizers, pre_tokenizers

    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def train_byte_pairs(texts: Sequence[str], vocabulary: int) -> str:
    """Return a byte-level BPE tokenizer of at most `vocabulary` tokens, as JSON.

    The same texts give the same tokenizer.

    Raises
    ------
    InputError
        If the vocabulary has no room for the 256 bytes.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from tokenizers.trainers import BpeTrainer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = [SPECIAL[0], START]
    if len(alphabet) + len(special) > vocabulary:
        raise InputError(
            f"ModelConfig.vocabulary must be at least {len(alphabet) + len(special)}, for each "
            f"byte, got {vocabulary}."
        )
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, made.token_to_id(START))]
    )
    return str(made.to_str())


TRAINERS = {"wordpiece": train_wordpiece, "bytes": train_byte_pairs}


def _reader(tokenizer: str) -> Any:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(tokenizer)
    except Exception as error:
        raise InputError(f"The tokenizer must be one of the library tokenizers: {error}") from error


def pieces(tokenizer: str, text: str, length: int) -> list[str]:
    """Return the parts of a text that its tokens stand for, without the mark at its beginning.

    They are those that `encode` makes, so what is cut off there is missing here.  Of a letter that
    takes several tokens the first has all.
    """
    reader = _reader(tokenizer)
    reader.no_padding()
    reader.enable_truncation(length)
    found, end = [], 0
    for start, stop in reader.encode(text).offsets[1:]:
        found.append(text[max(start, end) : stop])
        end = max(end, stop)
    return found


def decoded(tokenizer: str, tokens: Sequence[int]) -> str:
    """Return the text that tokens stand for, without marks such as that of its beginning."""
    text: str = _reader(tokenizer).decode(list(tokens))
    return text


def encode(tokenizer: str, texts: Sequence[str], length: int) -> Tokens:
    """Return what a tokenizer, given as JSON, makes of texts: at most `length` tokens of each.

    What is longer loses its end; the tokens that mark both ends stay.

    Raises
    ------
    InputError
        If it is no tokenizer, or does not pad with token 0.
    """
    reader = _reader(tokenizer)
    if reader.id_to_token(PADDING) != SPECIAL[0]:
        raise InputError(
            f"The tokenizer's token {PADDING} must be {SPECIAL[0]}, the padding, got "
            f"{reader.id_to_token(PADDING)!r}."
        )
    reader.no_padding()
    reader.enable_truncation(length)
    found = reader.encode_batch_fast(list(texts))
    mask = reader.token_to_id(SPECIAL[-1])
    return from_lists(
        [each.ids for each in found], reader.get_vocab_size(), -1 if mask is None else mask
    )
