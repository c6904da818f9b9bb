"""The whole comparison on digits, all methods, in a new store and again: seconds on the clock.

    PYTHONPATH=. .venv/bin/python benchmarks/whole_comparison.py

The goal is 75 s cold and 5 s warm on two cores.  Each is a process of its own, as a person starts
it, with the imports and the training of the original and the retrained model.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

from timing import hardware, seconds

COMMAND = ("compare", "--dataset", "digits", "--forget-class", "3", "--quiet", "--methods")


def main() -> None:
    """Print both times."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--methods", default="all")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as store:
        # a store elsewhere is empty: the runs that ship are those of the default one
        where = {**os.environ, "UNLEARN_CACHE": store}
        command = [sys.executable, "-m", "unlearn_core", *COMMAND, args.methods]
        for name in ("cold", "warm"):
            took = seconds(
                lambda: subprocess.run(command, env=where, check=True, stdout=subprocess.DEVNULL)
            )
            print(f"{name}: {took:.1f} s", flush=True)
    print(hardware())


if __name__ == "__main__":
    main()
