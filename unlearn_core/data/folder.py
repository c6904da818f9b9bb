"""A person's own images: `<UNLEARN_DATA>/folder/{train,test}/<class>/*.png`, or parquet files.

The images' size is that of the first one, at most 64 pixels; one channel where that one is
grey.  Every image is converted to it.  Parquet files give 32x32 colour images.
"""

from __future__ import annotations

from pathlib import Path

from unlearn_core.checks import InputError
from unlearn_core.data.base import AS_PHOTOGRAPHS, Dataset, register_dataset
from unlearn_core.data.decoding import IMAGE_SUFFIXES, file_pictures, image_files, opened
from unlearn_core.data.parquet import files_of
from unlearn_core.data.sources import join, missing, read_splits
from unlearn_core.data.uploaded import ADD_AGAIN

LARGEST = 64


@register_dataset(
    "folder",
    label="Your own images",
    source="a folder of images, one folder per class",
    width=16,
    **AS_PHOTOGRAPHS,
    may_be_shown=False,  # a person's own
)
def load_folder(folder: Path) -> Dataset:
    """Read the images; classes are folders, or `label` numbers in parquet files."""
    shape = (3, 32) if files_of(folder, "train") else _shape_of_first(folder)
    splits = read_splits(folder, *shape)
    return join(splits.train, splits.test, splits.names["label"])


def _shape_of_first(folder: Path) -> tuple[int, int]:
    """Return the channels and the size of the first training image."""
    if not (folder / "train").is_dir():
        raise missing(folder.name, folder, ADD_AGAIN)
    files = image_files(folder / "train")
    if not files:
        raise InputError(f"{folder / 'train'} holds no image ({', '.join(IMAGE_SUFFIXES)}).")
    with opened(next(file_pictures(files))) as image:
        return (1 if image.mode == "L" else 3), min(LARGEST, max(image.size))
