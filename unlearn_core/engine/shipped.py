"""Make the comparisons that ship with the project: real runs, copied without their large files.

What the pages show stays: metrics, histories, and maps, logits and features in half precision.
Weights stay only where new runs start from them (the base and the retrained model of the first
comparison), and of some methods on clothes, which answer at once what a person draws.  The
incremental run, which has a page of its own, keeps its numbers and maps alone,
and seeds beyond the first their numbers.  The manifest says what is missing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.engine.making import OnProgress
from unlearn_core.engine.packing import slim
from unlearn_core.engine.pipeline import execute
from unlearn_core.methods import usual_settings
from unlearn_core.methods.settings import changed
from unlearn_core.runs import catalogue, kept_labels
from unlearn_core.runs.gamma_sweep import GAMMAS
from unlearn_core.runs.plan import (
    comparison_config,
    incremental_config,
    relearning_configs,
    run_configs,
)
from unlearn_core.runs.store import Store
from unlearn_core.runs.tracked import tracked_examples
from unlearn_core.seeding import numpy_stream

ALL_METHODS = (  # a method that is added later ships nothing until it is named here
    *("badt", "cf_k", "eu_k", "finetune", "fisher", "muda", "neggrad", "neggrad_ft"),
    *("neggrad_plus", "neglora", "partial_neggrad", "retrain", "rfa", "scrub", "sparse_neglora"),
    *("random_label", "salun", "ssd", "delete", "l1_sparse"),
    *("trick_calibration", "trick_forget_bias", "trick_head_finetune"),
)
MAIN_METHODS = ("retrain", "rfa", "muda", "scrub", "neglora", "finetune", "trick_head_finetune")


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
