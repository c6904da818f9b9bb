"""Metrics of several seeds of a comparison, from the stored outputs of all of them.

A run's own `metrics.json` cannot hold them: they change with each seed that is added.  What was
computed is kept by the content of all runs that it was computed from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.metrics.base import OF_SEEDS, MetricSpec, of_scope, value_or_reason
from unlearn_core.metrics.over_seeds import Answers, Ensemble, label_margins
from unlearn_core.records import NotApplicableError, Sets
from unlearn_core.runs.artefact import ARRAYS, RunArtefact

Found = dict[str, tuple[float | None, str]]
Runs = Sequence[RunArtefact]
KEPT = 256  # of one model: a few megabytes at 60,000 examples
_found: dict[tuple[Any, ...], Found] = {}


def metrics_over_seeds(runs: Runs, retrained: Runs) -> Found:
    """Return each metric of several seeds, as its value and the reason where it has none.

    Parameters
    ----------
    runs, retrained : sequence of RunArtefact
        A method's models, and the retrained ones; only seeds of which there are both count.
        Where both are the same, one half is compared with the other.
    """
    seeds = {run.config.seed for run in runs} & {run.config.seed for run in retrained}
    ours, theirs = (
        sorted((run for run in side if run.config.seed in seeds), key=lambda run: run.config.seed)
        for side in (runs, retrained)
    )
    found: Found = {}
    enough: list[MetricSpec] = []
    for spec in of_scope(OF_SEEDS):
        if len(seeds) >= spec.least_seeds:
            enough.append(spec)
        else:
            has = f"there {'is' if len(seeds) == 1 else 'are'} {len(seeds)}"
            found[spec.name] = None, f"it takes models of {spec.least_seeds} seeds, {has}"
    return {**found, **(_computed(ours, theirs, enough) if enough else {})}


def _computed(ours: Runs, theirs: Runs, specs: Sequence[MetricSpec]) -> Found:
    names = tuple(spec.name for spec in specs)
    known = names, *(tuple(map(_content, side)) for side in (ours, theirs))
    if known not in _found:
        ensemble = _ensemble(ours, theirs)
        if isinstance(ensemble, str):
            return {spec.name: (None, ensemble) for spec in specs}
        _found[known] = {spec.name: value_or_reason(spec, ensemble) for spec in specs}
    return _found[known]


def _ensemble(ours: Runs, theirs: Runs) -> Ensemble | str:
    """Gather what all models answered, or say why that cannot be."""
    if [run.key for run in ours] == [run.key for run in theirs]:
        ours, theirs = theirs[::2], theirs[1::2]
    everyone = [*ours, *theirs]
    if not all(run.has(ARRAYS) for run in everyone):
        return "nothing is recorded of one of the models"
    try:
        sets = _sets(_content(everyone[0]), _Run(everyone[0]))
        sides = [[_answers(_content(run), _Run(run)) for run in side] for side in (ours, theirs)]
    except (InputError, KnownFailureError, NotApplicableError) as error:
        return str(error)
    if not all(np.isfinite(each.margins).all() for side in sides for each in side):
        return "the outputs of one of the models are not finite"
    unlearned, retrained = (
        Answers(
            margins=np.concatenate([each.margins for each in side]),
            is_right=np.concatenate([each.is_right for each in side]),
        )
        for side in sides
    )
    return Ensemble(unlearned=unlearned, retrained=retrained, sets=sets)


def _content(run: RunArtefact) -> str:
    """Return what changes with a run's recorded outputs."""
    return run.key + "".join(
        entry["sha256"] for name, entry in run.files.items() if name.startswith(ARRAYS)
    )


class _Run:
    """A run as a function's source: equal to any other, as its content decides."""

    def __init__(self, run: RunArtefact) -> None:
        self.run = run

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Run)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=KEPT)
def _answers(content: str, source: _Run) -> Answers:  # noqa: ARG001 - what it is kept by
    records = source.run.records()
    margins, logits = np.full((1, len(records)), np.nan), records.class_logits
    if records.is_finite:
        margins[0] = label_margins(logits, records.labels)
    return Answers(margins=margins, is_right=(records.predictions == records.labels)[None])


@lru_cache(maxsize=2)
def _sets(content: str, source: _Run) -> Sets:  # noqa: ARG001
    config, ids = source.run.config, source.run.records().example_ids
    sets = split(load_dataset(config.data, fetch=False), config.forget)
    names = ("forget", "retain", "forget_test", "retain_test")
    return Sets(**{name: getattr(sets, name)[ids] for name in names})
