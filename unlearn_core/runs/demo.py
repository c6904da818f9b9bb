"""The shipped comparison: real finished runs, made from nothing and then made small.

What a page shows stays: metrics, histories, maps, logits in full and features in half precision.
Weights stay only where new runs start from them (the base and the retrained model of the main
comparison).  Runs of the gamma sweeps keep their numbers alone.  The manifest says what is missing.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.methods import METHODS, resolve_settings
from unlearn_core.methods.settings import plain
from unlearn_core.runs import catalogue
from unlearn_core.runs.artefact import ARRAYS, HISTORY, LOG, MANIFEST, METRICS, MODEL, RunArtefact
from unlearn_core.runs.pipeline import OnProgress, execute
from unlearn_core.runs.plan import comparison_config, run_configs
from unlearn_core.runs.store import Store
from unlearn_core.runs.writer import describe_file

DATASET = "digits"
CLASS = ForgetConfig(kind="class", values=(3,))
SAMPLE = ForgetConfig(kind="random", values=(64,))
GAMMAS = (0.0, 0.25, 0.5, 0.75, 1.0)
NUMBERS = (METRICS, HISTORY, LOG)


def demo_configs() -> tuple[list[RunConfig], list[RunConfig]]:
    """Return the runs that are shipped with all that pages show, and those with numbers only."""
    chosen = comparison_config(DATASET, CLASS)
    settings = {name: plain(resolve_settings(name, preset=DATASET)) for name in METHODS}
    shown = run_configs(chosen, settings)
    sampled = comparison_config(DATASET, SAMPLE)
    sweep = [
        replace(start, method="rfa", settings={**settings["rfa"], "gamma": gamma})
        for start in (chosen, sampled)
        for gamma in GAMMAS
    ]
    listed = {config.key() for config in shown}
    numbers = [sampled.original(), sampled.retrained(), *sweep]
    return shown, [config for config in numbers if config.key() not in listed]


def make_demo(folder: Path, on_progress: OnProgress) -> int:
    """Make all runs in a new store, put small copies into `folder`, and return their bytes."""
    shown, numbers = demo_configs()
    with tempfile.TemporaryDirectory() as scratch:
        made = Store(Path(scratch) / "made")
        small = Store(Path(scratch) / "demo")
        for config in (*shown, *numbers):
            execute(config, store=made, on_progress=on_progress)
        with_weights = {shown[0].base().key(), shown[0].retrained().key()}
        for key in (shown[0].base().key(), *(config.key() for config in shown)):
            slim(made.load(key), small.runs, weights=key in with_weights)
        for config in numbers:
            copy_files(made.load(config.key()), small.runs, NUMBERS)
        small.write_document(
            catalogue.NAME, {**catalogue.listed(), "sources": catalogue.fingerprint()}
        )
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(small.root, folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def slim(run: RunArtefact, runs: Path, *, weights: bool) -> None:
    """Copy a run without its frames, and without its weights unless asked for."""
    kept = [name for name in run.files if name in NUMBERS or name.startswith("projection-")]
    copy_files(
        run, runs, [*kept, *([MODEL] if weights else [])], {ARRAYS: half(run.arrays(ARRAYS))}
    )


def copy_files(
    run: RunArtefact,
    runs: Path,
    names: Iterable[str],
    changed: dict[str, dict[str, NDArray[Any]]] | None = None,
) -> None:
    """Copy some files of a run, and arrays that were changed, under a manifest of their own."""
    folder = runs / run.key
    folder.mkdir(parents=True)
    for name in names:
        if run.has(name):
            (folder / name).write_bytes(run.read(name))
    for name, arrays in (changed or {}).items():
        (folder / name).write_bytes(save_arrays(arrays))
    files = {path.name: describe_file(path) for path in sorted(folder.iterdir())}
    manifest = {
        **run.manifest,
        "files": files,
        "left_out": sorted(set(run.files) - set(files)),
        "half_precision": ["features"] if changed else [],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def half(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays with features in half precision, where they fit, and short integers."""
    small = dict(arrays)
    if np.abs(arrays["features"]).max() < np.finfo(np.float16).max:
        small["features"] = arrays["features"].astype(np.float16)
    small["example_ids"] = arrays["example_ids"].astype(np.int32)
    small["labels"] = arrays["labels"].astype(np.int16)
    return {name: np.ascontiguousarray(array) for name, array in small.items()}
