"""What a language model of one's own writes after some beginnings."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from unlearn_core.checks import InputError
from unlearn_core.data.prompts import WRITTEN
from unlearn_core.engine.writing import written
from unlearn_core.library.data import device_of, network_of


def continuations(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    *,
    n_tokens: int = WRITTEN,
    end: int | None = None,
    padding: int | None = None,
) -> list[list[int]]:
    """Return the tokens that a language model writes after each beginning, always the likeliest.

    The same model writes the same, whatever other beginnings are asked about with one.

    Parameters
    ----------
    model : nn.Module
        Called with tokens (B, longest) it answers with logits (B, longest, n_kinds) of the token
        that follows each, or with an object that has them as `logits`, as networks of the library
        transformers do.  No token may see later ones.
    prompts : sequence of sequences of int
        What a tokenizer made of each beginning, with its own marks and without padding.
    n_tokens : int
        How many are written at most.
    end : int, optional
        The token after which a text has ended; it is left out, with what follows.
    padding : int, optional
        A token that is never written, because it stands for none.

    Raises
    ------
    ValueError
        In one line, if there is nothing to go on with, or the network cannot read this.

    Examples
    --------
    A network that counts: after each token comes the next larger one.

    >>> class Counts(nn.Module):
    ...     def forward(self, tokens):
    ...         return nn.functional.one_hot(tokens + 1, 10).float()
    >>> continuations(Counts(), [[1], [3, 4]], n_tokens=3)
    [[2, 3, 4], [5, 6, 7]]
    >>> continuations(Counts(), [[1]], n_tokens=3, end=3)
    [[2]]
    """
    network = network_of("model", model)
    asked = [[int(token) for token in prompt] for prompt in prompts]
    if not asked or not all(asked):
        raise InputError("`prompts` must hold a beginning, and each a token, got none.")
    if n_tokens < 1:
        raise InputError(f"`n_tokens` must be at least 1, got {n_tokens!r}.")
    device = device_of(network)
    try:
        return written(network, asked, n_tokens, end=end, padding=padding, device=device)
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        told = " ".join(str(error).split())
        longest = max(map(len, asked)) + n_tokens
        raise InputError(
            f"{type(network).__name__} cannot write {n_tokens} tokens after these, of which it "
            f"has to read {longest} at most: {told}"
        ) from error
