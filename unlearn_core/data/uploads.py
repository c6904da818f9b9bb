"""Images that a person gave through the page, kept in the store and named by their content.

``cache/images/<content>/{train,test}/<class>/...`` is read like the data set `folder`, and
``.upload.json`` beside them says what they were called.  A config that names the content is given
these files, whatever lies in the data root.  Where nothing says which images are for testing, a
fifth of each class is.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import DataConfig
from unlearn_core.data.archive import Entry
from unlearn_core.data.base import get_dataset
from unlearn_core.data.content import hash_folder
from unlearn_core.data.decoded import forget_decoded, read_once
from unlearn_core.data.decoding import IMAGE_SUFFIXES
from unlearn_core.data.parquet import TEST_NAMES
from unlearn_core.data.uploaded import NOTE, folder_with, uploads_root
from unlearn_core.machine import default_root, free_bytes, in_gigabytes
from unlearn_core.seeding import numpy_stream

DATASET = "folder"  # the data set whose layout and recipe they have
TEST_SHARE = 5  # one in so many images of a class is for testing
SPARE_BYTES = 500_000_000  # left free on the disk
LONGEST = 60  # characters of an upload's name
SEPARATOR = ":"  # in the name under which pages offer an upload

Place = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """What is known of kept images; `added` is in seconds since 1970, `n_skipped` no images."""

    content: str
    name: str
    n_train: int
    n_test: int
    classes: tuple[str, ...]
    n_skipped: int
    n_bytes: int
    added: float


def keep(name: str, entries: Sequence[Entry]) -> Upload:
    """Check images and put them into the store; the same images are kept once.

    Raises
    ------
    InputError
        If they are not in one folder a class, or one of them cannot be read; the message names it.
    KnownFailureError
        If the disk has too little room.
    """
    images = [entry for entry in entries if entry.path[-1].lower().endswith(IMAGE_SUFFIXES)]
    if not images:
        raise InputError(f"{name} holds no image ({', '.join(IMAGE_SUFFIXES)}).")
    placed = _divided(name, _in_layout(name, images))
    temporary = uploads_root() / f"{uuid4().hex[:8]}.tmp"
    _require_room(sum(entry.n_bytes for entry in images))
    try:
        _write(temporary, placed)
        content = hash_folder(temporary)
        kept = uploads_root() / content
        is_new = folder_with(content) is None
        if is_new:
            shutil.rmtree(kept, ignore_errors=True)  # what a process left that was ended
            temporary.rename(kept)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    counts = Counter(part for part, *_ in placed)
    upload = Upload(
        content=content,
        name=name[:LONGEST],
        n_train=counts["train"],
        n_test=len(placed) - counts["train"],
        classes=tuple(sorted({label for _, label, *_ in placed})),
        n_skipped=len(entries) - len(images),
        n_bytes=sum(entry.n_bytes for entry in images),
        added=time.time(),
    )
    if is_new:
        _require_readable(kept, content)
    (kept / NOTE).write_text(json.dumps(asdict(upload)), encoding="utf-8")  # last: now it is there
    return upload


def find(content: str) -> Upload | None:
    """Return what is known of the images of this content; None where they are not kept."""
    folder = folder_with(content)
    if folder is None:
        return None
    try:
        plain = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return Upload(**{**plain, "classes": tuple(plain["classes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None  # removed in this moment, or written by another version


def kept() -> list[Upload]:
    """Return all kept images, the latest first."""
    found = [find(note.parent.name) for note in uploads_root().glob(f"*/{NOTE}")]
    return sorted((each for each in found if each), key=lambda each: each.added, reverse=True)


def remove(content: str) -> None:
    """Remove kept images, and what was decoded of them; runs made of them stay."""
    folder = folder_with(content)
    if folder is None:
        raise InputError(f"The images {content} are not kept here, or were removed already.")
    (folder / NOTE).unlink(missing_ok=True)  # from here on they are not listed
    shutil.rmtree(folder)
    forget_decoded(DATASET, content)


def choice_of(config: DataConfig) -> str:
    """Return the name under which pages offer a config's data: that of the set, or of an upload."""
    is_upload = config.name == DATASET and folder_with(config.content) is not None
    return f"{DATASET}{SEPARATOR}{config.content}" if is_upload else config.name


def named_by(choice: str) -> tuple[str, str]:
    """Return data set and content, "" for what is there, that a choice of a page stands for."""
    name, _, content = choice.partition(SEPARATOR)
    return name, content


def _in_layout(name: str, images: Iterable[Entry]) -> dict[Place, Entry]:
    """Return the images by part ("" where none is named), class, and the path in it."""
    by_path = {entry.path: entry for entry in images}
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


def _divided(name: str, images: dict[Place, Entry]) -> dict[Place, Entry]:
    """Return the images with a part each, after a check that both parts have all classes."""
    labels = sorted({label for _, label, *_ in images})
    if len(labels) < 2:
        raise InputError(f"{name} must hold at least two classes, a folder each, got {labels}.")
    placed = dict(images)
    for label in labels:
        undivided = sorted(place for place in images if place[:2] == ("", label))
        if len(undivided) == 1:
            raise InputError(f"{name} must hold at least two images of {label!r}, got 1.")
        if undivided:
            order = numpy_stream(0, f"test part of {label}").permutation(len(undivided))
            tested = set(order[: max(1, len(undivided) // TEST_SHARE)].tolist())
            for number, place in enumerate(undivided):
                part = "test" if number in tested else "train"
                placed[(part, *place[1:])] = placed.pop(place)
    found = {place[:2] for place in placed}
    for part in ("train", "test"):
        missing = [label for label in labels if (part, label) not in found]
        if missing:
            raise InputError(f"{name} must hold images of {missing[0]!r} in {part}/, got none.")
    return placed


def _write(folder: Path, placed: dict[Place, Entry]) -> None:
    for place, entry in placed.items():
        file = folder.joinpath(*place)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(entry.read())


def _require_room(n_bytes: int) -> None:
    free = free_bytes(default_root())
    if free < n_bytes + SPARE_BYTES:
        raise KnownFailureError(
            f"The images take {in_gigabytes(n_bytes)} unpacked, and the disk of {default_root()} "
            f"has {in_gigabytes(free)} left, of which {in_gigabytes(SPARE_BYTES)} are kept free."
        )


def _require_readable(folder: Path, content: str) -> None:
    """Decode all images once, which is kept for the first page that shows them."""
    try:
        read_once(get_dataset(DATASET), folder, content)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, InputError):
            raise
        raise InputError(str(error).replace(f"{folder}/", "")) from error
