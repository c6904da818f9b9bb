"""The commands `check-method` and `measure`, for whoever adds a method or a metric."""

from __future__ import annotations

import argparse
from pathlib import Path

from unlearn_core.checks import MissingFileError
from unlearn_core.cli import inputs
from unlearn_core.runs.again import NOT_MEASURED
from unlearn_core.runs.store import Store, default_root

DID_NOT_HOLD = 1


def check_method(args: argparse.Namespace) -> int:
    """Run the contract's checks on the methods of one file; print what fails, one line each."""
    from unlearn_core.engine.check_method import check_file
    from unlearn_core.methods.contract import CHECKS

    path = Path(args.file).resolve()
    if not path.is_file():
        raise MissingFileError(f"There is no file {args.file}.")
    checked = check_file(path)
    for line in checked.faults:
        print(line)
    if checked.methods:
        names, wrong = ", ".join(checked.methods), len(checked.faults)
        print(f"{names}: {len(CHECKS)} checks each, {wrong} failed.")
    return DID_NOT_HOLD if checked.faults else 0


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
