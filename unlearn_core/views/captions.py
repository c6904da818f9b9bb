"""Captions under charts and tables: what they were made from, so that they can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unlearn_core.config import TEXT_NETWORKS, DataConfig
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.runs.report import Report
from unlearn_core.runs.tracked import TRACKED
from unlearn_core.views.names import SET_SYMBOLS
from unlearn_core.views.wording import data_label, describe_forget, known_names


def comparison_caption(report: Report, *, with_request: bool = True) -> str:
    """Return data, model, request, training and seeds of a comparison in one line."""
    about = report.comparison
    model, training = about["model"], about["training"]
    limit = about["data"].get("train_examples")
    data_config = DataConfig(**about["data"])
    name, names = data_label(data_config), known_names(data_config, about.get("class_names", ()))
    data = f"{name}{f', {limit:,} examples' if limit else ''}"
    return "; ".join(
        [
            data,
            _network(model),
            *([f"forget {describe_forget(about['forget'], names)}"] if with_request else []),
            f"{training['epochs']} epochs of {training['optimizer']} at learning rate "
            f"{training['learning_rate']:g} ({training['schedule']}), "
            f"batch {training['batch_size']}",
            *(["retrained from the same initial weights"] if about.get("same_start") else []),
            seeds_text(about["seeds"]),
        ]
    )


def origin_note(report: Report) -> str:
    """Return what a table says of its origin, packages too, and how its cells are read."""
    packages = report.runs[0]["environment"]["packages"] if report.runs else {}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    return (
        f"{comparison_caption(report)}. ± is the standard deviation over a method's seeds; in "
        "parentheses stands the distance to the retrained models' mean, where σ is what one more "
        f"retrained model may differ by; the nearest in bold. Made with {versions}"
    )


def _network(model: Mapping[str, Any]) -> str:
    size = model["input_size"]
    shape = [f"{model['norm']} norm"] if model["name"].startswith("resnet") else []
    if model["name"] in TEXT_NETWORKS:
        shape = [f"layers {model['layers']}, heads {model['heads']}, length {model['length']}"]
    parts = [
        f"{model['name']}, width {model['width']}",
        *shape,
        *(["from published weights"] if model["pretrained"] else []),
        *([f"the original from a file, {model['weights']}"] if model.get("weights") else []),
        *([f"images scaled to {size}x{size}"] if size else []),
    ]
    return ", ".join(parts)


def seeds_text(seeds: list[int]) -> str:
    """Return "seed 0" or "seeds 0, 1, 2"."""
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def probes_caption() -> str:
    """Return how many examples the curves of a run in progress rest on at most."""
    forget, retain = (
        f"{TRACKED[name]} examples of {SET_SYMBOLS[name]}" for name in ("forget", "retain")
    )
    return f"Probes look at up to {forget} and {retain}."


def tracked_caption(sets: Sets) -> str:
    """Return how many examples of each set are followed while a method is at work."""
    counts = {name: min(int(getattr(sets, name).sum()), most) for name, most in TRACKED.items()}
    parts = [f"{count} of {SET_SYMBOLS[name]}" for name, count in counts.items() if count]
    return f"{sum(counts.values())} tracked examples ({', '.join(parts)})"


def seeds_apart_text(report: Report, runs: Sequence[RunArtefact]) -> str:
    """Say, in Markdown, which models' own verdicts are not those of all their seeds; else ""."""
    methods = report.verdicts[~report.verdicts["method"].isin(REFERENCES)]
    words = methods.set_index("label")[["word", "agreement"]].to_dict("index")
    shown = {run.key for run in runs}
    told = [
        f"**{run['label']}**: {run['verdict']}, and over its seeds {found['word']}"
        + (f" ({found['agreement']})" if found["agreement"] else "")
        for run in report.runs
        if run["key"] in shown
        if (found := words.get(run["label"])) and found["word"] != run["verdict"]
    ]
    return f"Headings tell of seed {runs[0].config.seed} alone. {'; '.join(told)}." if told else ""


def maps_caption(panels: Sequence[Mapping[str, Any]], layout: str, n_total: int) -> str:
    """Return how the maps were made, in one line.

    Each panel has a `label` and `facts`, what the run's manifest says of its map; of a linear
    layout the `share` of the variance too.
    """
    facts = panels[0]["facts"]
    if layout == "linear":
        shares = [
            f"{p['label']} {p['share']:.0%}" for p in panels if np.isfinite(p.get("share", np.nan))
        ]
        return (
            f"First three principal components of penultimate features; {facts['n_examples']:,} of "
            f"{n_total:,} examples; each model's scaled to one size and turned onto the "
            "original's (orthogonal Procrustes). Share of the variance that is shown: "
            f"{', '.join(shares) or 'not known'}."
        )
    name = "trustworthiness" if layout == "aligned" else "own_trustworthiness"
    trust = [
        f"{p['label']} {p['facts'][name]:.3f}" for p in panels if p["facts"].get(name) is not None
    ]
    placed = {
        "aligned": "started from the original's layout and turned onto it (orthogonal Procrustes)",
        "own": "each laid out by itself, so places cannot be compared between maps",
    }[layout]
    return (
        f"UMAP of penultimate features; {facts['n_examples']:,} of {n_total:,} examples; seed "
        f"{facts['seed']}; {facts['n_neighbors']} neighbours; {placed}. "
        f"Trustworthiness (1 is best): {', '.join(trust) or 'not defined for so few examples'}."
    )
