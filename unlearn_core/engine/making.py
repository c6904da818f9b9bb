"""A run in the making: train or unlearn, record, map, measure, write.

This is the one place where these parts meet; when a run is made, and what it needs first, is
decided in `pipeline`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from typing import Any

import pandas as pd
import torch
from torch import nn

from unlearn_core.checks import KnownFailureError
from unlearn_core.config import RunConfig
from unlearn_core.data import get_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.data.content import content_of
from unlearn_core.data.splits import split
from unlearn_core.engine import maps, measure
from unlearn_core.engine.environment import describe
from unlearn_core.engine.history import Recorder
from unlearn_core.engine.measure import MadeModel
from unlearn_core.engine.meter import Meter, warm_up
from unlearn_core.engine.probes import record
from unlearn_core.engine.readable import readable
from unlearn_core.engine.relearning import Teacher, plan_lesson
from unlearn_core.engine.request import dataset_of, naming
from unlearn_core.methods import UnlearnInputs, get_method, resolve_settings
from unlearn_core.metrics import NO_COST, Cost
from unlearn_core.models import MODELS, build_model, restart
from unlearn_core.models.checkpoint import fit, read_weights
from unlearn_core.projection import ProjectionConfig
from unlearn_core.records import Records
from unlearn_core.runs import given_weights
from unlearn_core.runs.artefact import (
    ADAPTER,
    ARRAYS,
    HISTORY,
    METRICS,
    MODEL,
    REFILLING,
    TOKENIZER,
)
from unlearn_core.runs.at_once import is_small
from unlearn_core.runs.change import change
from unlearn_core.runs.relearned import FRESH, OWN
from unlearn_core.runs.status import Status
from unlearn_core.runs.store import Store
from unlearn_core.runs.writer import RunWriter
from unlearn_core.seeding import stream_seed, torch_stream
from unlearn_core.training import Progress, train

OnProgress = Callable[[Status], None]
ShouldStop = Callable[[], bool]


class CancelledError(KnownFailureError):
    """The run was stopped on request; nothing of it is kept but its log."""


@dataclass(kw_only=True)
class Making:
    """A run in the making: its config, where it is written, and who is told."""

    config: RunConfig
    store: Store
    writer: RunWriter
    device: torch.device
    projection: ProjectionConfig
    on_progress: OnProgress
    should_stop: ShouldStop
    facts: dict[str, float] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Make the model, record it, draw its map, measure it; return the manifest's facts."""
        started = time.time()
        self.dataset, tokenizer = readable(dataset_of(self.config.data), self.config, self.store)
        if tokenizer and self.config.role == "base":
            self.writer.text(TOKENIZER, tokenizer)
        self.sets = split(self.dataset, self.config.forget)
        self.task = MODELS[self.config.model.name].task
        if self.config.role == "relearning":
            return self._told(started, self._teach_again(), [])
        self.recorder = Recorder(
            self.writer, self.dataset, self.sets, self.device, self.config.precision, self.task
        )
        made = self._make()
        self.recorder.finish(HISTORY)
        if self.config.role == "method":
            self._note_change(made.records)
        map_facts = self._draw_and_measure(made)
        return self._told(started, made.cost, map_facts)

    def _told(self, started: float, cost: Cost, map_facts: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the manifest's facts."""
        return {
            **naming(self.config),
            **asdict(cost),
            "facts": self.facts,
            "maps": map_facts,
            "created": started,
            "total_seconds": time.time() - started,
            "environment": describe(self.device, self.config.method),
            "data_content": content_of(self.config.data.name, self.config.data.content),
            **self._names(),
        }

    def _names(self) -> dict[str, list[str]]:
        """Return the classes' names where only the files tell them, for when these are not here."""
        is_known = bool(get_dataset(self.config.data.name).class_names())
        return {} if is_known else {"class_names": list(self.dataset.class_names)}

    def _draw_and_measure(self, made: MadeModel) -> list[dict[str, Any]]:
        """Draw the map and compute the metrics; return what is known of the map.

        A layout is one thread's work, so a run that has more than one is measured beside it.
        """
        self._stage("map")
        if is_small(self.config) or self.config.role == "base":
            facts = self._draw(made.records)
            self._measure(made)
            return facts
        with ThreadPoolExecutor(1) as beside:
            drawing = beside.submit(self._draw, made.records)
            self._measure(made)
            self._report(force=True, stage="map")
            return drawing.result()

    def _note_change(self, records: Records) -> None:
        """Keep how far the model is from the original, and say so where that is next to nothing."""
        base = self.store.load(self.config.base().key()).records()
        found = change(records, base, self.sets.forget[base.example_ids])
        if found is None:  # the outputs are not finite
            return
        self.facts.update(found.facts())
        if found.is_hardly_any:
            self.writer.log(f"{self.config.method} hardly changed the model: {found.words}.")

    def _measure(self, made: MadeModel) -> None:
        if self.config.role == "base":
            return
        self._stage("measure")
        content = measure.measure(
            self.writer,
            self.store,
            made,
            self.sets,
            self.dataset,
            self.device,
            lambda: self._check_stop("while it was measured"),
        )
        self.writer.json(METRICS, content)

    def _make(self) -> MadeModel:
        """Make the model by the run's role, and write its weights and what is recorded of it."""
        if self.config.role == "original":
            return self._share_base()
        makers = {"base": self._train_base, "incremental": self._learn}
        model, cost = makers.get(self.config.role, self._unlearn)()
        self.writer.tensors(MODEL, model.state_dict())
        self._stage("record")
        everything = self._on_device(self.dataset.is_train | self.dataset.is_test)
        precision = self.config.precision
        records = record(model, everything, self.dataset, self.task, precision=precision)
        self.writer.arrays(ARRAYS, records.to_arrays())
        return MadeModel(model=model, cost=cost, records=records)

    def _train_base(self) -> tuple[nn.Module, Cost]:
        given = self.config.model.weights
        if not given:
            return self._train(self._fresh(), "original", "train")
        model = self._fresh(pretrained=False)
        file = given_weights.find(self.store.root, given)
        fit(model, read_weights(file), f"The weights {given}")
        self.writer.log(f"trained elsewhere: the weights of a file with the hash {given}")
        return model.eval(), NO_COST

    def _learn(self) -> tuple[nn.Module, Cost]:
        """Train the retrained model further on all of D, so that it learns the forget set."""
        model = self._fresh(pretrained=False)
        model.load_state_dict(self.store.load(self.config.retrained().key()).weights())
        return self._train(model, "incremental", "learn")

    def _train(self, model: nn.Module, name: str, stage: str) -> tuple[nn.Module, Cost]:
        recipe = self.config.training
        examples = self._on_device(self.dataset.is_train, augment=recipe.augment)
        generator = torch_stream(self.config.seed, f"train {name}")
        steps = train(model, examples, recipe, generator, self.config.precision, self.task)
        return model, self._follow(model, steps, stage)

    def _unlearn(self) -> tuple[nn.Module, Cost]:
        model = self._fresh(pretrained=False)  # its weights are replaced at once
        model.load_state_dict(self.store.load(self.config.base().key()).weights())
        method = get_method(self.config.method)
        augment = self.config.training.augment
        inputs = UnlearnInputs(
            model=model,
            forget=self._on_device(self.sets.forget, augment=augment),
            retain=self._on_device(self.sets.retain, augment=augment),
            generator=torch_stream(self.config.seed, f"method {method.name}"),
            device=self.device,
            precision=self.config.precision,
            task=self.task,
            subset_seed=stream_seed(self.config.seed, "retained part"),
            recipe=self.config.training,
            restart=self._restart,
            facts=self.facts,
            log=self.writer.log,
        )
        settings = resolve_settings(method.name, self.config.settings)
        warm_up(model, inputs.forget, method.libraries, inputs.autocast(), self.task)
        cost = self._follow(model, method.run(inputs, settings), "unlearn")
        if inputs.extras:
            self.writer.tensors(ADAPTER, inputs.extras)
        return model.eval(), cost

    def _teach_again(self) -> Cost:
        """Teach the run's model, and with the reference a fresh network too; write their curves."""
        config, taught = self.config, self.config.taught()
        model = self._fresh(pretrained=False)
        model.load_state_dict(self.store.load(taught.key()).weights())
        networks = {OWN: model.eval()}
        if taught == taught.retrained():
            networks[FRESH] = self._fresh(pretrained=False).eval()
        teacher = Teacher(
            dataset=self.dataset,
            sets=self.sets,
            lesson=plan_lesson(self.dataset, self.sets, config.relearn.examples),
            recipe=config.relearn,
            device=self.device,
            precision=config.precision,
        )
        self._stage("relearn")
        rows: list[dict[str, Any]] = []
        total, meter = len(networks) * teacher.total(), Meter(model, self.device)
        frames: dict[int, Any] = {}
        steps = chain.from_iterable(
            teacher.teach(name, networks[name], rows, frames if name == OWN else None)
            for name in networks
        )
        done = 0
        while meter.advance(steps):
            done += 1
            self._check_stop(f"at {done} steps")
            self._report(step=done, total=total, losses=dict(meter.progress.losses))
        self.writer.table(HISTORY, pd.DataFrame(rows))
        cost = replace(meter.cost(), steps=done)
        self._stage("map")
        before = self.store.load(taught.key())
        refilling = maps.draw_refilling(before, self.sets, frames, self.projection)
        if refilling is not None:
            self.writer.table(REFILLING, refilling)
        return cost

    def _restart(self, model: nn.Module, generator: torch.Generator) -> None:
        """Set a model back to fresh weights, or to those that the original started from."""
        if self.config.same_start:
            generator = torch_stream(self.config.seed, "initial weights")
        restart(model, generator, self.config.model)

    def _share_base(self) -> MadeModel:
        base = self.store.load(self.config.base().key())
        for name in (MODEL, ARRAYS):
            self.writer.link(base, name)
        model = self._fresh(pretrained=False)
        model.load_state_dict(base.weights())
        self.recorder.probe(model.eval(), step=0)
        return MadeModel(model=model, cost=NO_COST, records=base.records())

    def _follow(self, model: nn.Module, steps: Iterator[Progress], stage: str) -> Cost:
        """Run the loop to its end, with probes; return its cost, in which probes do not count."""
        is_base = stage == "train"
        self._stage(stage)
        if not is_base:
            self.recorder.probe(model, step=0)
        meter = Meter(model, self.device)
        while True:
            self._check_stop(f"at {meter.progress.step} steps")
            if not meter.advance(steps):
                break
            progress = meter.progress
            is_due = not is_base and self.recorder.is_due(progress)
            if is_due:
                meter.settle()
            self.recorder.step(progress, meter.seconds)
            if is_due:
                self.recorder.probe(model, step=progress.step, seconds=meter.seconds)
            self._report(step=progress.step, total=progress.total, losses=self.recorder.losses)
        if not is_base:
            self.recorder.probe(model, step=meter.progress.step, seconds=meter.seconds)
        self._report(force=True)
        return meter.cost()

    def _draw(self, records: Records) -> list[dict[str, Any]]:
        role, base, before = self.config.role, None, None
        if role != "base":
            base = self.store.load(self.config.base().key())
        if role == "incremental":
            before = self.store.load(self.config.retrained().key())
        frames = self.recorder.frames
        return maps.draw(
            self.writer, records, base, self.sets, frames, self.projection, before=before
        )

    def _fresh(self, *, pretrained: bool = True) -> nn.Module:
        """Build the network with initial weights, without ImageNet's if not `pretrained`."""
        generator = torch_stream(self.config.seed, "initial weights")
        network = self.config.model
        if not pretrained:
            network = replace(network, pretrained=False)
        channels = self.dataset.channels
        model = build_model(network, channels, self.dataset.n_classes, generator)
        if self.config.precision == "bf16":  # whose convolutions are fastest in this order
            model = model.to(memory_format=torch.channels_last)
        return model.to(self.device)

    def _on_device(self, mask: Any, augment: str = "none") -> Any:
        return to_device(self.dataset, mask, self.device, forget=self.sets.forget, augment=augment)

    def _stage(self, stage: str) -> None:
        self._check_stop(f"before {stage}")
        self._report(force=True, state="running", stage=stage)

    def _check_stop(self, when: str) -> None:
        if self.should_stop() or self.store.is_cancel_requested(self.config.key()):
            raise CancelledError(f"{self.config.method} was cancelled {when}.")

    def _report(self, *, force: bool = False, **changes: Any) -> None:
        """Tell the caller at every step, and the disk a few times a second."""
        self.writer.status = replace(self.writer.status, **changes)
        if force or time.time() - self.writer.status.updated > 0.2:
            self.writer.update()
        self.on_progress(self.writer.status)
