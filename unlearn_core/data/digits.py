"""The embedded default: 1,797 real 8x8 images of handwritten digits, shipped with scikit-learn.

Source: UCI "Optical Recognition of Handwritten Digits" (its test part), E. Alpaydin and
C. Kaynak, 1998, CC BY 4.0.  The example id is the row in scikit-learn's copy.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from unlearn_core.checks import MissingFileError
from unlearn_core.config import TrainingConfig
from unlearn_core.data.base import Dataset, register_dataset
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.seeding import numpy_stream

TEST_SHARE = 0.2


def digits_file() -> Path:
    """Find scikit-learn's copy without importing scikit-learn, for which a page would wait."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise MissingFileError("The digits ship with scikit-learn, which is not installed.")
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"


@register_dataset(
    "digits",
    label="Handwritten digits",
    source="UCI optical digits, as shipped with scikit-learn",
    recipe=TrainingConfig(epochs=15, batch_size=64, learning_rate=0.05, weight_decay=1e-3),
    width=8,
    side=8,
    embedded=digits_file,
)
def load_digits(folder: Path) -> Dataset:  # noqa: ARG001 - embedded, needs no folder
    """Read the digits and hold out a fifth of each class as the test set, always the same."""
    table = np.loadtxt(digits_file(), delimiter=",")  # 64 ink values and the label in each row
    labels = table[:, -1].astype(np.int64)
    is_test = np.zeros(len(labels), dtype=bool)
    random = numpy_stream(0, "digits test split")
    for label in range(10):
        of_class = np.flatnonzero(labels == label)
        is_test[random.permutation(of_class)[: round(TEST_SHARE * len(of_class))]] = True
    ink = table[:, :-1].reshape(-1, 1, 8, 8)  # 0..16
    images = np.round(ink * (255 / 16)).astype(np.uint8)
    pixels = images[~is_test] / 255
    return ImageDataset(
        images=images,
        labels=labels,
        is_train=~is_test,
        is_test=is_test,
        class_names=tuple(str(label) for label in range(10)),
        mean=(float(pixels.mean()),),
        std=(float(pixels.std()),),
    )
