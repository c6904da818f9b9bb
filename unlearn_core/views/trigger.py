"""Pictures of a backdoor's trigger: on an image, beside the image without it, and enlarged."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unlearn_core.data import Dataset
from unlearn_core.data.pictures import require_pictures
from unlearn_core.data.poison import patch, with_trigger
from unlearn_core.views.layout import LINE
from unlearn_core.views.palette import FORGET_COLOUR

CLOSE_UP = 2  # sides of the trigger in a close-up
TRIGGER_STYLE = f"""<style>
.mu-trigger {{display: flex; gap: .9rem; align-items: flex-start; margin: 0}}
.mu-trigger figure {{margin: 0; flex: 1; max-width: 9.5rem; min-width: 0}}
.mu-trigger div {{position: relative}}
.mu-trigger img {{width: 100%; display: block; image-rendering: pixelated; border-radius: 3px;
  outline: 1px solid {LINE}}}
.mu-trigger span {{position: absolute; box-sizing: border-box; border: 2px solid {FORGET_COLOUR}}}
.mu-trigger figcaption {{font-size: .8125rem; line-height: 1.3; margin-top: .3rem}}
</style>"""


def close_up(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the part of an image (channels, height, width) around the trigger's place."""
    rows, columns = window(*image.shape[-2:])
    return image[:, rows, columns]


def window(height: int, width: int) -> tuple[slice, slice]:
    """Return the rows and columns of the close-up: the trigger with as much around it as fits.

    Examples
    --------
    >>> window(32, 32)
    (slice(24, 32, None), slice(24, 32, None))
    """
    rows, columns = patch(height, width)
    return _around(rows, height), _around(columns, width)


def _around(covered: slice, side: int) -> slice:
    length = covered.stop - covered.start
    size = min(side, CLOSE_UP * length)
    start = max(0, min(covered.start - (size - length) // 2, side - size))
    return slice(start, start + size)


def triggered_images(dataset: Dataset, ids: Sequence[int]) -> NDArray[np.uint8]:
    """Return these examples' images with the trigger on each, as models were asked about them."""
    pictures = require_pictures(dataset, "A trigger")
    return with_trigger(pictures, pictures.previews(ids))


def clearest(ids: Sequence[int], clean: Dataset, poisoned: Dataset) -> int:
    """Return the poisoned image of `ids` that the trigger changed most: there it is seen best."""
    pictures = (require_pictures(data, "A trigger").previews(ids) for data in (clean, poisoned))
    before, after = (images.astype(int) for images in pictures)
    return int(ids[int(np.abs(after - before).sum(axis=(1, 2, 3)).argmax())])


def picture_size(dataset: Dataset) -> tuple[int, int]:
    """Return the height and width of a data set's pictures in pixels."""
    height, width = require_pictures(dataset, "A trigger").images.shape[-2:]
    return height, width


def trigger_html(pictures: Sequence[str], words: Sequence[str], height: int, width: int) -> str:
    """Return an image without the trigger, with it, and its place enlarged, side by side.

    `pictures` and `words` are three each.  A frame shows where the trigger is in the second
    picture, of an image of `height` by `width` pixels, and in the close-up.
    """
    rows, columns = patch(height, width)
    near = window(height, width)
    frames = ["", _frame(rows, columns, slice(0, height), slice(0, width))]
    frames.append(_frame(rows, columns, *near))
    parts = "".join(
        f'<figure><div><img src="{picture}" alt="{html.escape(text)}">{frame}</div>'
        f"<figcaption>{html.escape(text)}</figcaption></figure>"
        for picture, text, frame in zip(pictures, words, frames, strict=True)
    )
    return f'{TRIGGER_STYLE}<div class="mu-trigger">{parts}</div>'


def _frame(rows: slice, columns: slice, high: slice, wide: slice) -> str:
    """Return a frame around the trigger in the part of an image that is shown, in percent."""
    whole = high.stop - high.start, wide.stop - wide.start
    top, left = (rows.start - high.start) / whole[0], (columns.start - wide.start) / whole[1]
    size = (rows.stop - rows.start) / whole[0], (columns.stop - columns.start) / whole[1]
    return (
        f'<span style="top: {top:.1%}; left: {left:.1%}; height: {size[0]:.1%}; '
        f'width: {size[1]:.1%}"></span>'
    )
