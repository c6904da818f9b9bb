"""The commands `check-method` and `measure`, for whoever adds a method or a metric."""

from __future__ import annotations

import argparse
from inspect import getsourcefile
from pathlib import Path

from unlearn_core import plugins
from unlearn_core.checks import MissingFileError
from unlearn_core.cli import inputs
from unlearn_core.runs.again import NOT_MEASURED
from unlearn_core.runs.store import Store, default_root

DID_NOT_HOLD = 1


def check_method(args: argparse.Namespace) -> int:
    """Run the contract's checks on the methods of one file; print what fails, one line each."""
    from unlearn_core.methods import METHODS
    from unlearn_core.methods.contract import CHECKS, broken_checks

    path = Path(args.file).resolve()
    if not path.is_file():
        raise MissingFileError(f"There is no file {args.file}.")

    def registered() -> list[str]:
        files = {name: getsourcefile(method.run) for name, method in METHODS.items()}
        return [name for name, file in files.items() if file and Path(file).resolve() == path]

    try:
        if not registered():
            plugins.load_file(path)
    except Exception as error:  # whatever the file does when it is imported
        print(plugins.broken_line(path, error))
        return DID_NOT_HOLD
    names, wrong = registered(), 0
    for name in names:
        lines = broken_checks(METHODS[name])
        wrong += len(lines)
        for line in lines:
            print(f"{name}: {line}")
    if not names:
        print(f"{path} registers no method; see docs/adding.md")
    else:
        print(f"{', '.join(names)}: {len(CHECKS)} checks each, {wrong} failed.")
    return DID_NOT_HOLD if wrong or not names else 0


def measure(args: argparse.Namespace) -> int:
    """Compute the metrics of finished runs again, of all own ones if none is named.

    With `--relearn`, teach their models a few forgotten examples again instead.
    """
    from unlearn_core.engine.environment import choose_device
    from unlearn_core.engine.remeasure import measure_all
    from unlearn_core.engine.teach_again import teach_all

    store = Store(inputs.require_folder(default_root()), demo=True)
    lines = []
    if args.relearn:
        told = teach_all(store, args.keys, args.device)
    else:
        told = measure_all(store, args.keys, choose_device(args.device))
    for line in told:
        print(line)
        lines.append(line)
    failed = sum(NOT_MEASURED in line for line in lines)
    print(f"{len(lines) - failed} runs measured.")
    return DID_NOT_HOLD if failed else 0
