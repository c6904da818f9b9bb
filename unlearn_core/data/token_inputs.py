"""Texts as tokens on a device: batches are padded to the longest text in them, and no further."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from unlearn_core.checks import InputError
from unlearn_core.data.inputs import Inputs
from unlearn_core.data.tokens import Tokens
from unlearn_core.tasks import PADDING

HIDDEN = 0.15  # share of tokens that `augment="mask_tokens"` hides, as in BERT
AUGMENTATIONS = ("none", "mask_tokens")
N_SPECIAL = 5  # the first tokens of a vocabulary, which are never hidden


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenInputs(Inputs):
    """Tokens of texts, one text after the other, and where each begins.

    Attributes
    ----------
    flat : int64 tensor of shape (n_tokens,)
    starts : int64 tensor of shape (n_stored,)
        Where each text begins.
    n_tokens : int64 tensor of shape (n_stored,)
        How many tokens it has.
    mask : int
        The token that hides another, -1 for none.
    augment : {"none", "mask_tokens"}
    """

    flat: Tensor
    starts: Tensor
    n_tokens: Tensor
    mask: int
    augment: str = "none"

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def device(self) -> torch.device:
        """Where the tokens are."""
        return self.flat.device

    @property
    def lengths(self) -> Tensor:
        """Number of tokens of each text."""
        return self.n_tokens

    @property
    def augments(self) -> bool:
        """Whether `augmented` hides tokens."""
        return self.augment != "none"

    def augmenting(self, augment: str) -> TokenInputs:
        """Return the same texts, of which `augmented` hides tokens or not."""
        if augment not in AUGMENTATIONS:
            raise InputError(
                f"Texts are varied by {', '.join(AUGMENTATIONS)}, got the augmentation {augment!r}."
            )
        if augment != "none" and self.mask < 0:
            raise InputError(
                f"Texts whose next token is predicted hide none, got the augmentation {augment!r}."
            )
        return replace(self, augment=augment)

    def plain(self) -> TokenInputs:
        """Return the same texts, served as they are."""
        return replace(self, augment="none")

    def batch(self, rows: Tensor) -> Tensor:
        """Return the tokens of these texts, int64 (n, longest), with padding behind the shorter."""
        lengths = self.n_tokens[rows]
        positions = torch.arange(int(lengths.max()), device=self.device)
        places = (self.starts[rows][:, None] + positions).clamp(max=len(self.flat) - 1)
        return torch.where(positions < lengths[:, None], self.flat[places], PADDING)

    def augmented(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Return the tokens with some of them hidden."""
        tokens = self.batch(rows)
        if not self.augments:
            return tokens
        drawn = torch.rand(tokens.shape, generator=generator) < HIDDEN
        is_hidden = drawn.to(self.device, non_blocking=True) & (tokens >= N_SPECIAL)
        return torch.where(is_hidden, self.mask, tokens)

    def shares_store(self, other: Inputs) -> bool:
        """Say whether `other` holds the same tokens."""
        return isinstance(other, TokenInputs) and self.flat is other.flat


def token_inputs(tokens: Tokens, device: torch.device) -> TokenInputs:
    """Put tokens on a device."""
    return TokenInputs(
        flat=torch.from_numpy(tokens.flat).to(device),
        starts=torch.from_numpy(tokens.starts[:-1]).to(device),
        n_tokens=torch.from_numpy(tokens.lengths).to(device),
        mask=tokens.mask,
    )
