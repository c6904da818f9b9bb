"""Comparisons: all runs on one data set, model and forget request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from unlearn_core.config import RunConfig
from unlearn_core.data import DATASETS
from unlearn_core.metrics.base import METRICS, OF_RUN, of_scope
from unlearn_core.metrics.findings import Standard, Values, by_guessing, findings
from unlearn_core.metrics.spread import Reference, reference
from unlearn_core.metrics.verdict import WORDS, Verdict, judge
from unlearn_core.runs.artefact import ARRAYS, CorruptRunError, OtherVersionError, RunArtefact
from unlearn_core.runs.over_seeds import metrics_over_seeds
from unlearn_core.runs.plan import RELEARNING
from unlearn_core.runs.relearned import metrics_of_relearning
from unlearn_core.runs.store import Store

REFERENCES = ("original", "retrain")
LEFT_OUT_LABEL = "Left-out retrained"
# the papers' own methods first; what is not named here follows, tricks and variants last
FIRST = (*REFERENCES, "rfa", "muda", "neglora", "neggrad", "scrub", "finetune", "sparse_neglora")


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """The runs that share data, model, recipe and forget request.

    `runs` are in the order: original, retrained, methods, tricks, and then runs with unusual
    settings.  `learned` are the incremental runs, which forget nothing and so stay apart;
    `relearned` what their models showed when they were taught again.
    """

    key: str
    runs: tuple[RunArtefact, ...]
    learned: tuple[RunArtefact, ...] = ()
    relearned: tuple[RunArtefact, ...] = ()
    measured: dict[str, dict[str, Any]] = field(default_factory=dict)
    completed: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def config(self) -> RunConfig:
        """Return the config of one of the runs, for what all of them share."""
        return self.runs[0].config

    @property
    def class_names(self) -> Sequence[str]:
        """Names of the classes where only the data's own files tell them; else none."""
        return next((run.class_names for run in self.runs if run.class_names), ())

    @property
    def seeds(self) -> list[int]:
        """Return the seeds of which there are runs."""
        return sorted({run.config.seed for run in self.runs})

    def reference(self, method: str, seed: int) -> RunArtefact | None:
        """Return the original or the retrained run of a seed; None where it is not there."""
        for run in self.runs:
            if run.config.method == method and run.config.seed == seed:
                return run
        return None

    def incremental(self, seed: int) -> RunArtefact | None:
        """Return the incremental run of a seed; None where it is not there."""
        return next((run for run in self.learned if run.config.seed == seed), None)

    def relearning(self, run: RunArtefact) -> RunArtefact | None:
        """Return what a run's model showed when it was taught again; None where it was not.

        By the usual recipe, so that all models of a comparison were taught alike.
        """
        wanted = replace(run.config, relearn=RELEARNING).key()
        return next((each for each in self.relearned if each.key == wanted), None)

    def metrics(self, run: RunArtefact) -> dict[str, Any]:
        """Return the run's `values`, `reasons` and `layers`, read once.

        With the values that take other runs of the comparison besides.
        """
        if run.key not in self.measured:
            self.measured[run.key] = run.metrics()
        if run.key not in self.completed:
            self.completed[run.key] = self._complete(run, self.measured[run.key])
        return self.completed[run.key]

    def variant(self, run: RunArtefact) -> list[RunArtefact]:
        """Return the runs of all seeds with the method and settings of this one."""
        own = run.config.method, dict(run.settings)
        return [each for each in self.runs if (each.config.method, dict(each.settings)) == own]

    def _taught_references(
        self, run: RunArtefact, retrained: list[RunArtefact]
    ) -> list[RunArtefact]:
        """Return the relearnings that a run's is compared with: of its seed's retrained model.

        A retrained model is compared with those of the other seeds, where there are any: with
        itself it would agree whatever relearning is worth.
        """
        found = {each.config.seed: self.relearning(each) for each in retrained}
        taught = {seed: each for seed, each in found.items() if each is not None}
        own = {seed: each for seed, each in taught.items() if seed == run.config.seed}
        others = {seed: each for seed, each in taught.items() if seed not in own}
        return list((others or own if run in retrained else own).values())

    def _complete(self, run: RunArtefact, content: dict[str, Any]) -> dict[str, Any]:
        if run not in self.runs or not content["values"]:
            return content
        retrained = [each for each in self.runs if each.config.method == "retrain"]
        values, reasons = dict(content["values"]), dict(content["reasons"])
        found = {
            **metrics_over_seeds(self.variant(run), retrained),
            **metrics_of_relearning(self.relearning(run), self._taught_references(run, retrained)),
        }
        for name, (value, reason) in found.items():
            values[name] = value
            reasons.pop(name, None)
            if value is None:
                reasons[name] = reason
        return {**content, "values": values, "reasons": reasons}

    def unmeasured(self) -> list[RunArtefact]:
        """Return the runs that lack a metric which is registered now."""
        of_run = {spec.name for spec in of_scope(OF_RUN)}
        return [run for run in self.runs if of_run - self.metrics(run)["values"].keys()]

    @cached_property
    def left_out(self) -> RunArtefact | None:
        """The retrained model that is run through every audit as if it were a method.

        That of the last seed; None where there is only one.
        """
        retrained = [run for run in self.runs if run.config.method == "retrain"]
        return max(retrained, key=lambda run: run.config.seed) if len(retrained) > 1 else None

    def label(self, run: RunArtefact) -> str:
        """Return a run's name in tables; the retrained model that is left out has its own."""
        return LEFT_OUT_LABEL if run is self.left_out else run.label

    @cached_property
    def standard(self) -> Standard:
        """What methods are judged by: the originals' means, and the retrained models' numbers."""
        spec = DATASETS.get(self.config.data.name)
        retrained = [
            self.metrics(run)
            for run in self.runs
            if run.config.method == "retrain" and run is not self.left_out
        ]
        original = mean_values(self._values("original"))
        standard = standard_of(original, retrained, reaches=spec.reaches if spec else None)
        if self.left_out is not None:
            found = findings(self.metrics(self.left_out)["values"], standard)
            flagged = {each.metric for part in found.values() for each in part if each.is_off}
            standard = replace(standard, unreliable=frozenset(flagged))
        n_classes = self._n_classes if self.config.forget.kind == "keyword" else 0
        return by_guessing(standard, n_classes) if n_classes else standard

    @cached_property
    def _n_classes(self) -> int:
        """How many classes the models answer with; 0 for language models, or where none is kept."""
        kept = next((run for run in self.runs if run.has(ARRAYS)), None)
        return kept.predictions().probabilities.shape[1] if kept else 0

    def verdict(self, run: RunArtefact) -> Verdict:
        """Judge a run by the original of its seed and by the retrained models of all."""
        if run.config.method == "original":
            return Verdict("original", self.standard.underfitted_notice or "before unlearning")
        original = self.reference("original", run.config.seed)
        start = self.metrics(original)["values"] if original else self.standard.original
        standard = replace(self.standard, original=start)
        if run.config.method == "retrain":
            if run is not self.left_out:
                return Verdict("reference", "trained without the forget set")
            standard = replace(standard, unreliable=frozenset())
        return judge(self.metrics(run)["values"], standard)

    def verdict_over_seeds(self, label: str) -> Verdict:
        """Return the verdict in the middle of a variant's seeds, from the kindest to the worst.

        Of an even number the worse of the two.  Its sentence is that of the first such seed.
        """
        runs = [run for run in self.runs if self.label(run) == label]
        judged = sorted(((self.verdict(run), run) for run in runs), key=lambda pair: pair[0].rank)
        word = judged[len(judged) // 2][0].word
        verdict, run = next(pair for pair in judged if pair[0].word == word)
        if len(runs) == 1 or word not in WORDS:
            return verdict
        return replace(verdict, because=f"seed {run.config.seed}: {verdict.because}")

    def _values(self, method: str) -> list[Values]:
        return [self.metrics(run)["values"] for run in self.runs if run.config.method == method]


def standard_of(
    original: Values, retrained: Sequence[Mapping[str, Any]], *, reaches: float | None = None
) -> Standard:
    """Return what methods are judged by, from what was measured of retrained models.

    `retrained` holds of each its `values` and the `sizes` of the sets, as `metrics.json` does;
    `reaches` is the training accuracy that the data set's recipe reaches.
    """
    sizes = retrained[0].get("sizes", {}) if retrained else {}
    known: dict[str, Reference] = {}
    for name, metric in METRICS.items():
        values = [v for each in retrained if (v := each["values"].get(name)) is not None]
        found = reference(name, values, sizes.get(metric.share_of))
        if found is not None:
            known[name] = found
    return Standard(original=original, reference=known, sizes=sizes, reaches=reaches)


def mean_values(measured: Sequence[Values]) -> dict[str, float | None]:
    """Return the mean of each metric over runs; None where none has a value."""
    means: dict[str, float | None] = {}
    for name in dict.fromkeys(name for values in measured for name in values):
        known = [value for values in measured if (value := values.get(name)) is not None]
        means[name] = sum(known) / len(known) if known else None
    return means


@dataclass(frozen=True, kw_only=True)
class DamagedRun:
    """A run that is left out because one of its files is not what was written.

    `config` is what it was asked to be, None where not even that can be read.
    """

    key: str
    reason: str
    config: RunConfig | None
    is_shipped: bool


@dataclass(frozen=True, kw_only=True)
class Survey:
    """All comparisons of a store, and the damaged runs that are left out of them."""

    comparisons: tuple[Comparison, ...]
    damaged: tuple[DamagedRun, ...] = ()


def survey(store: Store, known: Mapping[str, str] | None = None) -> Survey:
    """Return every comparison in the store: first the shipped ones, the lesson above all.

    The lesson is the one with most shipped runs.  Then those with own runs alone: that with most
    runs first, of equals the latest.  Damaged runs are left out and named, those of another version
    are left out; `known` says by key why a run cannot be used, where that was found when one of its
    larger files was read.
    """
    groups: dict[str, list[RunArtefact]] = {}
    measured: dict[str, dict[str, Any]] = {}
    reasons = dict(known or {})
    for key in store.list():
        if key in reasons:
            continue
        try:
            run = store.load(key)
            measured[key] = run.metrics()
        except OtherVersionError:
            continue
        except CorruptRunError as error:
            reasons[key] = str(error)
        else:
            if run.config.forget.kind != "none":
                groups.setdefault(run.config.comparison_key(), []).append(run)
    grouped = [gather(sorted(runs, key=_order), measured) for runs in groups.values()]
    with_runs = [comparison for comparison in grouped if comparison.runs]
    damaged = [
        DamagedRun(
            key=key,
            reason=reason,
            config=store.damaged_config(key),
            is_shipped=store.is_shipped(key),
        )
        for key, reason in reasons.items()
    ]
    return Survey(
        comparisons=tuple(sorted(with_runs, key=lambda c: _rank(c, store), reverse=True)),
        damaged=tuple(damaged),
    )


def comparisons(store: Store) -> list[Comparison]:
    """Return every comparison in the store, as `survey` does."""
    return list(survey(store).comparisons)


def gather(
    runs: Iterable[RunArtefact], measured: Mapping[str, dict[str, Any]] | None = None
) -> Comparison:
    """Group runs of one comparison, in the order given.

    `measured` holds their metrics by key as far as they were read already.
    """
    ordered = tuple(runs)
    known = measured or {}
    roles = [run.config.role for run in ordered]
    apart = ("incremental", "relearning")
    learned, relearned = (
        tuple(run for run, role in zip(ordered, roles, strict=True) if role == name)
        for name in apart
    )
    return Comparison(
        key=ordered[0].config.comparison_key(),
        runs=tuple(run for run, role in zip(ordered, roles, strict=True) if role not in apart),
        learned=learned,
        relearned=relearned,
        measured={run.key: known[run.key] for run in ordered if run.key in known},
    )


def _order(run: RunArtefact) -> tuple[bool, bool, int, int, float]:
    method = run.config.method
    rank = FIRST.index(method) if method in FIRST else len(FIRST)
    # when it was made, not the file's date, which a copy or a clone changes
    return bool(run.unusual), is_trick(method), rank, run.config.seed, run.created


def is_trick(method: str) -> bool:
    """Say whether a method is an edit that only looks like forgetting; its name begins so."""
    return method.startswith("trick_")


def _rank(comparison: Comparison, store: Store) -> tuple[int, int, float, str]:
    runs = comparison.runs
    n_shipped = sum(store.ships(run.key) for run in runs)
    return n_shipped, len(runs), max(run.created for run in runs), comparison.key
