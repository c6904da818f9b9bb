"""Identify the code that makes a run: hashes of the sources, and the commit.

A run is made by the *core* (data, models, training, probes, metrics) and by its *method* (the
method's own file and what it imports from its neighbours).  Comments, docstrings and layout do not
count.  A method from a plugin is its plugin's files.  Reading the sources needs no torch, so pages
can tell whether a run is theirs.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from unlearn_core import plugins

PACKAGE = Path(__file__).resolve().parents[1]
METHODS = PACKAGE / "methods"
CORE = (  # what decides a run's numbers, beside its method
    *("checks.py", "settings.py", "config.py", "seeding.py", "records.py", "subspace.py"),
    *("tasks.py", "training.py", "projection.py", "data", "models", "metrics", "methods"),
    *(
        f"engine/{name}.py"
        for name in ("pipeline", "making", "probes", "history", "maps", "measure")
    ),
    *("engine/meter.py", "engine/request.py", "runs/tracked.py"),
)
NO_NUMBERS = ("__init__.py", "contract.py")  # lists of names, and what only checks methods
REGISTERS = re.compile(r"^@register_method\(\s*[\"'](\w+)[\"']", re.MULTILINE)
NEIGHBOURS = re.compile(r"^from unlearn_core\.methods\.(\w+) import", re.MULTILINE)
SHARED = ("base", "settings")  # what every method imports is part of the core
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
COMMIT_DIGITS = 12
HASH_DIGITS = 16
GIT_SECONDS = 10

Code = dict[str, str]


def codes() -> dict[str, Code]:
    """Return the hashes of the sources on disk, by method.

    Each has a `core` and a `method`; the entry "" is for runs that no method makes.
    """
    own = _own_files()
    files = set(own.values())
    core = _hash(f for part in CORE for f in _python_files(PACKAGE / part) if f not in files)
    return {name: {"core": core, "method": _hash(_files_of(name, own))} for name in ("", *own)}


def made_by_other_code(
    method: str, made_by: Mapping[str, str] | None, now: Mapping[str, Code]
) -> bool:
    """Say whether a run's `made_by`, from its manifest, is not the code of `now`; see `codes`."""
    return made_by != now.get(method, now[""])


def is_under_development(method: str) -> bool:
    """Say whether the method's own sources differ from the last commit, or are in none.

    A plugin's are always: nobody says when it is finished.
    """
    own = _own_files()
    if method in own and own[method].parent != METHODS:
        return True
    files = _files_of(method, own)
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


def _own_files() -> dict[str, Path]:
    """Return for each method the file that registers it; the package's own names come first."""
    files: dict[str, Path] = {}
    for file in (*_python_files(METHODS), *plugins.files("method")):
        for name in REGISTERS.findall(_text(file)):
            files.setdefault(name, file)
    return files


def _files_of(method: str, own: Mapping[str, Path]) -> list[Path]:
    """Return a method's file and the files beside it that it imports, directly or not."""
    file = own.get(method)
    waiting = [] if file is None else [file] if file.parent == METHODS else plugins.sources(file)
    files: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in files and file.is_file():
            files.add(file)
            names = NEIGHBOURS.findall(_text(file))
            waiting += [METHODS / f"{name}.py" for name in names if name not in SHARED]
    return sorted(files)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _python_files(path: Path) -> list[Path]:
    """Return a package's modules, without the lists of names in `__init__.py`, or one module."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.glob("*.py") if file.name not in NO_NUMBERS)


def _hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {_meaning(file.read_bytes())}\n".encode())
    return digest.hexdigest()[:HASH_DIGITS]


@lru_cache(maxsize=512)
def _meaning(source: bytes) -> str:
    """Return a hash of what Python sees of a source, without its docstrings.

    What is no Python, as a plugin may be, counts byte by byte.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return hashlib.sha256(source).hexdigest()
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()
