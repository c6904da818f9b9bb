"""Data sets. Importing this package fills `DATASETS`; add one by adding a line here."""

from unlearn_core.data import cifar, digits, folder
from unlearn_core.data.base import DATASETS, Dataset, DatasetSpec, get_dataset
from unlearn_core.data.loading import load_dataset

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetSpec",
    "cifar",
    "digits",
    "folder",
    "get_dataset",
    "load_dataset",
]
