"""What a language model writes: after some tokens always the one that it finds likeliest.

So the same model writes the same after the same beginning.  Everything that was written is read
again at each step, which for the few tokens that are written here is soon done.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unlearn_core.checks import InputError
from unlearn_core.models import evaluating
from unlearn_core.tasks import PADDING


@torch.no_grad()
def written(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    n_tokens: int,
    *,
    end: int | None = None,
    padding: int | None = PADDING,
    device: torch.device | None = None,
) -> list[list[int]]:
    """Return the tokens that a model writes after each beginning, without the beginning.

    What is written after one beginning does not depend on the others.

    Parameters
    ----------
    model : nn.Module
        Called with tokens (B, longest) it answers with logits (B, longest, n_kinds) of the token
        that follows each, or with an object that has them as `logits`; no token sees later ones.
    prompts : sequence of sequences of int
        Each has a token.
    n_tokens : int
        How many are written at most.  The longest beginning and they must be no more than the
        model reads.
    end : int, optional
        The token after which a model has ended; it is left out.
    padding : int, optional
        The token that stands for none, which is never written; None where there is no such token.
    device : torch.device, optional
        Where the model is, the CPU by default.
    """
    n_asked = torch.tensor([len(prompt) for prompt in prompts], device=device)
    rows = torch.arange(len(prompts), device=device)
    longest = int(n_asked.max()) + n_tokens
    tokens = torch.zeros((len(rows), longest), dtype=torch.int64, device=device)
    for row, prompt in enumerate(prompts):
        tokens[row, : len(prompt)] = torch.tensor(prompt, device=device)
    with evaluating(model):
        for step in range(n_tokens):
            here = n_asked + step
            logits = _logits(model(tokens[:, : int(here.max())]))[rows, here - 1]
            if padding is not None:
                logits[:, padding] = -math.inf
            tokens[rows, here] = logits.argmax(dim=1)
    texts = (
        row[n : n + n_tokens].tolist() for row, n in zip(tokens, n_asked.tolist(), strict=True)
    )
    return [text[: text.index(end)] if end in text else text for text in texts]


def _logits(answer: object) -> Tensor:
    logits = getattr(answer, "logits", answer)
    if not (isinstance(logits, Tensor) and logits.ndim == 3):
        what = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"A language model must answer with logits (B, longest, n_kinds), got {what}."
        )
    return logits
