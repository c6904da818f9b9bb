"""Files that come from elsewhere, in a zip archive or one by one: what they are called and hold.

Nothing is unpacked before names, number and sizes were looked at: names that lead out of the
archive, links, devices, encrypted files and archives that grow beyond all measure are refused, each
in one line.
"""

from __future__ import annotations

import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from unlearn_core.checks import InputError
from unlearn_core.machine import in_gigabytes

MOST_FILES = 50_000
MOST_BYTES = 2_000_000_000  # of all files, unpacked
MOST_LISTED = 20_000_000  # bytes of an archive's list of files, which is read as a whole
LONGEST_NAME = 120  # characters of one folder or file
END = b"PK\x05\x06"  # how the end of an archive begins, which tells the size of its list
END_BYTES, LONGEST_COMMENT = 22, 2**16
DRIVE = re.compile("[A-Za-z]:")
UNREADABLE = (  # what `zipfile` raises, by the way in which a file is packed
    *(zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError),
    *(zlib.error, lzma.LZMAError),
)
NOT_OURS = ("__MACOSX",)  # what systems put beside a person's files; hidden ones are none either


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file: its folders and its name, its size in bytes, and a function that reads it."""

    path: tuple[str, ...]
    n_bytes: int
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        """Return folders and name as people write them."""
        return "/".join(self.path)


def in_zip(name: str, content: BinaryIO) -> list[Entry]:
    """Return the files in a zip archive, without folders and what systems add.

    Raises
    ------
    InputError
        If it is no archive, or one of its files cannot or must not be unpacked.
    """
    _require_short_list(name, content)
    try:
        archive = zipfile.ZipFile(content)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"{name} must be a zip archive: {error}.") from error
    infos = [info for info in archive.infolist() if not info.is_dir()]
    for info in infos:
        _require_plain(name, info)
    return _checked(
        name, ((i.filename, i.file_size, partial(_unpacked, name, archive, i)) for i in infos)
    )


def one_by_one(files: Iterable[tuple[str, bytes]]) -> list[Entry]:
    """Return files that were given with their names, such as a folder's, as entries."""
    given = [(path, len(content), partial(bytes, content)) for path, content in files]
    return _checked("The folder", given)


def _checked(name: str, files: Iterable[tuple[str, int, Callable[[], bytes]]]) -> list[Entry]:
    entries = [
        Entry(path=_parts(name, path), n_bytes=n_bytes, read=read) for path, n_bytes, read in files
    ]
    total = sum(entry.n_bytes for entry in entries)
    if len(entries) > MOST_FILES or total > MOST_BYTES:
        raise InputError(
            f"{name} must hold at most {MOST_FILES:,} files of {in_gigabytes(MOST_BYTES)} "
            f"together, got {len(entries):,} of {in_gigabytes(total)} unpacked."
        )
    known: set[str] = set()
    for entry in entries:
        if entry.name.lower() in known:
            raise InputError(f"{name} holds {entry.name} more than once.")
        known.add(entry.name.lower())
    return [entry for entry in entries if not _is_hidden(entry.path)]


def _is_hidden(path: tuple[str, ...]) -> bool:
    return any(part.startswith(".") or part in NOT_OURS for part in path)


def _parts(name: str, path: str) -> tuple[str, ...]:
    """Return the folders and the name of a file, or refuse those that lead elsewhere."""
    parts = path.replace("\\", "/").split("/")
    leads_out = any(part in ("", "..") for part in parts) or DRIVE.fullmatch(parts[0])
    is_odd = any(not part.isprintable() or len(part) > LONGEST_NAME for part in parts)
    if leads_out or is_odd:
        what = "leads out of it" if leads_out else "has a name that is too long or no text"
        raise InputError(f"{name} holds {path[:LONGEST_NAME]!r}, which {what}.")
    return tuple(part for part in parts if part != ".")


def _require_plain(name: str, info: zipfile.ZipInfo) -> None:
    """Refuse what is encrypted, and what is no regular file where the system says so."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & 1:
        raise InputError(f"{name} holds {info.filename!r}, which is encrypted.")
    if kind and not stat.S_ISREG(kind):
        raise InputError(f"{name} holds {info.filename!r}, which is a link, a pipe or a device.")


def _require_short_list(name: str, content: BinaryIO) -> None:
    """Refuse an archive whose list of files is so long that reading it would fill the memory."""
    end = content.seek(0, 2)
    content.seek(max(0, end - END_BYTES - LONGEST_COMMENT))
    tail = content.read()
    place = tail.rfind(END)
    listed = int.from_bytes(tail[place + 12 : place + 16], "little") if place >= 0 else 0
    if listed > MOST_LISTED:
        raise InputError(f"{name} must hold at most {MOST_FILES:,} files; it lists many more.")
    content.seek(0)


def _unpacked(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a file's content, which `zipfile` never lets grow beyond the size that it states."""
    try:
        return archive.read(info)
    except UNREADABLE as error:
        raise InputError(f"{name}: {info.filename!r} cannot be unpacked: {error}.") from error
