"""Parquet files in the layout of Hugging Face data sets of images or texts.

`<split>-*.parquet` with a column `image` of {bytes, path}, or a column of texts, and columns of
labels, of images whole numbers; the
names of the labels are in `classes.json` beside them, or in the files' own metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.checks import InputError
from unlearn_core.data.decoding import Picture

TEST_NAMES = ("test", "validation", "valid", "val")
IMAGE = ("image",)
ROWS_AT_ONCE = 256  # as encoded images, so that a large file is never whole in memory


def files_of(folder: Path, split: str) -> list[Path]:
    """Return the files of a split such as "train", in the order of their numbers."""
    return sorted(folder.glob(f"{split}-*.parquet"))


def read_columns(files: Sequence[Path]) -> tuple[int, dict[str, NDArray[np.int64]]]:
    """Return the number of rows and every column of whole numbers, the images left unread."""
    import pyarrow as pa

    chunks: dict[str, list[NDArray[np.int64]]] = {}
    n_rows = 0
    for file in files:
        with opened(file, IMAGE) as content:
            schema = content.schema_arrow
            names = [field.name for field in schema if pa.types.is_integer(field.type)]
            table = content.read(columns=names)
            n_rows += content.metadata.num_rows
        for name in names:
            chunks.setdefault(name, []).append(table.column(name).to_numpy().astype(np.int64))
    if not n_rows:
        raise InputError(f"{files[0]} holds no rows.")
    columns = {name: np.concatenate(arrays) for name, arrays in chunks.items()}
    for name, column in columns.items():
        if len(column) != n_rows:
            raise InputError(f"Only some of the files in {files[0].parent} have a column `{name}`.")
    return n_rows, columns


def read_pictures(files: Sequence[Path]) -> Iterator[Picture]:
    """Yield the encoded images in order, with the row and file that each comes from."""
    for file in files:
        row = 0
        with opened(file, IMAGE) as content:
            for batch in content.iter_batches(batch_size=ROWS_AT_ONCE, columns=["image"]):
                for value in batch.column(0).to_pylist():
                    yield (value or {}).get("bytes") or b"", f"Row {row} of {file}"
                    row += 1


def read_names(folder: Path) -> dict[str, Sequence[str]]:
    """Return the names of labels by column, as far as they are written down."""
    file = folder / "classes.json"
    if file.is_file():
        listed: dict[str, Sequence[str]] = json.loads(file.read_text(encoding="utf-8"))
        return listed
    with opened(files_of(folder, "train")[0]) as content:
        metadata = content.schema_arrow.metadata or {}
    described = json.loads(metadata.get(b"huggingface", b"{}"))
    features = described.get("info", {}).get("features", {})
    return {name: about["names"] for name, about in features.items() if about.get("names")}


@contextmanager
def opened(file: Path, columns: Sequence[str] = ()) -> Iterator[Any]:
    """Open a file with these columns; a fault in it meanwhile is an `InputError` that names it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as content:
            names = content.schema_arrow.names
            lacking = [name for name in columns if name not in names]
            if lacking:
                raise InputError(f"{file} has no column `{lacking[0]}`; it has {names}.")
            yield content
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{file} is not a readable parquet file: {error}") from error
