"""The library transformers' DistilBERT, called with tokens alone and answering with logits."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from unlearn_core.models.language import real_tokens


class TextClassifier(DistilBertForSequenceClassification):
    """DistilBERT whose forward pass takes tokens and returns logits.

    What is padding it sees in the tokens themselves.
    """

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits (B, n_classes) of tokens (B, longest)."""
        may_see = real_tokens(tokens)[:, None, None, :]  # whole, or the library looks into it
        outputs = super().forward(input_ids=tokens, attention_mask=may_see)
        logits: Tensor = outputs.logits
        return logits


def build_distilbert(**shape: Any) -> nn.Module:
    """Build the network of this shape, without dropout."""
    return TextClassifier(
        DistilBertConfig(dropout=0.0, attention_dropout=0.0, seq_classif_dropout=0.0, **shape)
    )
