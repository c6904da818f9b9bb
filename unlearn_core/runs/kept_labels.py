"""Labels of data sets that ship beside runs, so that pages show these where the data is not.

`cache/demo/labels/<data set>-<content>.npz`, by the hash of the files that the runs were made
from (`data/content.py`).
"""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path

from unlearn_core.config import DataConfig
from unlearn_core.data import DataChangedError, DataNotFoundError, Dataset, load_dataset
from unlearn_core.data.loading import as_asked
from unlearn_core.data.stand_in import labels_of, stand_in
from unlearn_core.runs.store import Store


def keep(store: Store, dataset: Dataset, config: DataConfig) -> None:
    """Write the labels of a whole data set beside the runs of a store."""
    path = store.labels[0] / _name(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(labels_of(dataset))


def load(store: Store, config: DataConfig) -> Dataset | None:
    """Return a stand-in for a data set that is not on this machine, with its labels as asked for.

    None where no labels of it are kept, or what is kept is damaged.
    """
    for folder in store.labels:
        with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
            known = stand_in((folder / _name(config)).read_bytes())
            return as_asked(known, config)
    return None


def dataset_or_labels(store: Store, config: DataConfig) -> Dataset:
    """Return a data set; one that is not on this machine by its labels, where these are kept.

    Nothing is downloaded.

    Raises
    ------
    DataNotFoundError, DataChangedError
        If it is not here, or other than the runs were made from, and no labels of it are kept.
    """
    try:
        return load_dataset(config, fetch=False)
    except (DataNotFoundError, DataChangedError):
        known = load(store, config)
        if known is None:
            raise
        return known


def _name(config: DataConfig) -> Path:
    return Path(f"{config.name}-{config.content}.npz")
