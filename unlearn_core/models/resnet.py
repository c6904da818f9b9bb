"""ResNet-18 and ResNet-50 with a choice of width, normalisation and stem.

torchvision's residual networks, with the first stage `width` channels wide instead of 64.
`norm="group"` has 2 groups (MUDA's recipe); `stem="cifar"` is a 3x3 convolution of stride 1
without pooling, for images of 8 to 64 pixels.

Source: K. He et al., "Deep Residual Learning for Image Recognition", 2016, arXiv:1512.03385.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from unlearn_core.config import ModelConfig
from unlearn_core.models.base import register_model

SOURCE = "arXiv:1512.03385"
GROUPS = 2


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(GROUPS, channels)


class _SlimResNet(ResNet):  # type: ignore[misc]
    """torchvision's ResNet with another width of its stages."""

    def __init__(
        self, block: type[BasicBlock | Bottleneck], layers: Sequence[int], config: ModelConfig
    ) -> None:
        norm = nn.BatchNorm2d if config.norm == "batch" else _group_norm
        super().__init__(block, list(layers), norm_layer=norm)
        width = config.width
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)
        for stage, n_blocks in enumerate(layers):
            planes, stride = width * 2**stage, 1 if stage == 0 else 2
            setattr(self, f"layer{stage + 1}", self._make_layer(block, planes, n_blocks, stride))


def _build(
    block: type[BasicBlock | Bottleneck],
    layers: Sequence[int],
    config: ModelConfig,
    channels: int,
    n_classes: int,
) -> nn.Module:
    model = _SlimResNet(block, layers, config)
    if config.stem == "cifar":
        model.conv1 = nn.Conv2d(channels, config.width, kernel_size=3, padding=1, bias=False)
        model.maxpool = nn.Identity()
    else:
        model.conv1 = nn.Conv2d(
            channels, config.width, kernel_size=7, stride=2, padding=3, bias=False
        )
    model.fc = nn.Linear(config.width * 8 * block.expansion, n_classes)
    return model


@register_model("resnet18", label="ResNet-18", source=SOURCE)
def resnet18(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
    """Build a ResNet-18 with `8 * width` features."""
    return _build(BasicBlock, (2, 2, 2, 2), config, channels, n_classes)


@register_model("resnet50", label="ResNet-50", source=SOURCE)
def resnet50(config: ModelConfig, channels: int, n_classes: int) -> nn.Module:
    """Build a ResNet-50 with `32 * width` features."""
    return _build(Bottleneck, (3, 4, 6, 3), config, channels, n_classes)
