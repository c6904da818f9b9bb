"""Which code makes a run: hashes of the sources, and the commit that they stand for.

A run is made by the *core* (data, models, training, probes, metrics) and by its *method* (the
method's own file and what it imports from its neighbours).  Comments, docstrings and layout do not
count.  Reading the sources needs no torch, so pages can tell whether a run is theirs.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
METHODS = PACKAGE / "methods"
CORE = (  # what decides a run's numbers, beside its method
    *("checks.py", "config.py", "seeding.py", "records.py", "subspace.py", "tasks.py"),
    *("training.py", "projection.py", "data", "models", "metrics", "methods"),
    *(f"engine/{name}.py" for name in ("pipeline", "probes", "history", "maps", "measure")),
    *("engine/meter.py", "engine/request.py", "runs/tracked.py"),
)
REGISTERS = re.compile(r"^@register_method\(\s*\"(\w+)\"", re.MULTILINE)
NEIGHBOURS = re.compile(r"^from unlearn_core\.methods\.(\w+) import", re.MULTILINE)
SHARED = ("base", "settings")  # what every method imports is part of the core
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
COMMIT_DIGITS = 12
HASH_DIGITS = 16
GIT_SECONDS = 10

Code = dict[str, str]


def codes() -> dict[str, Code]:
    """Return, for every method and for stages, the hashes of the sources on disk.

    Each has a `core` and a `method`; the entry "" is for runs that no method makes.
    """
    own = _own_files()
    core = _hash(file for part in CORE for file in _python_files(PACKAGE / part) if file not in own)
    return {
        name: {"core": core, "method": _hash(_files_of(name, own))} for name in ("", *own.values())
    }


def made_by_other_code(
    method: str, made_by: Mapping[str, str] | None, now: Mapping[str, Code]
) -> bool:
    """Say whether a run's `made_by`, from its manifest, is not the code of `now`; see `codes`."""
    return made_by != now.get(method, now[""])


def is_under_development(method: str) -> bool:
    """Say whether the method's own sources differ from the last commit, or are in none."""
    files = _files_of(method, _own_files())
    return bool(files) and _is_tracked() and bool(_git("status", "--porcelain", "--", *files))


def commit() -> str | None:
    """Return the commit of the sources, with ``+dirty`` where they were changed since.

    None for an installed copy, which has no history.
    """
    if not _is_tracked():
        return None
    name = _git("rev-parse", f"--short={COMMIT_DIGITS}", "HEAD")
    return f"{name}+dirty" if _git("status", "--porcelain", "--", PACKAGE) else name


def _is_tracked() -> bool:
    """Say whether these files belong to a git repository, and do not just lie in one."""
    return bool(_git("ls-files", "--", PACKAGE / "__init__.py"))


def _git(*arguments: object) -> str:
    command = ["git", "-C", str(PACKAGE), *map(str, arguments)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _own_files() -> dict[Path, str]:
    """Return the method that each method's own file registers."""
    found = {}
    for file in _python_files(METHODS):
        registered = REGISTERS.search(file.read_text(encoding="utf-8"))
        if registered:
            found[file] = registered.group(1)
    return found


def _files_of(method: str, own: Mapping[Path, str]) -> list[Path]:
    """Return a method's file and the files beside it that it imports, directly or not."""
    waiting = [file for file, name in own.items() if name == method]
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in found and file.is_file():
            found.add(file)
            names = NEIGHBOURS.findall(file.read_text(encoding="utf-8"))
            waiting += [METHODS / f"{name}.py" for name in names if name not in SHARED]
    return sorted(found)


def _python_files(place: Path) -> list[Path]:
    """Return a package's modules, without the lists of names in `__init__.py`, or one module."""
    if not place.is_dir():
        return [place]
    return sorted(file for file in place.glob("*.py") if file.name != "__init__.py")


def _hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {_meaning(file.read_bytes())}\n".encode())
    return digest.hexdigest()[:HASH_DIGITS]


@lru_cache(maxsize=512)
def _meaning(source: bytes) -> str:
    """Return a hash of what Python sees of a source, without its docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()
