"""Methods that a person added through the page: checked in a process of its own, then kept.

``cache/plugins/<file>.py`` is loaded like a file in `UNLEARN_PLUGINS`, by pages, command line and
workers.  Loading a method runs it: whoever may add one may do what this program may.
"""

from __future__ import annotations

import ast
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from unlearn_core import plugins
from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.runs.apart import last_line, run_apart
from unlearn_core.runs.provenance import REGISTERS
from unlearn_core.runs.store import Store

CHECK = "unlearn_core.engine.check_method"  # named, not imported: it loads torch
MOST_BYTES = 1_000_000
MOST_SECONDS = 300.0  # of all checks; each runs the method on a few small images


@dataclass(frozen=True, kw_only=True)
class OwnMethod:
    """A kept file and the names that it registers; `added` is in seconds since 1970."""

    name: str
    methods: tuple[str, ...]
    n_bytes: int
    added: float


def add(store: Store, name: str, content: bytes) -> list[str]:
    """Check a method's file and keep it; return what fails, a line each: then nothing is kept.

    A file of the same name is replaced.

    Raises
    ------
    InputError
        If it cannot be a method's file at all; one line.
    """
    text = _text(name, content)
    taken = {
        n: path.name
        for path in _others(name)
        for n in _names(path.read_text("utf-8", errors="replace"))
    }
    for method in _names(text):
        if method in taken:
            raise InputError(f"{name} registers {method!r}, which {taken[method]} does already.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        faults = [line.replace(f"{folder}/", "") for line in _checked(store, file)]
    if not faults:
        place = plugins.added_folder()
        place.mkdir(parents=True, exist_ok=True)
        temporary = place / f"{name}.{uuid4().hex[:8]}.tmp"
        temporary.write_bytes(content)
        temporary.replace(place / name)
    return faults


def all_kept() -> list[OwnMethod]:
    """Return the kept files, by name."""
    return [
        OwnMethod(
            name=path.name,
            methods=tuple(_names(path.read_text("utf-8", errors="replace"))),
            n_bytes=path.stat().st_size,
            added=path.stat().st_mtime,
        )
        for path in sorted(plugins.added_folder().glob("*.py"))
    ]


def remove(name: str) -> None:
    """Remove a kept file; runs of its methods stay."""
    if name not in {each.name for each in all_kept()}:
        raise MissingFileError(f"The method's file {name} was removed already.")
    (plugins.added_folder() / name).unlink()


def _text(name: str, content: bytes) -> str:
    """Return a file's text, or say why it cannot be a method's."""
    stem, dot, suffix = name.rpartition(".")
    if not (dot and suffix == "py" and stem.isidentifier()):
        raise InputError(f"A method's file must be called like my_method.py, got {name!r}.")
    if len(content) > MOST_BYTES:
        raise InputError(f"{name} must have at most 1 MB, got {len(content) / 1e6:.1f} MB.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{name} must be text in UTF-8; it is not.") from None
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{name}, line {line}," if line else name
        told = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
        raise InputError(f"{where} must be Python that can be read, got {told}.") from None
    kinds = set(plugins.REGISTERS.findall(text)) & set(plugins.KINDS)
    if kinds != {"method"}:
        came = ", ".join(sorted(kinds)) or "nothing"
        raise InputError(
            f"{name} must register methods and nothing else, got {came}; docs/adding.md tells how."
        )
    return text


def _names(text: str) -> list[str]:
    return list(REGISTERS.findall(text))


def _others(name: str) -> list[Path]:
    """Return the files of all other plugins that register methods."""
    return [path for path in plugins.files("method") if path != plugins.added_folder() / name]


def _checked(store: Store, file: Path) -> list[str]:
    try:
        done = run_apart(
            CHECK, str(file), store=store, environment=plugins.NONE, seconds=MOST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return [f"{file.name} took more than {MOST_SECONDS:.0f} s on a few small images."]
    if done.returncode:
        return [f"{file.name} ended the check: {last_line(done)}"]
    faults: list[str] = json.loads(done.stdout.splitlines()[-1])["faults"]
    return faults
