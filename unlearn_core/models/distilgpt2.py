"""DistilGPT2: a decoder that reads a text from its beginning, and says at each token what follows.

`width` is the dimension of a token, beside `layers`, `heads`, `length` and `vocabulary`; the
feed-forward layers are four times as wide.  A text's feature vector is the mean over its positions
of what the head is given.  Nothing is dropped at random, as in `distilbert`.
Source: A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019; V. Sanh et
al., arXiv:1910.01108, for the smaller one; networks of the library transformers.
"""

from __future__ import annotations

from torch import nn

from unlearn_core.config import ModelConfig
from unlearn_core.models.base import register_model
from unlearn_core.models.language import gpt2_parts
from unlearn_core.tasks import LANGUAGE_MODELLING


@register_model(
    "distilgpt2",
    label="DistilGPT2",
    source="arXiv:1910.01108",
    parts=gpt2_parts,
    tokenizer="bytes",
    task=LANGUAGE_MODELLING,
)
def distilgpt2(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:  # noqa: ARG001
    """Build a GPT-2 that writes; it is called with tokens (B, longest), 0 for padding."""
    from unlearn_core.models.causal_language_model import build_gpt2  # transformers takes seconds

    return build_gpt2(
        vocab_size=config.vocabulary,
        n_positions=config.length,
        n_embd=config.width,
        n_layer=config.layers,
        n_head=config.heads,
    )
