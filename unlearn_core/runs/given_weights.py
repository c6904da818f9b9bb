"""Files of trained weights that a person gave as the original, kept in the store by their content.

``cache/weights/<hash>`` is the file as it came, so that a run can be made again, also by another
process or machine that shares the store, wherever the file lay.  It is read once: the base run has
the weights from then on.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

from unlearn_core.checks import KnownFailureError, MissingFileError
from unlearn_core.data.content import DIGITS, hash_file

FOLDER = "weights"


def keep(root: Path, file: Path) -> str:
    """Copy a file into the store and return the hash by which configs name it, 16 hex digits."""
    content = hash_file(file)[:DIGITS]
    kept = root / FOLDER / content
    if not kept.is_file() or hash_file(kept)[:DIGITS] != content:
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_name(f"{content}.{uuid4().hex[:8]}.tmp")
        try:
            shutil.copyfile(file, temporary)
            temporary.replace(kept)
        finally:
            temporary.unlink(missing_ok=True)
    return content


def find(root: Path, content: str) -> Path:
    """Return the file of this hash.

    Raises
    ------
    MissingFileError
        If the store does not hold it.
    KnownFailureError
        If its content is another by now.
    """
    kept = root / FOLDER / content
    if not kept.is_file():
        raise MissingFileError(
            f"The trained weights {content} are not in {kept.parent}: give their file once more "
            "with --weights."
        )
    if hash_file(kept)[:DIGITS] != content:
        raise KnownFailureError(
            f"{kept} has changed since it was kept: give the file once more with --weights."
        )
    return kept
