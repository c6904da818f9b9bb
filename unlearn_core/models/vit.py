"""Vision transformers: ViT-S as NegLoRA's notebooks train it, ViT-B/16, and TinyViT-21M.

`vit_s` has 12 blocks of width 384 and 6 heads, mean pooling, fixed sine-cosine positions and a
classifier that starts at zero.  `stem="cifar"` cuts patches of 4 pixels, `stem="imagenet"` of 16.
Attention is written with plain linear layers (`attn.qkv`, `attn.proj`), so that an adapter on the
output projection acts (PEFT skips one inside `nn.MultiheadAttention`).  `width` and `norm` do not
apply to these models.  No block is dropped at random: timm's TinyViT drops a fifth of them, drawn
from torch's global generator, which would make a run depend on what ran before it.

Source: A. Dosovitskiy et al., arXiv:2010.11929; K. Wu et al., TinyViT, arXiv:2207.10666; networks
of the library timm.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from unlearn_core.config import ModelConfig
from unlearn_core.models.base import register_model
from unlearn_core.models.fresh_weights import (
    TRANSFORMER_STD,
    draw_layer,
    draw_linear,
    draw_normal,
)
from unlearn_core.models.parts import Parts, blocks_from


def _patch(config: ModelConfig) -> int:
    return 4 if config.stem == "cifar" else 16


def vit_parts(model: nn.Module) -> Parts:
    """Return the parts of timm's `VisionTransformer`."""
    blocks = [f"blocks.{name}" for name, _ in model.get_submodule("blocks").named_children()]
    parts = _parts(blocks, stem="patch_embed.proj", behind=("norm", "head"))
    return replace(parts, resume=resume_vit)


def resume_vit(model: nn.Module, block: str, tokens: Tensor) -> Tensor:
    """Run timm's `VisionTransformer` from a block on, on that block's input."""
    for module in blocks_from(model, block):
        tokens = module(tokens)
    logits: Tensor = model.forward_head(model.get_submodule("norm")(tokens))  # type: ignore[operator]
    return logits


def vit_s_parts(model: nn.Module) -> Parts:
    """Return the parts of `vit_s`, whose classifier starts at zero."""
    return replace(vit_parts(model), draw_layer=draw_vit_s_layer)


def tiny_vit_parts(model: nn.Module) -> Parts:
    """Return the parts of timm's TinyViT, whose first stage has convolutions for attention."""
    stages = [name for name, _ in model.get_submodule("stages").named_children()][1:]
    blocks = [
        f"stages.{stage}.blocks.{name}"
        for stage in stages
        for name, _ in model.get_submodule(f"stages.{stage}.blocks").named_children()
    ]
    return _parts(blocks, stem="patch_embed.conv1.conv", behind=("head.norm", "head.fc"))


def _parts(blocks: list[str], *, stem: str, behind: tuple[str, ...]) -> Parts:
    """Return parts in which the last half of the blocks is adapted, but for what attends."""
    projections = tuple(f"{block}.attn.proj" for block in blocks)
    feed_forward = tuple((f"{block}.mlp.fc1", f"{block}.mlp.fc2") for block in blocks)
    rows = list(zip(projections, feed_forward, strict=True))
    return Parts(
        head=behind[-1],
        stem=(stem,),
        blocks=tuple(blocks),
        last_stage=(blocks[-1], *behind),
        adaptable=tuple(n for out, forward in rows[len(rows) // 2 :] for n in (out, *forward)),
        attention=tuple((f"{block}.attn.qkv",) for block in blocks),
        projections=projections,
        feed_forward=feed_forward,
        draw_layer=draw_vit_layer,
    )


def draw_vit_layer(name: str, layer: nn.Module, generator: torch.Generator) -> None:
    """Draw tokens and positions with deviation 0.02; biases of attention are zero."""
    own = dict(layer.named_parameters(recurse=False))
    if own and own.keys() <= {"cls_token", "pos_embed"}:
        for weight in own.values():
            draw_normal(weight, TRANSFORMER_STD, generator)
    elif own.keys() == {"attention_biases"}:
        nn.init.zeros_(own["attention_biases"])
    else:
        draw_layer(name, layer, generator)


def draw_vit_s_layer(name: str, layer: nn.Module, generator: torch.Generator) -> None:
    """Draw like any vision transformer's layers, but set the classifier to zero."""
    if name == "head" and isinstance(layer, nn.Linear):
        draw_linear(layer, 0.0, generator)
    else:
        draw_vit_layer(name, layer, generator)


@register_model("vit_s", label="ViT-S", source="arXiv:2010.11929", parts=vit_s_parts)
def vit_s(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
    """Build a ViT-S with 384 features."""
    from unlearn_core.models.sincos import SinCosViT  # timm takes seconds to load

    patch = _patch(config)
    return SinCosViT(
        img_size=patch,
        patch_size=patch,
        in_chans=channels,
        num_classes=n_classes,
        embed_dim=384,
        depth=12,
        num_heads=6,
        global_pool="avg",
        class_token=False,
        fc_norm=False,
        pos_embed="none",
        dynamic_img_size=True,
    )


@register_model("vit_b_16", label="ViT-B/16", source="arXiv:2010.11929", parts=vit_parts)
def vit_b_16(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
    """Build a ViT-B with class token, learned positions of a 14x14 grid, and 768 features."""
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(
        img_size=14 * _patch(config),
        patch_size=_patch(config),
        in_chans=channels,
        num_classes=n_classes,
        embed_dim=768,
        depth=12,
        num_heads=12,
        dynamic_img_size=True,
    )


@register_model("tiny_vit", label="TinyViT-21M", source="arXiv:2207.10666", parts=tiny_vit_parts)
def tiny_vit(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:  # noqa: ARG001
    """Build a TinyViT-21M with 576 features; its convolutional stem halves the image twice."""
    from timm.models import create_model

    model: nn.Module = create_model(
        "tiny_vit_21m_224",
        pretrained=False,
        in_chans=channels,
        num_classes=n_classes,
        drop_path_rate=0.0,
    )
    for module in model.modules():
        if hasattr(module, "attention_bias_cache"):
            module.register_forward_hook(_forget_biases)
    return model


def _forget_biases(module: nn.Module, _args: object, _output: Tensor) -> None:
    """Drop what timm keeps of the biases in evaluation mode, in which methods train here."""
    module.attention_bias_cache.clear()  # type: ignore[operator, union-attr]
