"""Loading a data set: read or download it, take a part of its training set, poison it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.config import DataConfig
from unlearn_core.data.base import DataNotFoundError, Dataset, get_dataset
from unlearn_core.data.confusion import confuse
from unlearn_core.data.content import content_of, folder_of, require_content
from unlearn_core.data.decoded import read_once
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.data.poison import poison
from unlearn_core.seeding import numpy_stream


def load_dataset(config: DataConfig, *, fetch: bool = True) -> Dataset:
    """Return the data set that `config` asks for: all or some training examples.

    They may be poisoned, or have labels swapped.

    What is not on this machine is downloaded where that can be done, unless `fetch` is false.
    A config that names the data's content is given no other.

    Raises
    ------
    InputError
        If the name is unknown, the data has changed since `config` was made, or more training
        examples are asked for than exist.
    FileNotFoundError
        If the data is not on this machine and cannot be fetched.
    """
    require_content(config)
    return as_asked(_whole(config, fetch=fetch), config)


def as_asked(dataset: Dataset, config: DataConfig) -> Dataset:
    """Return a whole data set with the training examples, poison and labels that `config` names.

    Raises
    ------
    InputError
        If it has fewer training examples, or not the classes that are named.
    """
    if config.train_examples is not None:
        dataset = _with_fewer_examples(dataset, config.train_examples)
    if isinstance(dataset, ImageDataset):
        dataset = replace(dataset, trigger=config.trigger)
    if config.poison_target is not None:
        dataset = poison(dataset, config.poison_target)
    if config.confused:
        dataset = confuse(dataset, *config.confused)
    return dataset


def fetch_dataset(name: str) -> None:
    """Download a data set into the data root.

    Raises
    ------
    FileNotFoundError
        If it cannot be downloaded.
    """
    spec = get_dataset(name)
    if spec.fetch is None:
        raise MissingFileError(f"The data set {name!r} cannot be downloaded by this program.")
    spec.fetch(folder_of(spec))


def _whole(config: DataConfig, *, fetch: bool) -> Dataset:
    spec = get_dataset(config.name)
    folder, content = folder_of(spec, config.content), content_of(config.name, config.content)
    try:
        return read_once(spec, folder, content)
    except DataNotFoundError:
        if spec.fetch is None or not fetch:
            raise
    fetch_dataset(config.name)
    return read_once(spec, folder, content_of(config.name))


def _with_fewer_examples(dataset: Dataset, n_examples: int) -> Dataset:
    """Leave out training examples until `n_examples` remain, in equal shares of each class."""
    train_ids = dataset.train_ids
    if n_examples > len(train_ids):
        raise InputError(
            f"train_examples must be at most {len(train_ids)}, the size of the training set, "
            f"got {n_examples}."
        )
    order = numpy_stream(0, "train part").permutation(train_ids)
    rank_in_class = np.zeros(len(order), dtype=np.int64)
    for label in range(dataset.n_classes):
        of_class = dataset.labels[order] == label
        rank_in_class[of_class] = np.arange(of_class.sum())
    kept = order[np.argsort(rank_in_class, kind="stable")][:n_examples]
    is_train = np.zeros_like(dataset.is_train)
    is_train[kept] = True
    return replace(dataset, is_train=is_train)
