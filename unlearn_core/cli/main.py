"""Entry of `python -m unlearn_core`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence

from unlearn_core.cli.commands import DID_NOT_WORK
from unlearn_core.cli.parser import build_parser
from unlearn_core.runs.artefact import CorruptRunError

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 2 and one clear line for bad input."""
    parsed = build_parser().parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    parsed.command_line = shlex.join(["python", "-m", "unlearn_core", *given])
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except (ValueError, LookupError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except (CorruptRunError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return DID_NOT_WORK
    except KeyboardInterrupt:
        print("stopped; finished runs are kept", file=sys.stderr)
        return 130
