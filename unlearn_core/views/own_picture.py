"""A person's own picture, drawn or uploaded, in the form of a data set's pictures.

A network knows pictures only as its data set has them: their size, bright on dark or dark on
bright, and things that fill them.  What differs in that would be answered by chance.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageOps

from unlearn_core.checks import InputError
from unlearn_core.data.decoding import opened, to_array
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.runs.own_picture import Answer
from unlearn_core.views.samples import likely_classes

INK = 40  # of 255: how far from the ground a pixel must be to belong to the thing on it
MOST_PIXELS = 50_000_000  # of an upload, which takes four bytes a pixel twice
LOOKED_AT = 300  # pictures of a data set, to see how large the things on them are
MIDDLE = 128
CANVAS = 280  # pixels of its side
SURE = 0.5  # of the probability
PENS = 12, 34  # widths between which it begins
NOTHING = "There is nothing on {}: all of it has one colour."


def can_be_drawn(dataset: ImageDataset) -> bool:
    """Say whether a line drawing can be like the data set's pictures: these are grey."""
    return dataset.channels == 1


def pen_width(dataset: ImageDataset) -> int:
    """Return how wide lines of a data set's pictures are on the canvas, about, in its pixels.

    One and a half of the pictures' pixels: fine enough for the straps of a sandal.
    """
    side = min(dataset.images.shape[-2:])
    return int(np.clip(round(1.5 * CANVAS / side), *PENS))


def from_canvas(url: str) -> bytes:
    """Return the file in a data URL."""
    return base64.b64decode(url.partition(",")[2])


def fitted(content: bytes, where: str, dataset: ImageDataset) -> NDArray[np.uint8]:
    """Return a picture as the data set has them, uint8 (channels, height, width).

    What is transparent becomes white.  A grey one is turned into bright on dark where the data
    set's are so, and its thing is cut out, made as large as theirs usually are and put into the
    middle; another loses its longer ends.

    Raises
    ------
    ValueError
        If the file is no picture, or shows nothing; the message names it as `where`.
    """
    channels, side = dataset.images.shape[1], dataset.images.shape[-1]
    with opened((content, where)) as image:
        width, height = image.size
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{where} has {width:,} x {height:,} pixels; at most {MOST_PIXELS:,} are read."
        )
    with opened((content, where)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    opaque = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    if channels != 1:
        return to_array(opaque.convert("RGB"), channels, side)
    grey = np.asarray(opaque.convert("L"), dtype=np.uint8)
    some = dataset.images[:: max(1, len(dataset.images) // LOOKED_AT), 0]
    is_dark = _ground(some) < MIDDLE
    if (_ground(grey[None]) < MIDDLE) != is_dark:
        grey = 255 - grey
    ground = _ground(grey[None])
    box = _box(np.abs(grey.astype(np.int16) - ground) > INK)
    if box is None:
        raise InputError(NOTHING.format(where))
    placed = _placed(Image.fromarray(grey).crop(box), side, _usual_size(some), int(ground))
    return np.asarray(placed, dtype=np.uint8)[None]


def _ground(pictures: NDArray[np.uint8]) -> float:
    """Return the usual brightness at the border of pictures (n, height, width)."""
    edges = (pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1])
    return float(np.median(np.concatenate([edge.ravel() for edge in edges])))


def _box(is_ink: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of what is there; None where nothing is."""
    rows, columns = np.flatnonzero(is_ink.any(axis=1)), np.flatnonzero(is_ink.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _usual_size(pictures: NDArray[np.uint8]) -> int:
    """Return how many pixels the longer side of the things on a data set's pictures usually has."""
    ground = _ground(pictures)
    boxes = (_box(np.abs(picture.astype(np.int16) - ground) > INK) for picture in pictures)
    sizes = [max(box[2] - box[0], box[3] - box[1]) for box in boxes if box is not None]
    return round(float(np.median(sizes))) if sizes else pictures.shape[-1]


def _placed(thing: Image.Image, side: int, size: int, ground: int) -> Image.Image:
    scale = size / max(thing.size)
    width, height = (max(1, round(length * scale)) for length in thing.size)
    # the mean over each area, as the pictures of the digits were made
    small = thing.resize((width, height), Image.Resampling.BOX)
    picture = Image.new("L", (side, side), ground)
    picture.paste(small, ((side - width) // 2, (side - height) // 2))
    return picture


def probability_rows(answers: Mapping[str, Answer], classes: Sequence[str]) -> pd.DataFrame:
    """Return each model's probabilities: a row a run, a column a class, the likeliest classes."""
    rows = {label: answer.probabilities for label, answer in answers.items()}
    return likely_classes(pd.DataFrame.from_dict(rows, orient="index", columns=list(classes)))


def answer_text(answers: Mapping[str, Answer], classes: Sequence[str]) -> str:
    """Return what each model says it is, as one sentence in Markdown.

    Bold where it holds that more likely than all else together; below, it hardly knows.
    """
    told = []
    for label, answer in answers.items():
        share, name = float(answer.probabilities.max()), classes[int(answer.probabilities.argmax())]
        words = f"**{name}**" if share > SURE else f"hardly knows, at most {name}"
        told.append(f"{label} {words} ({share:.0%})")
    return f"{', '.join(told)}."


def resembles_text(method: str, ids: Sequence[int], is_forget: NDArray[np.bool_]) -> str:
    """Say what it means that the retrained model finds forgotten pictures near; or nothing.

    `ids` are the nearest to the person's picture, `is_forget` (n_examples,) marks D_f.
    """
    n = int(is_forget[list(ids)].sum())
    if method != "retrain" or not n:
        return ""
    are = "is" if n == 1 else "are"
    return (
        f"{n} of {len(ids)} {are} to be forgotten. It was never trained on them: what they have in "
        "common with your picture it sees with what it learned from the other classes, and it has "
        "no name for them."
    )
