"""What a language model is asked to go on with: the question of a text, whose answer is left out.

The question is a text's first line.  Where there is no other line, or too little of it fits into
what the network reads, it is the first half of the text instead, to the end of a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from unlearn_core.data.tokens import decoded, encode, pieces

WRITTEN = 40  # tokens that a model writes


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The beginning of a text, and how the text goes on.

    Attributes
    ----------
    tokens : tuple of int
        What the network is given, with the mark where a text begins.
    text : str
        What they stand for.
    rest : str
        What the next tokens stand for: as many as a model writes, fewer where the text ends.
    n_tokens : int
        How many tokens a model can write behind it: `WRITTEN`, or as many as it can read.
    """

    tokens: tuple[int, ...]
    text: str
    rest: str
    n_tokens: int


def prompt_of(tokenizer: str, text: str, length: int) -> Prompt | None:
    """Return the question of a text for a network that reads at most `length` tokens.

    None where the text is too short, or the network reads too little, to leave something to write.
    `tokenizer` is the JSON of the library tokenizers.
    """
    tokens = encode(tokenizer, [text], length).flat.tolist()
    parts = pieces(tokenizer, text, length)
    of_line = sum(end <= text.find("\n") + 1 for end in accumulate(map(len, parts)))
    n_asked = 1 + (of_line if 0 < of_line < len(parts) else _half(parts))
    if n_asked < 2:
        return None
    n_written = min(WRITTEN, length - n_asked)
    return Prompt(
        tokens=tuple(tokens[:n_asked]),
        text=decoded(tokenizer, tokens[:n_asked]),
        rest=decoded(tokenizer, tokens[n_asked : n_asked + n_written]),
        n_tokens=n_written,
    )


def _half(parts: list[str]) -> int:
    """Return how many parts of a text are its first half, so that the next begins a word."""
    half = len(parts) // 2
    return max((i for i in range(1, half + 1) if parts[i][:1].isspace()), default=half)
