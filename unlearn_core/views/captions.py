"""The recipe under a plot or table: what it was made from, so that it can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from unlearn_core.data import DATASETS
from unlearn_core.records import Sets
from unlearn_core.runs.report import Report
from unlearn_core.runs.tracked import TRACKED
from unlearn_core.views.wording import describe_forget


def recipe(report: Report, *, with_request: bool = True) -> str:
    """Return data, model, request, training and seeds of a comparison in one line."""
    about = report.comparison
    spec = DATASETS.get(about["dataset"])
    model, training = about["model"], about["training"]
    limit = about["data"].get("train_examples")
    data = f"{spec.label if spec else about['dataset']}{f', {limit:,} images' if limit else ''}"
    return "; ".join(
        [
            data,
            _network(model),
            *([f"forget {describe_forget(about['forget'], ())}"] if with_request else []),
            f"{training['epochs']} epochs of {training['optimizer']} at learning rate "
            f"{training['learning_rate']:g} ({training['schedule']}), "
            f"batch {training['batch_size']}",
            seeds_text(about["seeds"]),
        ]
    )


def _network(model: Mapping[str, Any]) -> str:
    size = model["input_size"]
    parts = [
        f"{model['name']}, width {model['width']}, {model['norm']} norm",
        *(["from ImageNet weights"] if model["pretrained"] else []),
        *([f"images scaled to {size}x{size}"] if size else []),
    ]
    return ", ".join(parts)


def seeds_text(seeds: list[int]) -> str:
    """Return "seed 0" or "seeds 0, 1, 2"."""
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def missing_rows(report: Report, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per metric and reason for which values are missing.

    `labels` maps the names of the metrics of interest to how they are written.
    Columns: `Metric`, `Missing for`, `Reason`.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for run in report.runs:
        for name, reason in run["reasons"].items():
            if name in labels:
                found = groups.setdefault((labels[name], reason), [])
                if run["label"] not in found:
                    found.append(run["label"])
    rows = [(metric, ", ".join(found), reason) for (metric, reason), found in groups.items()]
    return pd.DataFrame(rows, columns=["Metric", "Missing for", "Reason"])


def cost_rows(report: Report) -> pd.DataFrame:
    """Return one row per run: what it cost and where it was made.

    Columns: `Method`, `Seed`, `Seconds`, `Trained parameters`, `Device`, `Threads`, `Python`,
    `Versions`, `Commit`, `Run`.
    """
    rows = []
    for run in report.runs:
        made = run["environment"]
        versions = [f"{name} {version}" for name, version in made["packages"].items() if version]
        rows.append(
            {
                "Method": run["label"],
                "Seed": run["seed"],
                "Seconds": run["metrics"].get("unlearn_seconds"),
                "Trained parameters": run["metrics"].get("trainable_parameters"),
                "Device": made["device"],
                "Threads": made["threads"],
                "Python": made["python"],
                "Versions": ", ".join(versions),
                "Commit": made["commit"],
                "Run": run["key"],
            }
        )
    table = pd.DataFrame(rows)
    counts = {"Seconds": "Float64", "Trained parameters": "Int64"}
    return table.astype({name: kind for name, kind in counts.items() if name in table})


def tracked_text(sets: Sets) -> str:
    """Return how many examples of each set are followed on the way."""
    counts = {name: min(int(getattr(sets, name).sum()), most) for name, most in TRACKED.items()}
    names = {"forget": "D_f", "retain": "D_r", "forget_test": "D_ft", "retain_test": "D_rt"}
    shown = [f"{counts[name]} of {names[name]}" for name in names if counts[name]]
    return f"{sum(counts.values())} tracked examples ({', '.join(shown)})"
