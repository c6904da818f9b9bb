"""The examples of a data set on a device, put there once for all sets such as D_f and D_r."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearn_core.data.base import Dataset
from unlearn_core.data.inputs import Inputs


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored:
    """A data set's examples on one device, with the label and the example id of each row.

    `row_of`, int64 (n_examples,), has each example's row, -1 where it is not stored.
    """

    inputs: Inputs
    labels: Tensor
    ids: Tensor
    row_of: NDArray[np.int64]


_RESIDENT: WeakKeyDictionary[Dataset, dict[torch.device, Stored]] = WeakKeyDictionary()


def resident(dataset: Dataset, device: torch.device) -> Stored:
    """Return what is stored of the data set on the device.

    They are put there once for all sets, until another data set is asked for: two would rarely
    fit.  The CPU shares the data set's own memory; elsewhere examples in neither split are left
    out.
    """
    if dataset not in _RESIDENT:
        _RESIDENT.clear()
        _RESIDENT[dataset] = {}
    stores = _RESIDENT[dataset]
    if device not in stores:
        stores[device] = _put(dataset, device)
    return stores[device]


def _put(dataset: Dataset, device: torch.device) -> Stored:
    is_used = dataset.is_train | dataset.is_test
    takes_all = device.type == "cpu" or bool(is_used.all())
    ids = np.arange(len(dataset.labels)) if takes_all else np.flatnonzero(is_used)
    row_of = np.full(len(dataset.labels), -1)
    row_of[ids] = np.arange(len(ids))
    return Stored(
        inputs=dataset.inputs(None if takes_all else ids, device),
        labels=torch.from_numpy(dataset.labels[ids]).to(device),
        ids=torch.from_numpy(ids).to(device),
        row_of=row_of,
    )
