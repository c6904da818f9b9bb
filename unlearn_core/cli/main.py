"""Entry of `python -m unlearn_core`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence

from unlearn_core import plugins
from unlearn_core.checks import InputError
from unlearn_core.cli.commands import DID_NOT_WORK
from unlearn_core.cli.parser import build_parser
from unlearn_core.runs import faults
from unlearn_core.runs.store import default_root

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    Bad input is one clear line and 2; what else does not work is 1, with one line for what the
    machine lacks and the traceback for a fault of the program.
    """
    parsed = build_parser().parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    parsed.command_line = shlex.join(["python", "-m", "unlearn_core", *given])
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except Exception as error:
        known = faults.named(error, default_root())
        print(faults.report(known, "error"), file=sys.stderr)
        return BAD_INPUT if isinstance(known, InputError) else DID_NOT_WORK
    except KeyboardInterrupt:
        print("stopped; finished runs are kept", file=sys.stderr)
        return 130
    finally:
        for line in plugins.broken():
            print(line, file=sys.stderr)
