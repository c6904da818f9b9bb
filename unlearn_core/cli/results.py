"""Print and save what came of a comparison; the command `report` does so for a finished one."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from typing import TYPE_CHECKING

from unlearn_core.checks import InputError
from unlearn_core.cli import inputs
from unlearn_core.runs.store import Store, default_root

if TYPE_CHECKING:
    from unlearn_core.runs.comparison import Comparison
    from unlearn_core.runs.report import Report

SHORTEST = 4  # digits of a key


def report(args: argparse.Namespace) -> int:
    """Print the table of a finished comparison and write the files asked for; make no run."""
    inputs.require_writable(args)
    require_plotly(args)
    show(_finished(args.comparison), args)
    return 0


def require_plotly(args: argparse.Namespace) -> None:
    """Raise `InputError` where `--html` is asked for and plotly is not there, before any work."""
    if getattr(args, "html", None) and importlib.util.find_spec("plotly") is None:
        raise InputError(
            "--html needs plotly; in a copy of the project: pip install '.[dashboard]'"
        )


def show(comparison: Comparison, args: argparse.Namespace) -> None:
    """Print the comparison's table and verdicts, and write the files that the options name."""
    from unlearn_core.runs.report import report as report_of
    from unlearn_core.views import audits, tables
    from unlearn_core.views.verdicts import evidence_text

    result = report_of(comparison)
    if not args.quiet:
        shown = tables.with_values(result, tables.MAIN)
        print(tables.to_text(tables.display_table(result, shown).starred))
        print(evidence_text(result))
        for row in result.verdicts.to_dict("records"):
            word = ", ".join(filter(None, (row["word"], row["agreement"])))
            print(f"{row['label']}: {word} ({row['because']})")
        if getattr(args, "audits", False):
            print(audits.text(result))
    if args.json:
        content = {**result.plain(), "summary": result.summary_records()}
        content["disagreement"] = result.disagreement
        content["command"] = args.command_line
        text = json.dumps(content, indent=1, allow_nan=False)
        inputs.write_text(args.json, text + "\n")
    if args.csv:
        inputs.write_text(args.csv, tables.long_csv(result))
    _hand_out(comparison, result, args)


def _hand_out(comparison: Comparison, result: Report, args: argparse.Namespace) -> None:
    """Write the HTML file and the zip, which need the data set or what is kept of it."""
    html, zipped = getattr(args, "html", None), getattr(args, "zip", None)
    if not (html or zipped):
        return
    from unlearn_core.data.splits import split
    from unlearn_core.runs.kept_labels import dataset_or_labels
    from unlearn_core.views.handout.archive import archive
    from unlearn_core.views.handout.page import handout_html

    config = comparison.config
    dataset = dataset_or_labels(Store(default_root(), demo=True), config.data)
    sets = split(dataset, config.forget)
    if html:
        text = handout_html(comparison, result, dataset, sets, pictures=args.pictures)
        inputs.write_text(html, text)
    if zipped:
        inputs.write_bytes(zipped, archive(comparison, result, dataset, sets))


def _finished(key: str) -> Comparison:
    """Return the comparison whose key, or one of whose runs' keys, begins with `key`."""
    from unlearn_core.runs.comparison import survey
    from unlearn_core.views.wording import comparison_titles

    if len(key) < SHORTEST:
        raise InputError(f"A key needs at least {SHORTEST} digits, got {key!r}.")
    found = survey(Store(inputs.require_folder(default_root()), demo=True))
    for run in found.damaged:
        print(f"left out: {run.reason}", file=sys.stderr)
    named = [
        one
        for one in found.comparisons
        if any(name.startswith(key) for name in (one.key, *(run.key for run in one.runs)))
    ]
    if len(named) == 1:
        return named[0]
    titles = "; ".join(f"{key} ({title})" for key, title in comparison_titles(named).items())
    if titles:
        raise InputError(f"{key!r} begins the keys of several comparisons: {titles}.")
    raise InputError(
        f"No finished comparison or run has a key that begins with {key!r}; "
        "`list comparisons` names those that there are."
    )
