"""What methods ask of the library transformers' networks for text: DistilBERT and GPT-2.

>>> from transformers import DistilBertConfig, DistilBertForSequenceClassification
>>> small = DistilBertConfig(n_layers=1, dim=8, hidden_dim=16, n_heads=2, vocab_size=11)
>>> model = DistilBertForSequenceClassification(small)
>>> distilbert_parts(model).feed_forward
(('distilbert.transformer.layer.0.ffn.lin1', 'distilbert.transformer.layer.0.ffn.lin2'),)
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from unlearn_core.models.fresh_weights import TRANSFORMER_STD, draw_layer, draw_normal
from unlearn_core.models.parts import Parts, is_transposed_linear
from unlearn_core.tasks import PADDING


def distilbert_parts(model: nn.Module) -> Parts:
    """Return the parts of a `DistilBertForSequenceClassification`.

    The layer in front of the classifier (`pre_classifier`) is new with every task: it belongs to
    the last stage, and is not adapted.
    """
    layers = model.get_submodule("distilbert.transformer.layer")
    blocks = tuple(f"distilbert.transformer.layer.{name}" for name, _ in layers.named_children())
    attention = tuple(
        tuple(f"{block}.attention.{layer}" for layer in ("q_lin", "k_lin", "v_lin"))
        for block in blocks
    )
    projections = tuple(f"{block}.attention.out_lin" for block in blocks)
    parts = _parts(
        "classifier",
        stem=(
            "distilbert.embeddings.word_embeddings",
            "distilbert.embeddings.position_embeddings",
        ),
        blocks=blocks,
        behind=("pre_classifier",),
        attention=attention,
        projections=projections,
        feed_forward=tuple((f"{block}.ffn.lin1", f"{block}.ffn.lin2") for block in blocks),
    )
    return replace(parts, is_real=real_tokens)


def real_tokens(tokens: Tensor) -> Tensor:
    """Say which positions of a batch of tokens (B, longest) are no padding."""
    return tokens != PADDING


def gpt2_parts(model: nn.Module) -> Parts:
    """Return the parts of a `GPT2LMHeadModel`, or of one whose head is called `score`.

    Its layers are transformers' `Conv1D`: linear, with the weight transposed.
    """
    children = [name for name, _ in model.get_submodule("transformer.h").named_children()]
    blocks = tuple(f"transformer.h.{name}" for name in children)
    (last,) = [name for name, _ in model.named_children() if name != "transformer"]
    parts = _parts(
        last,
        stem=("transformer.wte", "transformer.wpe"),
        blocks=blocks,
        behind=("transformer.ln_f",),
        attention=tuple((f"{block}.attn.c_attn",) for block in blocks),
        projections=tuple(f"{block}.attn.c_proj" for block in blocks),
        feed_forward=tuple((f"{block}.mlp.c_fc", f"{block}.mlp.c_proj") for block in blocks),
    )
    return replace(parts, is_real=real_tokens, pool=mean_of_tokens)


def mean_of_tokens(features: Tensor, tokens: Tensor) -> Tensor:
    """Return the mean (B, n_features) of features (B, longest, n_features) over real tokens."""
    is_real = real_tokens(tokens).to(features.dtype)
    total: Tensor = torch.einsum("bl,blf->bf", is_real, features)
    return total / is_real.sum(dim=1, keepdim=True)


def _parts(
    head: str,
    *,
    stem: tuple[str, ...],
    blocks: tuple[str, ...],
    behind: tuple[str, ...],
    attention: tuple[tuple[str, ...], ...],
    projections: tuple[str, ...],
    feed_forward: tuple[tuple[str, ...], ...],
) -> Parts:
    """Return parts in which every linear layer of every block is adapted."""
    rows = zip(attention, projections, feed_forward, strict=True)
    return Parts(
        head=head,
        stem=stem,
        blocks=blocks,
        last_stage=(blocks[-1], *behind, head),
        adaptable=tuple(name for qkv, out, forward in rows for name in (*qkv, out, *forward)),
        attention=attention,
        projections=projections,
        feed_forward=feed_forward,
        draw_layer=draw_text_layer,
    )


def draw_text_layer(name: str, layer: nn.Module, generator: torch.Generator) -> None:
    """Draw GPT-2's linear layers like embeddings, without bias; others as elsewhere."""
    if is_transposed_linear(layer):
        draw_normal(layer.get_parameter("weight"), TRANSFORMER_STD, generator)
        nn.init.zeros_(layer.get_parameter("bias"))
    else:
        draw_layer(name, layer, generator)
