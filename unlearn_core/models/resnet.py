"""ResNet-18 and ResNet-50 with a choice of width, normalisation and stem.

torchvision's residual networks, with the first stage `width` channels wide instead of 64.
`norm="group"` has 2 groups (as in MUDA); `stem="cifar"` is a 3x3 convolution of stride 1
without pooling, for images of 8 to 64 pixels.

Source: K. He et al., "Deep Residual Learning for Image Recognition", 2016, arXiv:1512.03385.
"""

from __future__ import annotations

from torch import Tensor, nn

from unlearn_core.config import ModelConfig
from unlearn_core.models.base import register_model
from unlearn_core.models.parts import Parts, blocks_from

SOURCE = "arXiv:1512.03385"
STAGES = ("layer1", "layer2", "layer3", "layer4")


def resnet_parts(model: nn.Module) -> Parts:
    """Return the parts: adaptable are the convolutions inside blocks, not shortcuts."""
    blocks = [
        (f"{stage}.{name}", block)
        for stage in STAGES
        for name, block in model.get_submodule(stage).named_children()
    ]
    return Parts(
        head="fc",
        stem=("conv1",),
        blocks=tuple(name for name, _ in blocks),
        last_stage=(STAGES[-1], "fc"),
        adaptable=tuple(
            f"{name}.{own}"
            for name, block in blocks
            for own, layer in block.named_children()
            if isinstance(layer, nn.Conv2d)
        ),
        resume=resume_resnet,
    )


def resume_resnet(model: nn.Module, block: str, features: Tensor) -> Tensor:
    """Run torchvision's network from a block on, on that block's input."""
    for module in blocks_from(model, block):
        features = module(features)
    pooled = model.get_submodule("avgpool")(features).flatten(1)
    logits: Tensor = model.get_submodule("fc")(pooled)
    return logits


@register_model("resnet18", label="ResNet-18", source=SOURCE, parts=resnet_parts)
def resnet18(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
    """Build a ResNet-18 with `8 * width` features."""
    from unlearn_core.models import slim_resnet as slim  # torchvision takes seconds to load

    return slim.build_resnet(slim.BasicBlock, (2, 2, 2, 2), config, channels, n_classes)


@register_model("resnet50", label="ResNet-50", source=SOURCE, parts=resnet_parts)
def resnet50(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
    """Build a ResNet-50 with `32 * width` features."""
    from unlearn_core.models import slim_resnet as slim

    return slim.build_resnet(slim.Bottleneck, (3, 4, 6, 3), config, channels, n_classes)
