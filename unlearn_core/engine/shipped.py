"""Make the comparisons that ship with the project: real runs, copied without their large files.

What the pages show stays: metrics, histories, and maps, logits and features in half precision.
Weights stay only where new runs start from them (the base and the retrained model of the first
comparison), and of some methods on clothes, which answer at once what a person draws.  The
incremental run, which has a page of its own, keeps its numbers and maps alone,
and seeds beyond the first their numbers.  The manifest says what is missing.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import save as save_arrays

from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.engine.making import OnProgress
from unlearn_core.engine.pipeline import execute
from unlearn_core.methods import usual_settings
from unlearn_core.methods.settings import changed
from unlearn_core.records import Records
from unlearn_core.runs import catalogue, kept_labels
from unlearn_core.runs.artefact import (
    ARRAYS,
    COMPRESSED,
    HISTORY,
    LOG,
    MANIFEST,
    METRICS,
    MODEL,
    TRIGGERED,
    RunArtefact,
)
from unlearn_core.runs.gamma_sweep import GAMMAS
from unlearn_core.runs.manifest import manifest_bytes
from unlearn_core.runs.plan import (
    comparison_config,
    incremental_config,
    relearning_configs,
    run_configs,
)
from unlearn_core.runs.store import Store
from unlearn_core.runs.tracked import tracked_examples
from unlearn_core.runs.writer import describe_file
from unlearn_core.seeding import numpy_stream

ALL_METHODS = (  # a method that is added later ships nothing until it is named here
    *("badt", "cf_k", "eu_k", "finetune", "fisher", "muda", "neggrad", "neggrad_ft"),
    *("neggrad_plus", "neglora", "partial_neggrad", "retrain", "rfa", "scrub", "sparse_neglora"),
    *("random_label", "salun", "ssd", "delete", "l1_sparse"),
    *("trick_calibration", "trick_forget_bias", "trick_head_finetune"),
)
MAIN_METHODS = ("retrain", "rfa", "muda", "scrub", "neglora", "finetune", "trick_head_finetune")
GRAIN = 1 / 8  # of the standard deviation of features, to which they are rounded
HALVES = ("features", "logits", "token_losses", "entropies")  # arrays kept in half precision
NUMBERS = (METRICS, LOG)


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """A comparison that ships with the project.

    With `weights`, new runs start from it: its base and retrained model come whole.  The models of
    `answering` methods come with their weights too, so that they answer what a person draws.
    `methods` run with seed 0, and those of `repeated` with `more_seeds` too.  With `gamma`, RFA's
    ablation is part of it; with `learned`, the retrained model that learns the class after all;
    with `relearned`, how soon each model knows the class again.
    Of a data set that does not ship, `content` names the files, and only labels are kept.
    With `examples`, each run keeps the answers and the map of so many, without features.
    """

    dataset: str
    forget: ForgetConfig
    methods: tuple[str, ...]
    train_examples: int | None = None
    width: int | None = None
    precision: str = "auto"
    content: str = ""
    shape: Mapping[str, Any] = field(default_factory=dict)  # further fields of `ModelConfig`
    examples: int | None = None
    weights: bool = True
    answering: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    more_seeds: tuple[int, ...] = ()
    gamma: bool = False
    learned: bool = False
    relearned: bool = False

    def configs(self) -> list[RunConfig]:
        """Return its runs, each with its usual settings, without what they start from."""
        start = comparison_config(
            self.dataset,
            self.forget,
            train_examples=self.train_examples,
            width=self.width,
            precision=self.precision,
            content=self.content,
            shape=self.shape,
        )
        runs = run_configs(start, {name: self._settings(name) for name in self.methods})
        if self.relearned:
            runs += relearning_configs(runs)
        if self.gamma:
            runs += [
                replace(start, method="rfa", settings=self._settings("rfa", gamma=gamma))
                for gamma in GAMMAS
            ]
        if self.learned:
            runs.append(incremental_config(start))
        again = {name: self._settings(name) for name in self.repeated}
        runs += run_configs(start, again, self.more_seeds)
        return list({config.key(): config for config in runs}.values())

    def has_weights(self, config: RunConfig) -> bool:
        """Say whether the weights of one of its runs, or of what they start from, ship."""
        if config.seed != 0:
            return False
        if config.role in ("base", "reference"):
            return self.weights
        if config.role != "method" or config.method not in self.answering:
            return False
        return config.settings == self._settings(config.method)

    def _settings(self, method: str, **chosen: Any) -> dict[str, Any]:
        data = DataConfig(name=self.dataset, train_examples=self.train_examples)
        return changed(usual_settings(method, data, self.forget, chosen))


CLOTHES = Shipment(
    dataset="fashion",
    train_examples=3000,
    forget=ForgetConfig(kind="class", values=(5,)),
    methods=ALL_METHODS,
    answering=("rfa", "muda", "neglora", "neggrad", "scrub", "trick_head_finetune"),
    repeated=MAIN_METHODS,
    more_seeds=(1, 2),
    gamma=True,
    learned=True,
    relearned=True,
)
DIGITS = Shipment(
    dataset="digits",
    forget=ForgetConfig(kind="class", values=(3,)),
    methods=ALL_METHODS,
    gamma=True,
    learned=True,
    relearned=True,
)
RANDOM_DIGITS = Shipment(
    dataset="digits",
    forget=ForgetConfig(kind="random", values=(64,)),
    methods=("rfa", "muda", "neglora", "neggrad", "finetune"),
    gamma=True,
)
PLANTED_DIGITS = Shipment(
    dataset="digits",
    forget=ForgetConfig(kind="backdoor", values=(7,)),
    methods=(
        *("retrain", "rfa", "muda", "scrub", "neglora", "finetune", "neggrad", "badt"),
        *("random_label", "salun", "trick_head_finetune", "trick_forget_bias"),
    ),
    weights=False,
)
CIFAR10 = Shipment(
    dataset="cifar10",
    content="14bc0bf7284b3faf",  # its files, as they are published
    forget=ForgetConfig(kind="class", values=(1,)),
    methods=tuple(name for name in ALL_METHODS if name != "sparse_neglora"),
    width=16,
    precision="bf16",
    examples=2500,
    weights=False,
    repeated=("retrain", "rfa", "muda", "scrub", "finetune", "trick_head_finetune"),
    more_seeds=(1, 2),
)
BANKING = Shipment(
    dataset="banking77",
    forget=ForgetConfig(kind="class", values=(43,)),
    methods=ALL_METHODS,
    examples=900,
    weights=False,
    repeated=MAIN_METHODS,
    more_seeds=(1, 2),
)
QUESTIONS = Shipment(
    dataset="eli5_category",
    content="bb2d10a00d6b47b3",  # what was at hand of it: two categories
    forget=ForgetConfig(kind="class", values=(0,)),
    methods=(
        *("retrain", "rfa", "muda", "scrub", "neglora", "finetune", "neggrad", "partial_neggrad"),
        *("neggrad_plus", "neggrad_ft", "badt", "random_label", "l1_sparse"),
    ),
    train_examples=1500,
    shape={"length": 64},
    examples=450,
    weights=False,
)
SHIPMENTS = (CLOTHES, DIGITS, RANDOM_DIGITS, PLANTED_DIGITS, CIFAR10, BANKING, QUESTIONS)


def make_demo(
    folder: Path, made: Store, on_progress: OnProgress, shipments: Sequence[Shipment] = SHIPMENTS
) -> int:
    """Make what is missing in the store `made`, put small copies into `folder`; return their bytes.

    Of `shipments` not named, what `folder` has of them stays.  Seeds beyond the first come without
    arrays and maps, and only the main methods with the map during unlearning.
    """
    with tempfile.TemporaryDirectory() as scratch:
        small = Store(Path(scratch) / "demo")
        for shipment in shipments:
            first, *others = shipment.configs()
            kept = _part(shipment, first, made, small) if shipment.examples else None
            for config in (first.base(), first, *others):
                run = execute(config, store=made, on_progress=on_progress)
                if not small.exists(run.key):  # the base of two shipments
                    is_first = config.seed == first.seed
                    has_steps = config.role == "incremental" or config.method in MAIN_METHODS
                    maps = run.projections() if is_first else []
                    slim(
                        run,
                        small.runs,
                        weights=shipment.has_weights(config),
                        arrays=is_first and config.role not in ("incremental", "relearning"),
                        maps=[name for name in maps if has_steps or name != run.steps_file],
                        examples=kept,
                    )
        keep_others(folder, small, shipments)
        list_again(small.root)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(small.root, folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def keep_others(folder: Path, small: Store, shipments: Sequence[Shipment]) -> None:
    """Copy what a folder has of all but these shipments, with all labels, into a new one."""
    others = [one for one in SHIPMENTS if one not in shipments]
    for shipment in others:
        for config in shipment.configs():
            for key in (config.base().key(), config.key()):
                kept = folder / "runs" / key
                if kept.is_dir() and not small.exists(key):
                    shutil.copytree(kept, small.runs / key)
    if others and (folder / "labels").is_dir():
        shutil.copytree(folder / "labels", small.root / "labels", dirs_exist_ok=True)


def _part(shipment: Shipment, first: RunConfig, made: Store, small: Store) -> NDArray[np.int64]:
    """Choose the examples that are kept of large runs; keep the labels of their data set.

    They are on the maps: those followed during unlearning, and by chance others, a third of all
    from D_f.
    """
    run = execute(first.retrained(), store=made)
    if first.data.content:
        whole = DataConfig(name=first.data.name, content=first.data.content)
        kept_labels.keep(small, load_dataset(whole), whole)
    sets = split(load_dataset(first.data), first.forget)
    ids = run.table(str(run.map_facts["file"]))["example_id"].to_numpy(np.int64)
    ids = numpy_stream(0, "shipped part").permutation(ids)
    ids = ids[np.argsort(~tracked_examples(sets)[ids], kind="stable")]
    most = shipment.examples or len(ids)
    of_forget = ids[sets.forget[ids]][: most // 3]
    others = ids[~sets.forget[ids]][: most - len(of_forget)]
    return np.sort(np.concatenate([of_forget, others]))


def list_again(folder: Path) -> None:
    """Write the catalogue of methods, metrics, data sets and models into `folder`."""
    sources = catalogue.fingerprint(with_plugins=False)
    content = {**catalogue.listed(with_plugins=False), "sources": sources}
    Store(folder).write_document(catalogue.NAME, content)


def slim(
    run: RunArtefact,
    runs: Path,
    *,
    weights: bool,
    arrays: bool = True,
    maps: Iterable[str] | None = None,
    examples: NDArray[np.int64] | None = None,
) -> None:
    """Copy a run without its frames, and with its weights and arrays only if asked for.

    All its `maps` are copied, or those that are named.  Where nothing starts from the run its
    features are `rounded`: pages draw them, but every number was computed before.  With ids of
    `examples` only these are kept, without features.
    """
    tables = {name: run.table(name) for name in (run.projections() if maps is None else maps)}
    if examples is not None:
        tables = {name: table[table["example_id"].isin(examples)] for name, table in tables.items()}
    small = {name: narrow(table) for name, table in tables.items()}
    small[HISTORY] = packed(run.table(HISTORY))
    facts: dict[str, Any] = {"half_precision": ["maps"]}
    if arrays:
        records = run.records()
        if examples is not None:
            records = records.where(np.isin(records.example_ids, examples)).without_features()
        kept_arrays = half(records.to_arrays())
        is_start = weights and run.config.role in ("base", "reference")
        if not is_start and examples is None:
            kept_arrays["features"] = rounded(kept_arrays["features"])
        halves = sorted(name for name, kept in kept_arrays.items() if kept.dtype == np.float16)
        facts["half_precision"] = [*halves, "maps"]
        small[ARRAYS + COMPRESSED] = _compressed(save_arrays(kept_arrays))
        if run.has(TRIGGERED):  # answers alone: no page looks at these features
            marked = Records.from_arrays(run.arrays(TRIGGERED)).without_features()
            if examples is not None:
                marked = marked.where(np.isin(marked.example_ids, examples))
            small[TRIGGERED + COMPRESSED] = _compressed(save_arrays(half(marked.to_arrays())))
    kept = [*NUMBERS, *([MODEL] if weights else [])]
    if examples is not None and arrays:
        facts["kept_examples"] = len(examples)
    copy_files(run, runs, kept, small, facts)


def copy_files(
    run: RunArtefact,
    runs: Path,
    names: Iterable[str],
    changed: Mapping[str, bytes],
    facts: Mapping[str, Any],
) -> None:
    """Copy files of a run, as they are or `changed`; its manifest lists them, with more `facts`."""
    folder = runs / run.key
    folder.mkdir(parents=True)
    contents = {name: run.read(name) for name in names if run.has(name)}
    for name in (METRICS, MODEL):
        if name in contents:
            contents[name + COMPRESSED] = _compressed(contents.pop(name))
    for name, content in {**contents, **changed}.items():
        (folder / name).write_bytes(content)
    files = {path.name: describe_file(path) for path in sorted(folder.iterdir())}
    manifest = {
        **run.manifest,
        "files": files,
        "left_out": sorted(set(run.files) - {name.removesuffix(COMPRESSED) for name in files}),
        **facts,
    }
    del manifest["checksum"]
    (folder / MANIFEST).write_bytes(manifest_bytes(manifest))


def _compressed(content: bytes) -> bytes:
    codec = pa.Codec("zstd", compression_level=19)
    return codec.compress(content, asbytes=True)  # type: ignore[no-any-return]


def half(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays in half precision, where they fit, and with short integers."""
    small = dict(arrays)
    for name in [name for name in HALVES if name in arrays]:
        if np.abs(arrays[name]).max(initial=0) < np.finfo(np.float16).max:
            small[name] = arrays[name].astype(np.float16)
    small["example_ids"] = arrays["example_ids"].astype(np.int32)
    small["labels"] = arrays["labels"].astype(np.int16)
    return {name: np.ascontiguousarray(array) for name, array in small.items()}


def rounded(features: NDArray[Any]) -> NDArray[Any]:
    """Return features in steps of about an eighth of their standard deviation.

    The step is a power of two, so that half precision holds the values exactly and they compress to
    a third.  On the clothes that ship, 93 % of the ten nearest neighbours stay the same.

    >>> rounded(np.array([0.0, 0.9, 2.03], np.float16))
    array([0.   , 0.875, 2.   ], dtype=float16)
    """
    spread = float(np.sqrt(features.astype(np.float64).var(axis=0).mean()))
    if features.dtype != np.float16 or not spread > 0:  # not finite, or all the same
        return features
    step = 2.0 ** np.floor(np.log2(GRAIN * spread))
    coarse: NDArray[Any] = np.round(features.astype(np.float64) / step) * step
    return coarse.astype(np.float16)


def narrow(table: pd.DataFrame) -> bytes:
    """Return a map as parquet with positions in half precision and short integers."""
    types = {
        name: np.float16 if np.issubdtype(dtype, np.floating) else np.int32
        for name, dtype in table.dtypes.items()
    }
    return packed(table.astype(types))


def packed(table: pd.DataFrame) -> bytes:
    """Return a table as parquet without what only large ones need: half of so small a file."""
    buffer = io.BytesIO()
    table.to_parquet(
        buffer,
        index=False,
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
    )
    return buffer.getvalue()
