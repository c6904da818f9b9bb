"""JSON files that describe runs: a config, or what `--json` wrote. The format: docs/config.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.cli.inputs import read_text
from unlearn_core.config import RunConfig

NESTED = ("runs", "models", "experiments")  # lists in the files that `--json` writes


def configs_in(path: Path) -> list[RunConfig]:
    """Return the configs of the runs that a file describes, each with a forget request.

    Raises
    ------
    InputError
        If the file cannot be read or describes no run.
    """
    try:
        configs = _requests(_parsed(path), path)
    except RecursionError:
        raise InputError(f"{path} is nested too deeply to be a config.") from None
    if not configs:
        raise InputError(f"{path} must say what to forget, got a forget request of kind 'none'.")
    return configs


def _requests(plain: Any, path: Path) -> list[RunConfig]:
    if not isinstance(plain, dict):
        raise InputError(f"{path} must hold an object of named settings, got {plain!r:.60}.")
    is_report = any(name in plain for name in NESTED)
    described = list(_described(plain)) if is_report else [plain.get("config", plain)]
    configs = {config.key(): config for config in map(RunConfig.from_dict, described)}
    return [config for config in configs.values() if config.forget.kind != "none"]


def _described(plain: Any) -> Iterator[Any]:
    """Yield the configs of all runs in a report."""
    if not isinstance(plain, dict):
        raise InputError(f"A report must list runs as objects, got {plain!r:.60}.")
    for name in NESTED:
        entries = plain.get(name, [])
        if not isinstance(entries, list):
            raise InputError(f"A report's {name} must be a list, got {entries!r:.60}.")
        for entry in entries:
            if isinstance(entry, dict) and "config" in entry:
                yield entry["config"]
            else:
                yield from _described(entry)


def _parsed(path: Path) -> Any:
    text = read_text(path, "config file")
    try:
        return json.loads(text, parse_constant=_not_a_number, object_pairs_hook=_each_name_once)
    except InputError:
        raise
    except ValueError as error:  # no JSON, or a number of thousands of digits
        raise InputError(f"{path} is not JSON: {error}") from error


def _not_a_number(text: str) -> float:
    raise InputError(f"A config must hold finite numbers, got {text}.")


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    settings = dict(pairs)
    if len(settings) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"A config must name each setting once, got {twice!r} more than once.")
    return settings
