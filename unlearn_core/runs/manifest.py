"""The manifest of a run: `manifest.json`, with a checksum over every byte of itself.

Its last member is the SHA-256 of all that stands before it, so no changed byte goes unnoticed: the
files' hashes guard the files, this one guards the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearn_core.config import SCHEMA_VERSION
from unlearn_core.runs.artefact import CorruptRunError, OtherVersionError


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """Return a manifest as it is stored, with the schema of this version and its checksum."""
    plain = {"schema": SCHEMA_VERSION, **content}
    body = json.dumps(plain, indent=1, allow_nan=False).encode().removesuffix(b"\n}")
    return body + _ending(body)


def _ending(body: bytes) -> bytes:
    return b',\n "checksum": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'


def read_manifest(path: Path) -> dict[str, Any]:
    """Return a manifest's content.

    Raises
    ------
    CorruptRunError
        If it cannot be read or a byte of it has changed; the message names the file.
    OtherVersionError
        If another version of the program wrote it.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CorruptRunError(f"{path} cannot be read: {error.strerror}.") from error
    body = raw[: -len(_ending(b""))]
    is_whole = raw == body + _ending(body)
    content = _parsed(raw)
    is_old = "schema" not in content and "checksum" not in content and "config" in content
    if is_old or (is_whole and content["schema"] != SCHEMA_VERSION):
        raise OtherVersionError(
            f"{path} is of schema {content.get('schema', 'before 4')}, this program reads "
            f"{SCHEMA_VERSION}: another version wrote it. Its runs have to be made again."
        )
    if not is_whole:
        raise CorruptRunError(f"{path} has changed since it was written, or is not whole.")
    return content


def _parsed(raw: bytes) -> dict[str, Any]:
    """Return what the bytes hold as JSON; empty where that is no object."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
