"""Check a file that registers methods, as `check-method` and the Unlearn page do.

``python -m unlearn_core.engine.check_method FILE`` prints the result as JSON.  Checking runs the
file: it is a program like any other.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from inspect import getsourcefile
from pathlib import Path

from unlearn_core import plugins
from unlearn_core.methods import METHODS
from unlearn_core.methods.contract import broken_checks


@dataclass(frozen=True, kw_only=True)
class CheckedFile:
    """The names of the methods that a file registers, and a line for each check that fails."""

    methods: list[str]
    faults: list[str]


def check_file(path: Path) -> CheckedFile:
    """Import a file unless it is imported, and run every check of the contract on its methods."""
    try:
        if not _registered(path):
            plugins.load_file(path)
    except Exception as error:  # whatever the file does when it is imported
        return CheckedFile(methods=[], faults=[plugins.broken_line(path, error)])
    names = _registered(path)
    if not names:
        return CheckedFile(methods=[], faults=[f"{path} registers no method; see docs/adding.md"])
    faults = [f"{name}: {line}" for name in names for line in broken_checks(METHODS[name])]
    return CheckedFile(methods=names, faults=faults)


def _registered(path: Path) -> list[str]:
    files = {name: getsourcefile(method.run) for name, method in METHODS.items()}
    return [name for name, file in files.items() if file and Path(file).resolve() == path]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(check_file(Path(sys.argv[1]).resolve()))) + "\n")
