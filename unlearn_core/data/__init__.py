"""Data sets. Importing this package fills `DATASETS`; add one by adding a line here."""

from unlearn_core.data import (
    banking77,
    cifar,
    digits,
    eli5,
    fashion,
    fashion_mnist,
    folder,
    imagenet100,
    own_texts,
    tiny_imagenet,
)
from unlearn_core.data.base import (
    DATASETS,
    DataNotFoundError,
    Dataset,
    DatasetSpec,
    get_dataset,
)
from unlearn_core.data.content import DataChangedError, content_of, with_content
from unlearn_core.data.loading import fetch_dataset, load_dataset
from unlearn_core.plugins import load as _load_plugins

__all__ = [
    "DATASETS",
    "DataChangedError",
    "DataNotFoundError",
    "Dataset",
    "DatasetSpec",
    "content_of",
    "fetch_dataset",
    "get_dataset",
    "load_dataset",
    "with_content",
]

_load_plugins("dataset", DATASETS)
