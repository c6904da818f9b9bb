"""What stands in for examples that are not on this machine: their labels, and a tile or a line.

A comparison whose data does not ship with it can be looked at by this; nothing is trained on it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.data.base import DataNotFoundError, Dataset
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.data.texts import TextDataset

if TYPE_CHECKING:
    import torch

    from unlearn_core.data.inputs import Inputs

LIGHT, DARK, STRIPE = 206, 182, 4  # grey values of a tile, and how many pixels a stripe is wide
NO_TEXT = "(this text is not here)"
NAMES = ("class_names", "subclass_names")
ARRAYS = ("labels", "is_train", "is_test", "subclass_labels")


class StandIn(Dataset):
    """A data set of which all but the examples themselves is known."""

    def inputs(self, example_ids: NDArray[np.int64] | None, device: torch.device) -> Inputs:  # noqa: ARG002
        """Raise `DataNotFoundError`."""
        raise _missing()

    def numbers(self, example_ids: NDArray[np.int64]) -> NDArray[np.float32]:  # noqa: ARG002
        """Raise `DataNotFoundError`."""
        raise _missing()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pictures(StandIn, ImageDataset):
    """Each picture is the same tile."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Texts(StandIn, TextDataset):
    """Each text is the same line."""


def labels_of(dataset: Dataset) -> bytes:
    """Return what `stand_in` needs of a data set, before it was poisoned: about 30 kB for 60,000.

    Raises
    ------
    ValueError
        If it was poisoned or its labels were swapped: a stand-in is made of the data as it is.
    """
    if dataset.poisoned is not None or dataset.mislabelled is not None:
        raise ValueError("The labels that are kept must be those of the data set as it is.")
    kept: dict[str, Any] = {
        name: array.astype(_smallest(array))
        for name in ARRAYS
        if (array := getattr(dataset, name)) is not None
    }
    kept |= {name: np.array(getattr(dataset, name), dtype=np.str_) for name in NAMES}
    if isinstance(dataset, ImageDataset):
        kept |= {"mean": np.array(dataset.mean), "std": np.array(dataset.std)}
        kept["shape"] = np.array(dataset.images.shape[1:])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **kept)
    return buffer.getvalue()


def stand_in(content: bytes) -> StandIn:
    """Return the stand-in for the data set that `labels_of` was given."""
    with np.load(io.BytesIO(content), allow_pickle=False) as kept:
        found = dict(kept)
    labels = found["labels"].astype(np.int64)
    finer = found.get("subclass_labels")
    known: dict[str, Any] = {
        "labels": labels,
        "is_train": found["is_train"],
        "is_test": found["is_test"],
        "subclass_labels": None if finer is None else finer.astype(np.int64),
        **{name: tuple(found[name].tolist()) for name in NAMES},
    }
    if "shape" not in found:
        return _Texts(texts=(NO_TEXT,) * len(labels), **known)
    shape = found["shape"]
    return _Pictures(
        images=np.broadcast_to(tile(*shape), (len(labels), *shape)),
        mean=tuple(found["mean"].tolist()),
        std=tuple(found["std"].tolist()),
        **known,
    )


def tile(channels: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return the picture of no picture, of this shape: light grey with darker stripes."""
    rows, columns = np.indices((height, width))
    striped = (rows + columns) // STRIPE % 2 == 1
    return np.broadcast_to(
        np.where(striped, DARK, LIGHT).astype(np.uint8), (channels, height, width)
    )


def _smallest(array: NDArray[Any]) -> np.dtype[Any]:
    return array.dtype if array.dtype == np.bool_ else np.min_scalar_type(int(array.max()))


def _missing() -> DataNotFoundError:
    return DataNotFoundError("Only the labels of this data set are here; its examples are needed.")
