"""Run the experiment behind a printed table, and put what was measured beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unlearn_core.checks import MissingFileError
from unlearn_core.config import RunConfig
from unlearn_core.data.splits import split
from unlearn_core.engine.request import dataset_of
from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.distance import activation_distance
from unlearn_core.models import MODELS
from unlearn_core.papers.experiments import Experiment
from unlearn_core.papers.reference import COLUMNS
from unlearn_core.papers.token_answers import summed_over_tokens
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.store import Store
from unlearn_core.training import DivergedError

Execute = Callable[[RunConfig], object]
Measured = tuple[float | None, str]

AS_PRINTED = {"mia_rfa": "mia_rfa_unbalanced"}  # the attack as RFA's text and code fit it
MEASURED_COLUMNS = (*COLUMNS, "measured", "reason", "n_runs")


def reproduce(
    experiment: Experiment, *, store: Store, execute: Execute, seeds: Sequence[int] = (0,)
) -> pd.DataFrame:
    """Make the runs that are not there yet; return the printed rows with what was measured.

    Parameters
    ----------
    experiment : Experiment
    store : Store
    execute : callable taking a RunConfig
        Makes a run and what it needs, as `pipeline.execute` does.
    seeds : sequence of int

    Returns
    -------
    DataFrame
        The columns of `reference`, and `measured` (mean over forgotten classes and seeds; NaN with
        a `reason` where there is none) and `n_runs`.
    """
    failed: dict[str, str] = {}
    for config in [] if experiment.reason else _needed(experiment, seeds):
        try:
            execute(config)
        except (DivergedError, MissingFileError) as error:  # or its ImageNet weights are missing
            failed[config.key()] = str(error)
    printed: list[dict[str, Any]] = experiment.rows.to_dict("records")  # type: ignore[assignment]
    rows = [{**row, **_beside(experiment, row, store, seeds, failed)} for row in printed]
    table = pd.DataFrame(rows)[list(MEASURED_COLUMNS)]
    return table.astype({"measured": float})


def runs_behind(experiment: Experiment, seeds: Sequence[int], store: Store) -> list[dict[str, Any]]:
    """Return, for each finished run behind an experiment, all that makes it again."""
    configs = [] if experiment.reason else _needed(experiment, seeds)
    runs = [store.load(config.key()) for config in configs if store.exists(config.key())]
    return [{"key": run.key, "seconds": run.cost.seconds, **run.origin()} for run in runs]


def _needed(experiment: Experiment, seeds: Sequence[int]) -> list[RunConfig]:
    """Return all runs, references first, once each."""
    pairs = [("original", ""), ("retrain", ""), *experiment.settings]
    configs = [c for method, variant in pairs for c in experiment.configs(method, variant, seeds)]
    return list({config.key(): config for config in configs}.values())


def _beside(
    experiment: Experiment,
    row: dict[str, Any],
    store: Store,
    seeds: Sequence[int],
    failed: dict[str, str],
) -> dict[str, Any]:
    if experiment.reason:
        return {"measured": np.nan, "reason": experiment.reason, "n_runs": 0}
    metric, _, part = str(row["metric"]).partition("@")
    measured = _over_repeats(experiment, row, metric, part, store, seeds, failed)
    reasons = sorted({reason for value, reason in measured if value is None})
    values = [value for value, _ in measured if value is not None]
    n_runs = len(measured)
    if reasons:
        return {"measured": np.nan, "reason": "; ".join(reasons), "n_runs": n_runs}
    if part == "spread":
        if n_runs < 2:
            reason = "the spread of one run is not known"
            return {"measured": np.nan, "reason": reason, "n_runs": n_runs}
        return {"measured": float(np.std(values, ddof=1)), "reason": "", "n_runs": n_runs}
    if part == "difference":
        retrained = {**row, "method": "retrain", "metric": metric}
        target = _beside(experiment, retrained, store, seeds, failed)
        apart = abs(float(np.mean(values)) - target["measured"])
        return {"measured": apart, "reason": target["reason"], "n_runs": n_runs}
    return {"measured": float(np.mean(values)), "reason": "", "n_runs": n_runs}


def _over_repeats(
    experiment: Experiment,
    row: dict[str, Any],
    metric: str,
    part: str,
    store: Store,
    seeds: Sequence[int],
    failed: dict[str, str],
) -> list[Measured]:
    measured: list[Measured] = []
    for config in experiment.configs(row["method"], row["variant"], seeds):
        if config.key() in failed:
            measured.append((None, failed[config.key()]))
            continue
        run, retrained = (store.load(c.key()) for c in (config, config.retrained()))
        if part in ("", "spread", "difference"):
            measured.append(_of_run(run, retrained, metric, row["variant"]))
        else:
            measured.append(_of_set(run, retrained, metric, part, store))
    return measured


def _of_run(run: RunArtefact, retrained: RunArtefact, metric: str, variant: str) -> Measured:
    content = run.metrics()
    name = AS_PRINTED.get(metric, metric)
    if name not in METRICS:
        return None, f"{metric} is not measured here"
    value = content["values"][name]
    if value is None:
        return None, content["reasons"][name]
    if metric == "rel_cost" and variant == "per epoch":
        own_set = "retain" if run.config.method == "retrain" else "forget"
        value *= _passes(retrained, "retain") / _passes(run, own_set)
    return value, ""


def _passes(run: RunArtefact, over: str) -> float:
    """Return how often the run went over a set; an ascent may have ended early."""
    return run.cost.samples_seen / int(run.metrics()["sizes"][over])


def _of_set(
    run: RunArtefact, retrained: RunArtefact, metric: str, part: str, store: Store
) -> Measured:
    """Return a metric on one set: what RFA's tables split by D_r, D_f and the test sets."""
    if part == "test":
        part = "retain_test"  # where single examples are forgotten it is the whole test set
    if metric == "perplexity":
        return _of_run(run, retrained, f"perplexity_{part}", "")
    if metric.startswith("feature_distance_"):
        reference = metric.removeprefix("feature_distance_")
        layers = run.metrics()["layers"]
        rows = [r for r in layers if (r["reference"], r["set"]) == (reference, part)]
        if not rows or any(row["distance"] is None for row in rows):
            return None, f"no layer was compared on {part}"
        return float(sum(row["distance"] for row in rows)), ""
    answers_classes = MODELS[run.config.model.name].task.answers_classes
    if metric == "activation_distance_l1" and not answers_classes:
        return summed_over_tokens(run, retrained, part, store)
    if metric == "activation_distance_l1":
        own, other = (_probabilities(made, part) for made in (run, retrained))
        if not (np.isfinite(own).all() and np.isfinite(other).all()):
            return None, "the model's outputs are not finite"
        return activation_distance(own, other, norm="l1"), ""
    return None, f"{metric} is not measured here"


@lru_cache(maxsize=16)
def _probabilities(run: RunArtefact, part: str) -> NDArray[np.float64]:
    records = run.records()
    sets = split(dataset_of(run.config.data), run.config.forget)
    return records.where(getattr(sets, part)[records.example_ids]).probabilities
