"""Methods, metrics, data sets and models from outside the package. Loads no torch by itself.

A plugin is a Python file that registers something: one in the folder `UNLEARN_PLUGINS`, one that a
person added through the page (``plugins/`` in the store), or a module that an installed package
names in the entry-point group ``unlearn.methods`` (or ``.metrics``, ``.datasets``, ``.models``).
Each registry loads those that register into it when it is filled itself, so that pages, which read
metrics only, never load a method's torch.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import MutableMapping
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from unlearn_core.machine import default_root

FOLDER = "UNLEARN_PLUGINS"
NONE = {FOLDER: ""}  # in the environment of a process that shall see none but installed ones
GROUP = "unlearn.{}s"
KINDS = ("dataset", "model", "method", "metric")
REGISTERS = re.compile(r"^@register_(\w+)\(", re.MULTILINE)

_broken: dict[Path, str] = {}


def folder() -> Path | None:
    """Return the folder that `UNLEARN_PLUGINS` names; None without one."""
    named = os.environ.get(FOLDER)
    return Path(named).resolve() if named else None


def added_folder() -> Path:
    """Return the folder of the plugins that were added through the page."""
    return default_root() / "plugins"


def folders() -> list[Path]:
    """Return the folders of plugins; none where `UNLEARN_PLUGINS` is set to nothing."""
    if os.environ.get(FOLDER) == "":
        return []
    named = folder()
    return [*([named] if named else []), added_folder()]


def files(*kinds: str) -> list[Path]:
    """Return the files of all plugins, or of those that register one of these kinds.

    A file that registers nothing that is known counts as every kind, so that somebody is told.
    """
    found = [path for kind in KINDS for path in _installed(kind) if not kinds or kind in kinds]
    for path in (path for place in folders() for path in sorted(place.glob("*.py"))):
        registers = set(registered(path))
        if not kinds or not registers or registers & set(kinds):
            found.append(path)
    return list(dict.fromkeys(found))


def registered(path: Path) -> list[str]:
    """Return the kinds of what a file registers, told from its text."""
    return [kind for kind in REGISTERS.findall(_text(path)) if kind in KINDS]


def load(kind: str, registry: MutableMapping[str, Any]) -> None:
    """Import every plugin that registers this kind; one that cannot be is left out and named."""
    place = folder()
    if place and not place.is_dir():
        _broken[place] = f"The plugins' folder {place} is not there (set by {FOLDER})."
    for path in files(kind):
        before = dict(registry)
        try:
            load_file(path)
        except Exception as error:  # whatever a file does when it is imported: the rest works
            registry.clear()
            registry.update(before)
            _broken[path] = broken_line(path, error)


def load_file(path: Path) -> ModuleType:
    """Import one file as a module of its own; a second time, return the module."""
    name = f"unlearn_plugin_{path.stem}"
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses and `inspect` look for it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def broken() -> list[str]:
    """Return a line for each plugin that could not be loaded in this process."""
    return list(_broken.values())


def broken_line(path: Path, error: Exception) -> str:
    """Return in one line which file cannot be used, and why."""
    why = (str(error).strip().splitlines() or ["no reason given"])[0]
    return f"The plugin {path} was left out: {type(error).__name__}: {why}"


def sources(path: Path) -> list[Path]:
    """Return the files that a plugin is made of: an installed one's whole package, else the file.

    A file in a folder of plugins stands alone.
    """
    is_package = path.parent not in folders() and (path.parent / "__init__.py").is_file()
    return sorted(path.parent.glob("*.py")) if is_package else [path]


@cache
def _installed(kind: str) -> tuple[Path, ...]:
    """Return the files behind a group of entry points, without importing them."""
    found = []
    for point in metadata.entry_points(group=GROUP.format(kind)):
        top, *rest = point.module.split(".")
        spec = importlib.util.find_spec(top)
        if spec is None:
            continue
        base = Path(spec.submodule_search_locations[0]) if spec.submodule_search_locations else None
        if base is None:
            path = Path(spec.origin or "")
        else:
            path = base.joinpath(*rest)
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        found.append(path)
    return tuple(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # importing it will say what is wrong with it
