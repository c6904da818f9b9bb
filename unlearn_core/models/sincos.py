"""A vision transformer with fixed sine-cosine positions.

In a file of its own, because timm loads slowly.
"""

from __future__ import annotations

import math

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor


class SinCosViT(VisionTransformer):
    """A transformer whose positions are computed from the grid, not learned."""

    def _pos_embed(self, x: Tensor) -> Tensor:
        n_tokens, width = x.shape[-2:] if x.ndim == 3 else (x.shape[1] * x.shape[2], x.shape[3])
        tokens: Tensor = super()._pos_embed(x)
        return tokens + sincos_positions(math.isqrt(n_tokens), width).to(tokens)


def sincos_positions(side: int, width: int) -> Tensor:
    """Return sine-cosine codes (side * side, width) of the cells of a square grid."""
    quarter = width // 4
    omega = 1.0 / 10_000 ** (torch.arange(quarter) / max(1, quarter - 1))
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    angles = [coordinate.flatten()[:, None] * omega for coordinate in (x, y)]
    return torch.cat([f(angle) for angle in angles for f in (torch.sin, torch.cos)], dim=1)
