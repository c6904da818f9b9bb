"""RFA's gamma ablation: the runs that differ in gamma alone, and the runs that are still missing.

Gamma weighs feature alignment against the task loss.  The paper studies it for classes and for
single images.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unlearn_core.config import ForgetConfig, RunConfig, changed_from
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.plan import variant_configs

METHOD, SETTING = "rfa", "gamma"
GAMMAS = (0.0, 0.25, 0.5, 0.75, 1.0)
KINDS = {"class": ("class", "subclass"), "samples": ("random", "ids")}


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The RFA runs of one comparison that differ in gamma alone."""

    kind: str
    comparison: Comparison
    runs: tuple[RunArtefact, ...]

    @property
    def finished(self) -> list[float]:
        """Return the values of which there is a run, ascending; several seeds count once."""
        return sorted({float(run.settings[SETTING]) for run in self.runs})

    @property
    def missing(self) -> list[float]:
        """Return the values of `GAMMAS` of which there is no run."""
        return [gamma for gamma in GAMMAS if gamma not in self.finished]


def sweeps(comparisons: Collection[Comparison], like: RunConfig) -> list[Sweep]:
    """Return the sweeps on the same data, model and training as `like`.

    The one of the request of `like` comes first, be it empty, then the fullest.
    """
    alike = []
    for comparison in comparisons:
        config = comparison.config
        kind = kind_of(config.forget)
        if kind is None or _shared_parts(config) != _shared_parts(like):
            continue
        runs = [
            run
            for run in comparison.runs
            if run.config.method == METHOD and set(run.unusual) <= {SETTING}
        ]
        alike.append(Sweep(kind=kind, comparison=comparison, runs=tuple(runs)))
    first = like.comparison_key()
    return sorted(alike, key=lambda s: (s.comparison.key != first, len(s.missing)))


def kind_of(forget: ForgetConfig) -> str | None:
    """Return "class" or "samples"; None for a request that is neither."""
    return next((kind for kind, names in KINDS.items() if forget.kind in names), None)


def sweep_configs(
    like: RunConfig,
    forget: ForgetConfig,
    settings: Mapping[str, Any],
    defaults: Mapping[str, Any],
    gammas: Sequence[float],
    seeds: Sequence[int] = (0,),
) -> list[RunConfig]:
    """Return the runs at these values of gamma, with the references that they need, once each.

    `settings` are RFA's complete settings for the data set, `defaults` those of the method;
    `like` gives data, model and training.
    """
    points = [changed_from(defaults, {**settings, SETTING: float(gamma)}) for gamma in gammas]
    return variant_configs(replace(like, forget=forget), {METHOD: points}, seeds)


def _shared_parts(config: RunConfig) -> tuple[object, ...]:
    return config.data, config.model, config.training, config.precision
