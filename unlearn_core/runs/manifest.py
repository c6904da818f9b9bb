"""The manifest of a run: `manifest.json`, with a checksum over every byte of itself.

Its last member is the SHA-256 of all that stands before it, so no changed byte goes unnoticed: the
files' hashes guard the files, this one guards the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from unlearn_core.config import SCHEMA_VERSION
from unlearn_core.runs.artefact import CorruptRunError, OtherVersionError


class MapFacts(TypedDict, total=False):
    """What is known of a run's map: its `file` (None with the `reason` for its absence), and how.

    `trustworthiness` is that of the aligned layout, `own_trustworthiness` of the run's own; None
    for too few examples.
    """

    file: str | None
    reason: str
    n_neighbors: int
    seed: int
    n_examples: int
    trustworthiness: float | None
    own_trustworthiness: float | None


class Environment(TypedDict):
    """Where a run was made; `code` are the hashes of `runs.provenance`."""

    python: str
    packages: dict[str, str | None]
    device: str
    threads: int
    commit: str | None
    code: dict[str, str]


class FileEntry(TypedDict):
    """Size and SHA-256 of one file."""

    bytes: int
    sha256: str


class Manifest(TypedDict, total=False):
    """Content of `manifest.json`. Only shipped runs have the last three members.

    `settings` are all of the method's, `changed` the unusual ones (`RunArtefact.unusual`);
    `seconds` to `peak_memory_bytes` are its `Cost`, `total_seconds` counts probes, metrics and maps
    too; `facts` is what the method noted, `data_content` the hash of the data, `class_names` the
    names of classes that only the data's own files tell.
    """

    schema: int
    config: dict[str, Any]
    label: str
    settings: dict[str, Any]
    changed: dict[str, Any]
    seconds: float
    steps: int
    samples_seen: int
    trainable_parameters: int
    peak_memory_bytes: int | None
    facts: dict[str, float]
    maps: list[MapFacts]
    created: float
    total_seconds: float
    environment: Environment
    data_content: str
    class_names: list[str]
    files: dict[str, FileEntry]
    checksum: str
    left_out: list[str]
    half_precision: list[str]
    kept_examples: int


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """Return a manifest as it is stored, with the schema of this version and its checksum."""
    plain = {"schema": SCHEMA_VERSION, **content}
    body = json.dumps(plain, indent=1, allow_nan=False).encode().removesuffix(b"\n}")
    return body + _ending(body)


def _ending(body: bytes) -> bytes:
    return b',\n "checksum": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'


def read_manifest(path: Path) -> Manifest:
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
    return cast(Manifest, content)


def _parsed(raw: bytes) -> dict[str, Any]:
    """Return what the bytes hold as JSON; empty where that is no object."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
