"""The library transformers' GPT-2, called with tokens alone and answering with the next ones.

Its head has no weights: what a token is read by also says how likely it comes next, as in GPT-2.
So there is one tensor to store, adapt or draw anew, and no second name for it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import GPT2Config, GPT2Model


class TiedHead(nn.Module):
    """Answers with the product of features and the embedding that the network reads tokens by.

    Attributes
    ----------
    in_features, out_features : int
        As of a linear layer: numbers that stand for a token, and tokens.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        self.in_features, self.out_features = embedding.embedding_dim, embedding.num_embeddings
        self._tied = (embedding,)  # in a tuple, so that it is no module of this one

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (..., n_tokens) of features (..., n_features)."""
        return linear(features, self._tied[0].weight)


class CausalLanguageModel(nn.Module):
    """GPT-2 whose forward pass takes tokens and returns logits.

    Padding stands behind a text, where no token of it can see it.
    """

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.transformer = GPT2Model(config)
        self.lm_head = TiedHead(self.transformer.wte)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (B, longest, n_tokens) of tokens (B, longest), of the one that follows."""
        hidden = self.transformer(input_ids=tokens, use_cache=False).last_hidden_state
        logits: Tensor = self.lm_head(hidden)
        return logits


def build_gpt2(**shape: Any) -> nn.Module:
    """Build the network of this shape, without dropout."""
    config = GPT2Config(
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        resid_pdrop=0.0,
        bos_token_id=None,  # the tokenizer knows where a text begins
        eos_token_id=None,
        **shape,
    )
    return CausalLanguageModel(config)
