"""DistilBERT: an encoder that reads a whole text, and answers with its class.

`width` is the dimension of a token, beside `layers`, `heads`, `length` and `vocabulary`; the
feed-forward layers are four times as wide.  The feature vector is that of the text's first token
[CLS], behind one more linear layer.  Nothing is dropped at random: the library draws from torch's
global generator, which would make a run depend on what ran before it (`augment="mask_tokens"` hides
tokens from a run's own).
Source: V. Sanh et al., arXiv:1910.01108; networks of the library transformers.
"""

from __future__ import annotations

from torch import nn

from unlearn_core.config import ModelConfig
from unlearn_core.models.base import register_model
from unlearn_core.models.language import distilbert_parts

FEED_FORWARD = 4


@register_model(
    "distilbert",
    label="DistilBERT",
    source="arXiv:1910.01108",
    parts=distilbert_parts,
    tokenizer="wordpiece",
)
def distilbert(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:  # noqa: ARG001
    """Build a DistilBERT that classifies; it is called with tokens (B, longest), 0 for padding."""
    from unlearn_core.models.text_classifier import build_distilbert  # transformers takes seconds

    return build_distilbert(
        vocab_size=config.vocabulary,
        max_position_embeddings=config.length,
        dim=config.width,
        n_layers=config.layers,
        n_heads=config.heads,
        hidden_dim=FEED_FORWARD * config.width,
        num_labels=n_classes,
    )
