"""From encoded pictures to one array, refusing what this machine's memory cannot hold."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from unlearn_core.checks import InputError
from unlearn_core.machine import memory_bytes

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
COPIES = 3  # the two splits, the data set joined of them, and what lies on a CPU as "device"

Picture = tuple[bytes, str]
"""The encoded content, and where it comes from as an error message names it."""


def to_array(image: Image.Image, channels: int, size: int) -> NDArray[np.uint8]:
    """Return a (channels, size, size) array; what is not square loses its longer ends."""
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def decode(
    pictures: Iterable[Picture], n_pictures: int, channels: int, size: int
) -> NDArray[np.uint8]:
    """Return all pictures as an array (n_pictures, channels, size, size).

    Raises
    ------
    ValueError
        If a picture cannot be read, or all of them need more memory than there is.
    """
    require_memory(n_pictures, channels, size)
    images = np.empty((n_pictures, channels, size, size), dtype=np.uint8)
    for row, picture in enumerate(pictures):
        with opened(picture) as image:
            images[row] = to_array(image, channels, size)
    return images


def shorter_side(picture: Picture) -> int:
    """Return the smaller of a picture's height and width in pixels."""
    with opened(picture) as image:
        return min(image.size)


@contextmanager
def opened(picture: Picture) -> Iterator[Image.Image]:
    """Open a picture; while it is open, a fault in it is a `ValueError` that names it."""
    content, where = picture
    try:
        with Image.open(io.BytesIO(content)) as image:
            yield image
    except Image.DecompressionBombError as error:
        raise InputError(f"{where} is larger than any image may be: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises, by format
        raise InputError(f"{where} is not a readable image.") from error


def require_memory(n_images: int, channels: int, size: int) -> None:
    """Raise `ValueError` where so many images would not fit in a third of the memory."""
    needed, limit = n_images * channels * size * size, memory_bytes() / COPIES
    if needed > limit:
        raise InputError(
            f"{n_images:,} images of {size}x{size} pixels take {needed / 1e9:.1f} GB decoded, "
            f"which must be at most {limit / 1e9:.1f} GB, a third of this machine's memory. "
            "Store smaller images or fewer of them."
        )


def image_files(folder: Path) -> list[Path]:
    """Return the images in a folder and the folders in it, in alphabetical order.

    What is hidden by a leading dot is none.  A link that leads nowhere is one, so that reading it
    tells of it.

    Raises
    ------
    ValueError
        If a folder, pipe or device is called like an image: the first of them.
    """
    images = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    visible = sorted(path for path in images if not _is_hidden(path.relative_to(folder)))
    other = next((path for path in visible if path.exists() and not path.is_file()), None)
    if other is not None:
        what = "a folder" if other.is_dir() else "a pipe or a device"
        raise InputError(f"{other} is called like an image and must be a file, got {what}.")
    return visible


def _is_hidden(path: Path) -> bool:
    return any(name.startswith(".") for name in path.parts)


def file_pictures(files: Iterable[Path]) -> Iterator[Picture]:
    """Yield what is in these files, read one at a time."""
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror}.") from error
        yield content, str(file)
