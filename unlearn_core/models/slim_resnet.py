"""torchvision's residual networks with another width of the stages."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from unlearn_core.config import NORM_GROUPS, ModelConfig

__all__ = ["BasicBlock", "Bottleneck", "build_resnet"]


def _group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(NORM_GROUPS, channels)


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


def build_resnet(
    block: type[BasicBlock | Bottleneck],
    layers: Sequence[int],
    config: ModelConfig,
    channels: int,
    n_classes: int,
) -> nn.Module:
    """Build the network of `ModelConfig`'s width, normalisation and stem."""
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
