"""Small networks that several tests train, with their parts stated."""

from timm.models.vision_transformer import Block
from torch import nn
from torchvision.models.resnet import BasicBlock

from unlearn_core.models import Parts, state_parts
from unlearn_core.models.resnet import resnet_parts
from unlearn_core.models.slim_resnet import build_resnet


def small_resnet(config):
    """A residual network of one block a stage, for grey images and four classes."""
    model = build_resnet(BasicBlock, (1, 1, 1, 1), config, 1, 4)
    return state_parts(model, resnet_parts(model))


class SmallTransformer(nn.Module):
    """Patches, two blocks, a norm and a classifier, under timm's names."""

    def __init__(self):
        super().__init__()
        self.patch_embed = nn.Conv2d(1, 8, 4, 4)
        self.blocks = nn.Sequential(Block(8, 2), Block(8, 2))
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        tokens = self.patch_embed(x).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(tokens)).mean(dim=1))


def small_transformer():
    """A transformer for grey images of 8 pixels and four classes."""
    return state_parts(
        SmallTransformer(),
        Parts(
            head="head",
            stem=("patch_embed",),
            blocks=("blocks.0", "blocks.1"),
            last_stage=("blocks.1", "norm", "head"),
            adaptable=("blocks.1.attn.proj", "blocks.1.mlp.fc1", "blocks.1.mlp.fc2"),
            attention=(("blocks.0.attn.qkv",), ("blocks.1.attn.qkv",)),
            projections=("blocks.0.attn.proj", "blocks.1.attn.proj"),
            feed_forward=tuple((f"blocks.{i}.mlp.fc1", f"blocks.{i}.mlp.fc2") for i in (0, 1)),
        ),
    )
