"""Data sets. Importing this package fills `DATASETS`; add one by adding a line here."""

from unlearn_core.data import cifar, digits, fashion_mnist, folder, imagenet100, tiny_imagenet
from unlearn_core.data.base import (
    DATASETS,
    DataNotFoundError,
    Dataset,
    DatasetSpec,
    get_dataset,
)
from unlearn_core.data.content import DataChangedError, content_of, with_content
from unlearn_core.data.loading import fetch_dataset, load_dataset

__all__ = [
    "DATASETS",
    "DataChangedError",
    "DataNotFoundError",
    "Dataset",
    "DatasetSpec",
    "cifar",
    "content_of",
    "digits",
    "fashion_mnist",
    "fetch_dataset",
    "folder",
    "get_dataset",
    "imagenet100",
    "load_dataset",
    "tiny_imagenet",
    "with_content",
]
