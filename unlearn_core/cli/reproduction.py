"""The command `reproduce`: run the experiments of a paper's table, at a chosen scale."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any

import pandas as pd

from unlearn_core.checks import InputError
from unlearn_core.cli import inputs
from unlearn_core.cli.progress import ProgressBar
from unlearn_core.runs.store import Store, default_root

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")


def reproduce(args: argparse.Namespace) -> int:
    """Run a table's experiments and print paper and measured side by side.

    Raises
    ------
    InputError
        At the end, if none of them can be run here, such as without their data.
    """
    from unlearn_core.engine.pipeline import execute
    from unlearn_core.papers.experiments import experiments
    from unlearn_core.papers.reproduce import reproduce as measure

    inputs.require_writable(args)
    seeds = inputs.integers(args.seeds, "--seeds")
    store = Store(inputs.require_folder(default_root()))
    results = []
    table = table_name(args.paper, args.table)
    with ProgressBar(args.quiet) as bar:
        make = partial(execute, store=store, on_progress=bar, device=args.device)
        for experiment in experiments(args.paper, table, args.scale):
            rows = measure(experiment, store=store, execute=make, seeds=seeds)
            results.append((experiment, rows))
    everything = pd.concat([rows for _, rows in results], ignore_index=True)
    if not args.quiet:
        _print(args, table, results)
    if args.json:
        content = _content(args, table, results, seeds, store)
        text = json.dumps(content, indent=1, allow_nan=False)
        inputs.write_text(args.json, text + "\n")
    if args.csv:
        inputs.write_text(args.csv, everything.to_csv(index=False))
    if all(experiment.reason for experiment, _ in results):
        raise InputError(results[0][0].reason)
    return 0 if everything["measured"].notna().any() else 1


def table_name(paper: str, text: str) -> str:
    """Return a table's printed name: RFA's are Roman numbers, NegLoRA's are figures.

    Examples
    --------
    >>> table_name("rfa", "5"), table_name("neglora", "2"), table_name("muda", "a")
    ('V', 'Figure 2', 'A')
    """
    if paper == "rfa" and text.isdecimal() and 1 <= int(text) <= len(ROMAN):
        return ROMAN[int(text) - 1]
    if paper == "neglora" and text.isdecimal():
        return f"Figure {text}"
    return text.upper() if paper != "neglora" else text


def _print(args: argparse.Namespace, table: str, results: list[tuple[Any, pd.DataFrame]]) -> None:
    from unlearn_core.views import reproduction, tables

    print(f"{args.paper}, table {table}, at scale {args.scale}: printed / measured")
    for experiment, rows in results:
        for title, columns in reproduction.side_by_side(rows).items():
            print(f"\n{title}")
            print(tables.to_text(columns))
        for note in experiment.notes:
            print(f"differs: {note}")
        for line in (*reproduction.reasons(rows), *reproduction.errata(rows)):
            print(line)


def _content(
    args: argparse.Namespace,
    table: str,
    results: list[tuple[Any, pd.DataFrame]],
    seeds: list[int],
    store: Store,
) -> dict[str, Any]:
    from unlearn_core.config import SCHEMA_VERSION
    from unlearn_core.papers.reproduce import runs_behind

    experiments = [
        {
            "data": [start.to_dict() for start in experiment.starts],
            "runs": runs_behind(experiment, seeds, store),
            "notes": list(experiment.notes),
            "reason": experiment.reason,
            "rows": json.loads(rows.to_json(orient="records")),  # NaN becomes null
        }
        for experiment, rows in results
    ]
    return {
        "paper": args.paper,
        "table": table,
        "scale": args.scale,
        "seeds": seeds,
        "schema": SCHEMA_VERSION,
        "command": args.command_line,
        "experiments": experiments,
    }
