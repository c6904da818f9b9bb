"""Make the comparisons that ship with the project: real runs, copied without their large files.

What the pages show stays: metrics, histories, and maps, logits and features in half precision.
Weights stay only where new runs start from them (the base and the retrained model of the first
comparison).  The incremental run, which has a page of its own, keeps its numbers and maps alone.
The manifest says what is missing.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.engine.pipeline import OnProgress, execute
from unlearn_core.methods import usual_settings
from unlearn_core.methods.settings import changed
from unlearn_core.runs import catalogue
from unlearn_core.runs.artefact import (
    ARRAYS,
    COMPRESSED,
    HISTORY,
    LOG,
    MANIFEST,
    METRICS,
    MODEL,
    RunArtefact,
)
from unlearn_core.runs.gamma_sweep import GAMMAS
from unlearn_core.runs.manifest import manifest_bytes
from unlearn_core.runs.plan import comparison_config, incremental_config, run_configs
from unlearn_core.runs.store import Store
from unlearn_core.runs.writer import describe_file

DATASET = "digits"
CLASS = ForgetConfig(kind="class", values=(3,))
SAMPLE = ForgetConfig(kind="random", values=(64,))
# shipped on one class; a method that is added later ships nothing until it is named here
SHIPPED_METHODS = (
    *("badt", "cf_k", "eu_k", "finetune", "fisher", "muda", "neggrad", "neggrad_ft"),
    *("neggrad_plus", "neglora", "partial_neggrad", "retrain", "rfa", "scrub", "sparse_neglora"),
    *("trick_calibration", "trick_forget_bias", "trick_head_finetune"),
)
SAMPLE_METHODS = ("rfa", "muda", "neglora", "neggrad", "finetune")
NUMBERS = (METRICS, HISTORY, LOG)


def demo_configs() -> list[RunConfig]:
    """Return the runs that are shipped: each with what the pages need to show it."""
    return [*_class_runs(), *_sample_runs()]


def _class_runs() -> list[RunConfig]:
    """Return the shipped methods on one class, RFA's gamma ablation, and the class learned anew."""
    start = comparison_config(DATASET, CLASS)
    settings = {name: changed(usual_settings(name, DATASET, CLASS)) for name in SHIPPED_METHODS}
    runs = [*run_configs(start, settings), *_gamma_runs(start), incremental_config(start)]
    return list({config.key(): config for config in runs}.values())


def _sample_runs() -> list[RunConfig]:
    """Return the papers' own methods on random images, and RFA's gamma ablation."""
    start = comparison_config(DATASET, SAMPLE)
    settings = {name: changed(usual_settings(name, DATASET, SAMPLE)) for name in SAMPLE_METHODS}
    runs = [*run_configs(start, settings), *_gamma_runs(start)]
    return list({config.key(): config for config in runs}.values())


def _gamma_runs(start: RunConfig) -> list[RunConfig]:
    return [
        replace(
            start,
            method="rfa",
            settings=changed(usual_settings("rfa", DATASET, start.forget, {"gamma": gamma})),
        )
        for gamma in GAMMAS
    ]


def make_demo(folder: Path, on_progress: OnProgress) -> int:
    """Make all runs in a new store, put small copies into `folder`, and return their bytes."""
    configs = demo_configs()
    with tempfile.TemporaryDirectory() as scratch:
        made = Store(Path(scratch) / "made")
        small = Store(Path(scratch) / "demo")
        for config in configs:
            execute(config, store=made, on_progress=on_progress)
        base, retrained = configs[0].base(), configs[0].retrained()
        for config in (base, *configs):
            slim(
                made.load(config.key()),
                small.runs,
                weights=config in (base, retrained),
                arrays=config.role not in ("incremental", "relearning"),
            )
        list_again(small.root)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(small.root, folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def list_again(folder: Path) -> None:
    """Write the catalogue of methods, metrics, data sets and models into `folder`."""
    sources = catalogue.fingerprint(with_plugins=False)
    content = {**catalogue.listed(with_plugins=False), "sources": sources}
    Store(folder).write_document(catalogue.NAME, content)


def slim(run: RunArtefact, runs: Path, *, weights: bool, arrays: bool = True) -> None:
    """Copy a run without its frames, and with its weights and its arrays only if asked for."""
    small = {name: narrow(run.table(name)) for name in run.files if name.startswith("projection-")}
    if arrays:
        small[ARRAYS + COMPRESSED] = _compressed(save_arrays(half(run.arrays(ARRAYS))))
    kept = [*NUMBERS, *([MODEL] if weights else [])]
    copy_files(run, runs, kept, small)


def copy_files(
    run: RunArtefact, runs: Path, names: Iterable[str], changed: Mapping[str, bytes] | None = None
) -> None:
    """Copy files of a run, as they are or `changed`, with a manifest that lists them."""
    folder = runs / run.key
    folder.mkdir(parents=True)
    contents = {name: run.read(name) for name in names if run.has(name)}
    if METRICS in contents:
        contents[METRICS + COMPRESSED] = _compressed(contents.pop(METRICS))
    for name, content in {**contents, **(changed or {})}.items():
        (folder / name).write_bytes(content)
    files = {path.name: describe_file(path) for path in sorted(folder.iterdir())}
    halves = ["features", "logits"] if ARRAYS + COMPRESSED in files else []
    manifest = {
        **run.manifest,
        "files": files,
        "left_out": sorted(set(run.files) - {name.removesuffix(COMPRESSED) for name in files}),
        "half_precision": [*halves, "maps"] if changed else [],
    }
    del manifest["checksum"]
    (folder / MANIFEST).write_bytes(manifest_bytes(manifest))


def _compressed(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


def half(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays in half precision, where they fit, and with short integers."""
    small = dict(arrays)
    for name in ("features", "logits"):
        if np.abs(arrays[name]).max() < np.finfo(np.float16).max:
            small[name] = arrays[name].astype(np.float16)
    small["example_ids"] = arrays["example_ids"].astype(np.int32)
    small["labels"] = arrays["labels"].astype(np.int16)
    return {name: np.ascontiguousarray(array) for name, array in small.items()}


def narrow(table: pd.DataFrame) -> bytes:
    """Return a map as parquet with positions in half precision and short integers."""
    types = {
        name: np.float16 if np.issubdtype(dtype, np.floating) else np.int32
        for name, dtype in table.dtypes.items()
    }
    buffer = io.BytesIO()
    table.astype(types).to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()
