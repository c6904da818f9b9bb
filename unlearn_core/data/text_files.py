"""Reading texts from the layouts of files that are in common use, and refusing what is none.

Tried in this order: Hugging Face parquet files, `train.csv` with `test.csv`, and a folder of text
files, one folder a class.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.data.base import DataNotFoundError
from unlearn_core.data.content import is_data
from unlearn_core.data.parquet import TEST_NAMES, files_of, opened, read_names
from unlearn_core.data.texts import LONGEST, TextDataset, require_text, text_dataset

TEXT, LABEL = "text", "label"  # columns
MOST_BYTES = 4 * LONGEST  # a character has at most four
Labelled = tuple[list[str], list[str]]
"""Texts and the names of their classes."""


def read_texts(folder: Path, class_names: Sequence[str] = (), hint: str = "") -> TextDataset:
    """Read a data set of texts from the first layout that is there.

    Parameters
    ----------
    folder : Path
    class_names : sequence of str
        Names of the numbers in a column of labels, where the files have none.
    hint : str
        What else to say where no layout is there.

    Raises
    ------
    DataNotFoundError
        If no layout is there.
    InputError
        If a file cannot be used, or a text in it is empty or too long.
    """
    if files_of(folder, "train"):
        return read_parquet_texts(folder, (TEXT,), LABEL, class_names)
    for read in (_from_csv, _from_folders):
        found = read(folder)
        if found is not None:
            return _joined(*found, (), folder)
    raise DataNotFoundError(
        f"The data set {folder.name!r} is not in {folder} (looked for train-*.parquet with "
        f"test-*.parquet, train.csv with test.csv, each with the columns {TEXT} and {LABEL}, and "
        "texts in train/<class>/*.txt with test/<class>/*.txt). "
        f"Set UNLEARN_DATA to the folder with one folder a data set. {hint}".rstrip()
    )


def read_parquet_texts(
    folder: Path, columns: Sequence[str], label: str, class_names: Sequence[str] = ()
) -> TextDataset:
    """Read a data set of texts from parquet files.

    Parameters
    ----------
    folder : Path
    columns : sequence of str
        What a text is put together from, in lines.
    label : str
        The column of classes.
    class_names : sequence of str
        As in `read_texts`.

    Raises
    ------
    DataNotFoundError
        If there are no files of the training part.
    InputError
        If a file cannot be used, or a text in it is empty or too long.
    """
    if not files_of(folder, "train"):
        raise DataNotFoundError(
            f"The data set {folder.name!r} is not in {folder} (looked for train-*.parquet with "
            f"test-*.parquet, with the columns {', '.join((*columns, label))}). "
            "Set UNLEARN_DATA to the folder with one folder a data set."
        )
    test_name = next((name for name in TEST_NAMES if files_of(folder, name)), None)
    if test_name is None:
        raise MissingFileError(f"{folder} holds train-*.parquet; test-*.parquet is missing.")
    names = read_names(folder).get(label) or class_names
    train, test = (
        _parquet_rows(folder, split, columns, label, names) for split in ("train", test_name)
    )
    return _joined(train, test, names, folder)


def _joined(
    train: Labelled, test: Labelled, class_names: Sequence[str], folder: Path
) -> TextDataset:
    """Join both parts, with the classes in the order of their numbers, or alphabetical."""
    names = list(class_names or sorted(set(train[1])))
    strangers = sorted({*train[1], *test[1]} - set(names))
    if strangers:
        raise InputError(
            f"{folder} must have the same classes in both parts, {names}, got {strangers[0]!r} too."
        )
    if len(names) < 2:
        raise InputError(f"{folder} must have at least two classes, got {names}.")
    number = {name: i for i, name in enumerate(names)}
    labels = np.array([number[name] for name in (*train[1], *test[1])], dtype=np.int64)
    return text_dataset(train[0], test[0], labels, names, str(folder))


def _parquet_rows(
    folder: Path, split: str, columns: Sequence[str], label: str, names: Sequence[str]
) -> Labelled:
    texts: list[str] = []
    labels: list[str] = []
    for file in files_of(folder, split):
        with opened(file, (*columns, label)) as content:
            table = content.read(columns=[*columns, label])
        parts = zip(*(table[column].to_pylist() for column in columns), strict=True)
        texts += [_one_text(values, f"Row {row} of {file}") for row, values in enumerate(parts)]
        labels += [_name(value, names, file) for value in table[label].to_pylist()]
    return texts, labels


def _one_text(parts: Sequence[object], where: str) -> str:
    """Return what a text is put together from, in lines; each part must be a text."""
    for part in parts:
        require_text(part, where)
    return "\n".join(map(str, parts))


def _name(value: object, names: Sequence[str], file: Path) -> str:
    """Return a class's name: that of its number where these have names, else the value itself."""
    if not names or isinstance(value, str):
        return str(value)
    if not isinstance(value, int) or not 0 <= value < len(names):
        raise InputError(f"Labels in {file} must be from 0 to {len(names) - 1}, got {value!r}.")
    return names[value]


def _from_csv(folder: Path) -> tuple[Labelled, Labelled] | None:
    if not (folder / "train.csv").is_file():
        return None
    if not (folder / "test.csv").is_file():
        raise MissingFileError(f"{folder} holds train.csv; test.csv is missing.")
    return _csv_rows(folder / "train.csv"), _csv_rows(folder / "test.csv")


def _csv_rows(file: Path) -> Labelled:
    with file.open("rb") as content:
        return read_table(content, str(file))


def read_table(content: BinaryIO, where: str) -> Labelled:
    """Read texts and the names of their classes from a table (CSV, UTF-8).

    Raises
    ------
    InputError
        If it is none, has not the columns `text` and `label`, or a text in it is empty or too
        long; `where` names the file.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # what is too long is told below
    texts: list[str] = []
    labels: list[str] = []
    with io.TextIOWrapper(content, encoding="utf-8-sig", newline="") as stream:
        try:
            rows = csv.DictReader(stream)
            for column in (TEXT, LABEL):
                if column not in (rows.fieldnames or ()):
                    raise InputError(
                        f"{where} has no column `{column}`; it has {list(rows.fieldnames or ())}."
                    )
            for number, row in enumerate(rows, start=2):
                require_text(row[TEXT], f"Line {number} of {where}")
                require_text(row[LABEL], f"The label in line {number} of {where}")
                texts.append(row[TEXT])
                labels.append(row[LABEL].strip())
        except UnicodeDecodeError:
            raise InputError(f"{where} must be text in UTF-8; it is not.") from None
        except csv.Error as error:
            raise InputError(f"{where} is not a readable CSV file: {error}") from error
    if not texts:
        raise InputError(f"{where} must hold a row below its names of columns, got none.")
    return texts, labels


def _from_folders(folder: Path) -> tuple[Labelled, Labelled] | None:
    tests = [folder / name for name in TEST_NAMES if (folder / name).is_dir()]
    if not (folder / "train").is_dir() or not tests:
        return None
    return _folder_rows(folder / "train"), _folder_rows(tests[0])


def _folder_rows(folder: Path) -> Labelled:
    rows = list(text_files(folder))
    if not rows:
        raise InputError(f"{folder} must hold texts as <class>/*.txt, got none.")
    return [_content(file) for file, _ in rows], [name for _, name in rows]


def text_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the text files below a folder with their classes, both in alphabetical order."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.name.startswith("."):
            for file in sorted(entry.glob("*.txt")):
                if is_data(file.name):
                    yield file, entry.name


def _content(file: Path) -> str:
    """Return a file's text; what is too long is not read."""
    if not file.is_file():
        raise InputError(f"{file} is called like a text and must be a file.")
    if file.stat().st_size > MOST_BYTES:
        raise InputError(
            f"{file} must have at most {LONGEST:,} characters, got {file.stat().st_size:,} bytes."
        )
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file} must be text in UTF-8; it is not.") from None
    require_text(text, str(file))
    return text.strip()
