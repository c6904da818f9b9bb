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
    plain = _read(path)
    if not isinstance(plain, dict):
        raise InputError(f"{path} must hold an object of named settings, got {plain!r:.60}.")
    is_report = any(name in plain for name in NESTED)
    found = list(_described(plain)) if is_report else [plain.get("config", plain)]
    configs = [RunConfig.from_dict(each) for each in found]
    requests = [config for config in configs if config.forget.kind != "none"]
    if not requests:
        raise InputError(f"{path} must say what to forget, got a forget request of kind 'none'.")
    return requests


def _described(plain: dict[str, Any]) -> Iterator[Any]:
    """Yield the configs of all runs in a report."""
    for name in NESTED:
        for entry in plain.get(name) or ():
            if "config" in entry:
                yield entry["config"]
            else:
                yield from _described(entry)


def _read(path: Path) -> Any:
    try:
        return json.loads(read_text(path, "config file"), parse_constant=_not_a_number)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}") from error


def _not_a_number(text: str) -> float:
    raise InputError(f"A config must hold finite numbers, got {text}.")
