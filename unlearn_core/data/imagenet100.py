"""ImageNet-100: photos of 100 of ImageNet's classes, about 1,300 + 50 each, or of some of them.

A photo keeps the square in its middle, scaled to 224x224 pixels, or to the size of the stored
photos where these are smaller.  The whole set takes 19 GB at 224x224, so a machine with less than
three times that memory must store it smaller (1.6 GB at 64x64) or in part.  Classes are in
alphabetical order of their WordNet ids.
Source: Y. Tian, D. Krishnan, P. Isola, arXiv:1906.05849; the channel statistics are those that
torchvision's models are trained with on ImageNet.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from unlearn_core.config import TrainingConfig
from unlearn_core.data.base import Dataset, register_dataset
from unlearn_core.data.decoding import file_pictures, image_files, shorter_side
from unlearn_core.data.parquet import files_of, read_pictures
from unlearn_core.data.sources import join, read_splits
from unlearn_core.data.wordnet import class_names

STATISTICS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LARGEST = 224
LOOKED_AT = 64  # photos that tell how large the stored ones are: a single one can be an odd one


@register_dataset(
    "imagenet100",
    label="ImageNet-100",
    source="arXiv:1906.05849",
    recipe=TrainingConfig(
        epochs=30, batch_size=128, learning_rate=0.1, weight_decay=5e-4, augment="crop_flip"
    ),
    stem="imagenet",
    precision="auto",
    kind="photographs",
    n_train=126_689,
    may_be_shown=False,  # ImageNet's terms: no copies for others
)
def load_imagenet100(folder: Path) -> Dataset:
    """Read ImageNet-100: parquet files, or a folder a class that its WordNet id names."""
    hint = "Lay the photos out as train/n01818515/*.JPEG and val/n01818515/*.JPEG."
    splits = read_splits(folder, 3, _size(folder), hint=hint)
    names = class_names(folder, splits.names["label"])
    return join(splits.train, splits.test, names, statistics=STATISTICS)


def _size(folder: Path) -> int:
    files = files_of(folder, "train")
    pictures = read_pictures(files) if files else file_pictures(image_files(folder / "train"))
    sides = [shorter_side(picture) for picture in islice(pictures, LOOKED_AT)]
    return min(LARGEST, max(sides, default=LARGEST))
