"""Images and texts that a person gave through the page, kept in the store, named by their content.

``cache/images/<content>/{train,test}/<class>/...`` is read like the data set `folder`,
``cache/texts/<content>/`` like `texts`, and ``.upload.json`` in them says what they were called.  A
config that names the content is given these files, whatever lies in the data root.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import uuid4

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import DataConfig
from unlearn_core.data.archive import Entry
from unlearn_core.data.base import Dataset, get_dataset
from unlearn_core.data.content import hash_folder
from unlearn_core.data.decoded import forget_decoded, read_once
from unlearn_core.data.layout import Layout, Place, laid_out
from unlearn_core.data.uploaded import FOLDERS, NOTE, folder_with, uploads_root
from unlearn_core.machine import default_root, free_bytes, in_gigabytes

SPARE_BYTES = 500_000_000  # left free on the disk
LONGEST = 60  # characters of an upload's name
SEPARATOR = ":"  # in the name under which pages offer an upload


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What is known of kept data.

    `dataset` is the data set whose layout and recipe it has; `added` is in seconds since 1970,
    `n_skipped` counts the files that were left out.
    """

    content: str
    name: str
    n_train: int
    n_test: int
    classes: tuple[str, ...]
    n_skipped: int
    n_bytes: int
    added: float
    dataset: str = "folder"

    @property
    def noun(self) -> str:
        """What it holds: "images" or "texts"."""
        return FOLDERS[self.dataset]

    @property
    def choice(self) -> str:
        """The name under which pages offer it."""
        return f"{self.dataset}{SEPARATOR}{self.content}"


def keep(name: str, entries: Sequence[Entry]) -> Upload:
    """Check given files and put them into the store; the same data is kept once.

    Raises
    ------
    InputError
        If they are no data set (see `layout.laid_out`), or one of them cannot be read; the message
        names it.
    KnownFailureError
        If the disk has too little room.
    """
    layout = laid_out(name, entries)
    root = uploads_root(layout.dataset)
    temporary = root / f"{uuid4().hex[:8]}.tmp"
    _require_room(layout)
    try:
        _write(temporary, layout.placed)
        content = hash_folder(temporary)
        folder = root / content
        known = find(content)
        if known is None:
            shutil.rmtree(folder, ignore_errors=True)  # what a process left that was ended
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if known is None:
        dataset = _readable(layout.dataset, folder, content)
        known = Upload(
            content=content,
            name=name,
            n_train=len(dataset.train_ids),
            n_test=len(dataset.test_ids),
            classes=tuple(dataset.class_names),
            n_skipped=layout.n_skipped,
            n_bytes=layout.n_bytes,
            added=time.time(),
            dataset=layout.dataset,
        )
    upload = replace(known, name=name[:LONGEST], n_skipped=layout.n_skipped, added=time.time())
    note = json.dumps(asdict(upload))
    (folder / NOTE).write_text(note, encoding="utf-8")  # last: now it is there
    return upload


def find(content: str) -> Upload | None:
    """Return what is known of the data of this content; None where it is not kept."""
    folder = folder_with(content)
    if folder is None:
        return None
    try:
        plain = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return Upload(**{**plain, "classes": tuple(plain["classes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None  # removed in this moment, or written by another version


def kept() -> list[Upload]:
    """Return all kept data, the latest first."""
    notes = [note for dataset in FOLDERS for note in uploads_root(dataset).glob(f"*/{NOTE}")]
    found = [find(note.parent.name) for note in notes]
    return sorted((each for each in found if each), key=lambda each: each.added, reverse=True)


def remove(content: str) -> None:
    """Remove kept data, and what was decoded of it; runs made of it stay."""
    folder = folder_with(content)
    if folder is None:
        raise InputError(f"The data {content} is not kept here, or was removed already.")
    (folder / NOTE).unlink(missing_ok=True)  # from here on it is not listed
    shutil.rmtree(folder)
    for dataset in FOLDERS:
        forget_decoded(dataset, content)


def choice_of(config: DataConfig) -> str:
    """Return the name under which pages offer a config's data: that of the set, or of an upload."""
    upload = of_config(config)
    return upload.choice if upload else config.name


def of_config(config: DataConfig) -> Upload | None:
    """Return the kept data that a config names; None where it names another."""
    return find(config.content) if config.name in FOLDERS else None


def named_by(choice: str) -> tuple[str, str]:
    """Return data set and content, "" for what is there, that a choice of a page stands for."""
    name, _, content = choice.partition(SEPARATOR)
    return name, content


def _write(folder: Path, placed: dict[Place, Entry]) -> None:
    for place, entry in placed.items():
        file = folder.joinpath(*place)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(entry.read())


def _require_room(layout: Layout) -> None:
    free = free_bytes(default_root())
    if free < layout.n_bytes + SPARE_BYTES:
        raise KnownFailureError(
            f"The {FOLDERS[layout.dataset]} take {in_gigabytes(layout.n_bytes)} unpacked, and the "
            f"disk of {default_root()} has {in_gigabytes(free)} left, of which "
            f"{in_gigabytes(SPARE_BYTES)} are kept free."
        )


def _readable(name: str, folder: Path, content: str) -> Dataset:
    """Read all of it; what was decoded of images is kept for the first page that shows them."""
    try:
        return read_once(get_dataset(name), folder, content)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, InputError):
            raise
        raise InputError(str(error).replace(f"{folder}/", "").replace(str(folder), "It")) from error
