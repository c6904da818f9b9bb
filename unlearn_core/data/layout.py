"""Laying out files that a person gave as the data set that they are: images, or texts.

Images and texts come with a folder per class, alone or in a folder per part; texts also in a table
(CSV), or one per part.  Where nothing says which are for testing, a fifth of each class is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from unlearn_core.checks import InputError
from unlearn_core.data.archive import Entry
from unlearn_core.data.content import is_data
from unlearn_core.data.decoding import IMAGE_SUFFIXES
from unlearn_core.data.parquet import TEST_NAMES
from unlearn_core.data.text_files import LABEL, TEXT, read_table
from unlearn_core.seeding import numpy_stream

TEST_SHARE = 5  # one in so many examples of a class is for testing
TEXT_SUFFIXES, TABLE_SUFFIXES = (".txt",), (".csv",)

Place = tuple[str, ...]
"""Where a file goes in the data set's folder: its folders and its name."""
PutInPlace = Callable[[str, list[Entry]], dict[Place, Entry]]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Files of one kind at their places; `dataset` is the data set that reads them so."""

    dataset: str
    placed: dict[Place, Entry]
    n_skipped: int

    @property
    def n_bytes(self) -> int:
        """The size of all files."""
        return sum(entry.n_bytes for entry in self.placed.values())


def laid_out(name: str, entries: Sequence[Entry]) -> Layout:
    """Return given files as a data set: images where there are any, else tables, else texts.

    Raises
    ------
    InputError
        If there are none of these, a class or a part of it is missing, or a table has not the
        columns; `name` says whose files they are.
    """
    kinds: dict[tuple[str, ...], tuple[str, PutInPlace]] = {
        IMAGE_SUFFIXES: ("folder", partial(_in_folders, noun="images")),
        TABLE_SUFFIXES: ("texts", _in_tables),
        TEXT_SUFFIXES: ("texts", partial(_in_folders, noun="texts")),
    }
    for suffixes, (dataset, placed) in kinds.items():
        of_kind = [entry for entry in entries if _is_of(suffixes, entry.path[-1])]
        if of_kind:
            n_skipped = len(entries) - len(of_kind)
            return Layout(dataset=dataset, placed=placed(name, of_kind), n_skipped=n_skipped)
    raise InputError(
        f"{name} holds no image ({', '.join(IMAGE_SUFFIXES)}) and no text "
        f"({', '.join((*TABLE_SUFFIXES, *TEXT_SUFFIXES))})."
    )


def _is_of(suffixes: tuple[str, ...], file: str) -> bool:
    return file.lower().endswith(suffixes) and is_data(file)


def _in_folders(name: str, files: list[Entry], noun: str) -> dict[Place, Entry]:
    """Return files that lie in one folder a class, each with a part."""
    return _divided(name, _by_class(name, files), noun)


def _by_class(name: str, files: Iterable[Entry]) -> dict[Place, Entry]:
    """Return the files by part ("" where none is named), class, and the path in it."""
    by_path = {entry.path: entry for entry in files}
    parts = ("train", *TEST_NAMES)
    while True:
        tops = {path[0] for path in by_path}
        is_divided = "train" in tops and tops <= set(parts) and len(tops) > 1
        if is_divided or len(tops) > 1 or any(len(path) < 3 for path in by_path):
            break
        by_path = {path[1:]: entry for path, entry in by_path.items()}  # one folder around all
    shortest = min(by_path, key=len)
    if len(shortest) < (3 if is_divided else 2):
        raise InputError(
            f"{name} must hold one folder per class, alone or in train/ and test/; "
            f"{by_path[shortest].name} lies in none."
        )
    if not is_divided:
        return {("", *path): entry for path, entry in by_path.items()}
    return {
        ("train" if top == "train" else "test", *rest): entry
        for (top, *rest), entry in by_path.items()
    }


def _divided(name: str, files: dict[Place, Entry], noun: str) -> dict[Place, Entry]:
    """Return the files with a part each, after a check that both parts have all classes."""
    labels = sorted({label for _, label, *_ in files})
    if len(labels) < 2:
        raise InputError(f"{name} must hold at least two classes, a folder each, got {labels}.")
    placed = dict(files)
    for label in labels:
        undivided = sorted(place for place in files if place[:2] == ("", label))
        tested = _tested(name, label, len(undivided), noun) if undivided else set()
        for number, place in enumerate(undivided):
            part = "test" if number in tested else "train"
            placed[(part, *place[1:])] = placed.pop(place)
    found = {place[:2] for place in placed}
    for part in ("train", "test"):
        missing = [label for label in labels if (part, label) not in found]
        if missing:
            raise InputError(f"{name} must hold {noun} of {missing[0]!r} in {part}/, got none.")
    return placed


def _tested(name: str, label: str, n_examples: int, noun: str) -> set[int]:
    """Return which of a class's examples are for testing, by their numbers."""
    if n_examples < 2:
        raise InputError(f"{name} must hold at least two {noun} of {label!r}, got {n_examples}.")
    order = numpy_stream(0, f"test part of {label}").permutation(n_examples)
    return set(order[: max(1, n_examples // TEST_SHARE)].tolist())


def _in_tables(name: str, files: list[Entry]) -> dict[Place, Entry]:
    """Return `train.csv` and `test.csv`, made of one table where there is only one."""
    tables = {PurePosixPath(entry.path[-1].lower()).stem: entry for entry in files}
    tests = [tables[part] for part in TEST_NAMES if part in tables]
    if len(files) == 2 and "train" in tables and tests:
        return {("train.csv",): tables["train"], ("test.csv",): tests[0]}
    if len(files) > 1:
        given = ", ".join(sorted(entry.name for entry in files))
        raise InputError(f"{name} must hold one table, or train.csv and test.csv, got {given}.")
    return _divided_table(name, files[0])


def _divided_table(name: str, table: Entry) -> dict[Place, Entry]:
    texts, labels = read_table(io.BytesIO(table.read()), table.name)
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise InputError(f"{name} must hold texts of at least two classes, got {classes}.")
    tested: set[int] = set()
    for label in classes:
        rows = [row for row, own in enumerate(labels) if own == label]
        tested |= {rows[number] for number in _tested(name, label, len(rows), "texts")}
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for row, content in enumerate(zip(texts, labels, strict=True)):
        parts["test" if row in tested else "train"].append(content)
    return {(f"{part}.csv",): _table(f"{part}.csv", rows) for part, rows in parts.items()}


def _table(name: str, rows: Iterable[tuple[str, str]]) -> Entry:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([(TEXT, LABEL), *rows])
    content = text.getvalue().encode()
    return Entry(path=(name,), n_bytes=len(content), read=partial(bytes, content))
