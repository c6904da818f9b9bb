"""Examples as maps and tables show them: pictures as data URLs, and excerpts of texts."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearn_core.data.base import Previews
from unlearn_core.views.excerpts import excerpt, pieces

LARGEST_TILE = 32
SMALLEST_SIDE = 48


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Many pictures in one: tile `i` is in row `i // columns`, column `i % columns`.

    `width` and `height` are those of one tile in pixels.
    """

    url: str
    columns: int
    rows: int
    width: int
    height: int


def hovered(previews: Previews, word: str = "") -> dict[str, Any]:
    """Return what a map shows of examples on hover: a `Sheet`, or `texts` in `pieces`.

    Every second piece of a text's excerpt is the `word`.
    """
    if isinstance(previews, tuple):
        return {"texts": [pieces(excerpt(text, word), word) for text in previews]}
    return asdict(sheet(previews))


def sheet(images: NDArray[np.uint8]) -> Sheet:
    """Put `images` (n_examples, channels, height, width) on one sheet, in their order.

    Tiles are at most `LARGEST_TILE` pixels. Grey sheets are PNG; colour sheets are JPEG, which
    takes a fifth of the bytes for photographs.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not len(images):
        raise ValueError(f"images must be (n_examples, 1 or 3, H, W), got {images.shape}.")
    height, width = images.shape[2:]
    if max(height, width) > LARGEST_TILE:
        images = _smaller(images)
        height, width = images.shape[2:]
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    blank = np.zeros((rows * columns, *images.shape[1:]), dtype=np.uint8)
    blank[: len(images)] = images
    grid = blank.reshape(rows, columns, images.shape[1], height, width)
    pixels = grid.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, -1)
    kind = "PNG" if images.shape[1] == 1 else "JPEG"
    url = _data_url(_picture(pixels), kind)
    return Sheet(url=url, columns=columns, rows=rows, width=width, height=height)


def thumbnail(image: NDArray[np.uint8]) -> str:
    """Return one image (channels, height, width) as a PNG data URL, small ones enlarged."""
    picture = _picture(image.transpose(1, 2, 0))
    factor = math.ceil(SMALLEST_SIDE / max(picture.size))
    if factor > 1:  # enlarged here, because a browser would blur the pixels
        size = (picture.width * factor, picture.height * factor)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    return _data_url(picture, "PNG")


def _smaller(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = LARGEST_TILE / max(images.shape[2:])
    size = (round(images.shape[3] * scale), round(images.shape[2] * scale))
    pictures = [_picture(image.transpose(1, 2, 0)).resize(size) for image in images]
    tiles = [np.asarray(picture).reshape(size[1], size[0], -1) for picture in pictures]
    return np.stack(tiles).transpose(0, 3, 1, 2)


def _picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return an image from (height, width, channels)."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _data_url(picture: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    # a PNG's last percent would take three times as long
    picture.save(
        buffer, format=kind, **({"quality": 80, "optimize": True} if kind == "JPEG" else {})
    )
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
