"""Print and save the result of `incremental`: each seed's model before and after learning."""

from __future__ import annotations

import argparse
import json

from unlearn_core.cli.inputs import write_text
from unlearn_core.runs.comparison import Comparison


def show_learned(comparison: Comparison, args: argparse.Namespace) -> None:
    """Print the table and the nearest classes, and write what the options ask for."""
    from unlearn_core.data.splits import split
    from unlearn_core.engine.request import dataset_of
    from unlearn_core.runs.incremental import OLD, incremental_report
    from unlearn_core.views import incremental
    from unlearn_core.views.tables import to_text

    config = comparison.config
    dataset = dataset_of(config.data)
    content = incremental_report(comparison, dataset, split(dataset, config.forget))
    content["command"] = args.command_line
    if not args.quiet:
        print(to_text(incremental.metric_table(comparison).set_index(["Model", "Seed"])))
        for model in content["models"]:
            nearest = incremental.nearest_text(model["nearest_classes"])
            if model["name"] == OLD and nearest:
                print(f"Seed {model['seed']}, before it is learned, nearest to classes: {nearest}")
    if args.json:
        write_text(args.json, json.dumps(content, indent=1, allow_nan=False) + "\n")
    if args.csv:
        write_text(args.csv, incremental.metric_rows(comparison).to_csv(index=False))
