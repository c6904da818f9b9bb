"""Report a comparison: every metric beside the retrained model's, over seeds, with verdicts.

Its JSON is what ``compare --json`` writes; its tables are what views only have to format.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, TypedDict

import pandas as pd

from unlearn_core.config import SCHEMA_VERSION
from unlearn_core.metrics.base import METRICS, OF_SEEDS, of_scope
from unlearn_core.metrics.findings import Standard, doubts, side
from unlearn_core.metrics.spread import Reference, interval
from unlearn_core.metrics.verdict import WORDS, Verdict
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import LEFT_OUT_LABEL, REFERENCES, Comparison
from unlearn_core.runs.disagreement import disagreement
from unlearn_core.runs.manifest import Environment, MapFacts

VERDICT_COLUMNS = ["label", "method", "word", "agreement", "because", "n_caveats"]
KEPT = ("retain", "retain_test", "test")  # sets of what is to be kept
UNRANKED = "feature_distance_retrained"  # depends on initial weights and the order of channels


class ReferenceEntry(TypedDict):
    """What the retrained models say of a metric (`spread.Reference`), as JSON types."""

    mean: float
    deviation: float
    within: float
    n_models: int


class VerdictEntry(TypedDict):
    """The verdict on a method's variant: that in the middle of its seeds.

    `agreement` tells of how many seeds the verdict is the same, such as "2 of 3 seeds"; it is empty
    for one seed.
    """

    label: str
    method: str
    word: str
    because: str
    caveats: list[str]
    agreement: str


class About(TypedDict):
    """What all runs of a comparison share; configs as JSON types.

    `reference` tells, by metric, what the retrained models say; `matched_within` how far from their
    mean still counts as matched.  `left_out_seed` is the seed of the retrained model that is judged
    like a method, and does not count among them; `unreliable` are the metrics that told it from
    the others, so that no verdict rests on them.  `underfitted` says that the original is, and
    `costly` that retraining itself loses of what was to be kept; both are empty where that is not.
    `class_names` are there where the data set is registered without.
    """

    key: str
    schema: int
    dataset: str
    data: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    forget: dict[str, Any]
    precision: str
    same_start: bool
    seeds: list[int]
    reference: dict[str, ReferenceEntry]
    matched_within: dict[str, float]
    left_out_seed: int | None
    unreliable: list[str]
    underfitted: str
    costly: str
    verdicts: list[VerdictEntry]
    class_names: list[str]


class RunEntry(TypedDict):
    """One run in a report: its metrics (None where missing, with a reason) and its verdict.

    `deviations` tell, of metrics that draw, how much the draws differ (standard deviation);
    `caveats` are the numbers that a matched run is off in; `config`, `environment` and
    `data_content` make the run again.
    """

    method: str
    label: str
    seed: int
    key: str
    settings: dict[str, Any]
    metrics: dict[str, float | None]
    reasons: dict[str, str]
    deviations: dict[str, float]
    verdict: str
    because: str
    caveats: list[str]
    seconds: float
    maps: list[MapFacts]
    config: dict[str, Any]
    environment: Environment
    data_content: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """A comparison's runs with their numbers. Its tables are shared: do not change them."""

    comparison: About
    runs: list[RunEntry]

    def plain(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {"comparison": self.comparison, "runs": self.runs}

    def only(self, labels: Sequence[str]) -> Report:
        """Return the report of the references and these variants alone, in this order."""
        verdicts = {entry["label"]: entry for entry in self.comparison["verdicts"]}
        references = [name for name, entry in verdicts.items() if entry["method"] in REFERENCES]
        order = list(dict.fromkeys([*references, *(name for name in labels if name in verdicts)]))
        kept = sorted(
            (run for run in self.runs if run["label"] in order),
            key=lambda run: order.index(run["label"]),
        )
        about: About = {**self.comparison, "verdicts": [verdicts[name] for name in order]}
        return Report(comparison=about, runs=kept)

    @cached_property
    def reference(self) -> dict[str, Reference]:
        """What the retrained models say, by metric."""
        told = self.comparison["reference"]
        return {name: Reference(**entry) for name, entry in told.items() if name in METRICS}

    @cached_property
    def rows(self) -> pd.DataFrame:
        """One row per run and metric.

        Columns: `method`, `label`, `seed`, `key`, `metric`, `value` (NaN where missing), `reason`,
        `draws` (how much the draws of a metric that draws differ: their standard deviation),
        `retrained` (the retrained models' mean), `original` (of the same seed), `distance` (value
        minus retrained), `deviations` (the same in the retrained models' deviations; NaN where
        the retrained model is not the target) and `side` (matched, doubtful, under, over; where
        original and retrained are alike, untold, or off if the value is not).
        """
        starts = {run["seed"]: run["metrics"] for run in self.runs if run["method"] == "original"}
        rows: list[dict[str, Any]] = []
        for run in self.runs:
            start = starts.get(run["seed"], {})
            rows += [
                {
                    "method": run["method"],
                    "label": run["label"],
                    "seed": run["seed"],
                    "key": run["key"],
                    "metric": name,
                    "value": value,
                    "reason": run["reasons"].get(name, ""),
                    "draws": run["deviations"].get(name),
                    "original": start.get(name),
                    **self._distance(name, value, start.get(name)),
                }
                for name, value in run["metrics"].items()
            ]
        columns = ["value", "draws", "retrained", "original", "distance", "deviations"]
        return pd.DataFrame(rows).astype(dict.fromkeys(columns, float))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per method variant and metric, over its seeds.

        Columns: `label`, `method`, `metric`, `n_seeds`, `mean`, `std`; `low`, `high` and `kind` of
        the interval (`spread.interval`; NaN for one seed), `retrained` (the retrained models'
        mean), `original` (mean over the same seeds), `distance` and `deviations` (of the mean from
        retrained, as in `rows`), `side` of the mean (as in `rows`, "" where there is no target),
        `draws` (the largest deviation over draws), `reason` of a missing value, `is_nearest`
        (among methods: to the retrained models, or the lowest or highest where the metric says
        that this is better).
        """
        grouped = self.rows.groupby(["label", "method", "metric"], sort=False)
        table = grouped.agg(
            n_seeds=("value", "count"),
            mean=("value", "mean"),
            std=("value", "std"),
            retrained=("retrained", "mean"),
            original=("original", "mean"),
            distance=("distance", "mean"),
            deviations=("deviations", "mean"),
            draws=("draws", "max"),
            reason=("reason", "max"),
        ).reset_index()
        values = grouped["value"].agg(list)
        ends = [
            interval(str(name), [v for v in part if not pd.isna(v)])
            for name, part in zip(table["metric"], values, strict=True)
        ]
        for column in ("low", "high", "kind"):
            table[column] = [getattr(each, column) for each in ends]
        over_seeds = {spec.name for spec in of_scope(OF_SEEDS)}  # one value of all seeds together
        is_one = table["metric"].isin(over_seeds)
        table.loc[is_one, ["std", "low", "high"]] = math.nan
        table.loc[is_one, "kind"] = ""
        table["side"] = [self._side_of_mean(row) for row in table.itertuples()]
        table["is_nearest"] = False
        methods = table[~table["method"].isin(REFERENCES)]
        for name, group in methods[methods["metric"] != UNRANKED].groupby("metric"):
            cost = _how_far(group, METRICS[str(name)].ideal)
            if cost.notna().any():
                table.loc[group.index[cost == cost.min()], "is_nearest"] = True
        return table

    def summary_records(self) -> list[dict[str, Any]]:
        """Return `summary` as JSON types: one entry per variant and metric, NaN as None.

        `low` and `high` are, as `kind` says, the ends of the mean's 95 % confidence interval, or
        the smallest and the largest value where there are too few seeds for one.
        """
        table = self.summary
        kept = ["label", "method", "metric", "n_seeds", "mean", "std", "low", "high", "kind"]
        kept += ["draws", "retrained", "distance", "deviations", "side"]
        records = table[kept].astype(object).where(table[kept].notna(), None).to_dict("records")
        return [{str(name): value for name, value in record.items()} for record in records]

    @cached_property
    def disagreement(self) -> dict[str, Any]:
        """Where metrics disagree about the methods, as JSON types; see `runs.disagreement`."""
        return disagreement(self.summary, self.reference)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per method variant.

        Columns: `label`, `method`, `word` (that in the middle of its seeds), `agreement` (such
        as "2 of 3 seeds", "" for one seed), `because`, and `n_caveats`: in how many other numbers
        it is off.
        """
        rows = [
            {**entry, "because": _sentence(entry), "n_caveats": len(entry["caveats"])}
            for entry in self.comparison["verdicts"]
        ]
        return pd.DataFrame(rows, columns=VERDICT_COLUMNS)

    @cached_property
    def ranking(self) -> list[str]:
        """Labels of the methods' variants, the best first.

        The best verdict comes first (`verdict.WORDS`); among equals the one that is off in the
        fewest other numbers, then the one whose dimensional alignment is nearest to the retrained
        models' mean.
        """
        table = self.summary
        alignment = table[table["metric"] == "dimensional_alignment"].set_index("label")["distance"]
        verdicts = self.verdicts[~self.verdicts["method"].isin(REFERENCES)]
        far = alignment.abs().reindex(verdicts["label"]).fillna(float("inf"))
        words = verdicts["word"].map(WORDS.index)
        ranks = zip(words, verdicts["n_caveats"], far, verdicts["label"], strict=True)
        return [str(name) for *_, name in sorted(ranks, key=lambda rank: rank[:3])]

    def nearest_first(self, metric: str) -> list[str]:
        """Labels of the methods' variants by one metric, the best first, without a value last.

        The best is the nearest to the retrained models, or the lowest or highest where the metric
        says that this is better.
        """
        part = self.summary[self.summary["metric"] == metric].set_index("label")
        far = _how_far(part, METRICS[metric].ideal).reindex(self.ranking)
        return [str(label) for label in far.sort_values(kind="stable", na_position="last").index]

    @property
    def best(self) -> str | None:
        """Label of the best method's variant; None where no method has run."""
        return self.ranking[0] if self.ranking else None

    def _distance(self, name: str, value: float | None, start: float | None) -> dict[str, Any]:
        there = self.reference.get(name)
        columns: dict[str, Any] = {
            "retrained": None if there is None else there.mean,
            "distance": None,
            "deviations": None,
            "side": "",
        }
        if value is None or there is None:
            return columns
        columns["distance"] = value - there.mean
        if METRICS[name].ideal == "reference":
            columns["deviations"] = there.deviations(value)
            columns["side"] = "" if start is None else _side(name, value, start, there)
        return columns

    def _side_of_mean(self, row: Any) -> str:
        spec, there = METRICS.get(row.metric), self.reference.get(row.metric)
        is_judged = row.method not in REFERENCES or row.label == LEFT_OUT_LABEL
        known = not pd.isna(row.mean) and not pd.isna(row.original)
        if spec is None or there is None or spec.ideal != "reference" or not (is_judged and known):
            return ""
        return _side(row.metric, row.mean, row.original, there)


def _side(name: str, value: float, original: float, there: Reference) -> str:
    """Return `findings.side`, or where it is "matched" that this is "doubtful" or "untold".

    Doubtful is what speaks against a model by two deviations (`findings.doubts`); untold what the
    original matches as well.  Of what is to be kept all three are alike, and a match tells that it
    was.
    """
    found = side(value, original, there)
    if doubts({name: value}, Standard(original={name: original}, reference={name: there})):
        return "doubtful"
    is_alike = found == "matched" and abs(original - there.mean) <= there.within
    return "untold" if is_alike and METRICS[name].share_of not in KEPT else found


def report(comparison: Comparison) -> Report:
    """Return the report of a comparison."""
    runs: list[RunEntry] = []
    for run in comparison.runs:
        content, verdict, origin = comparison.metrics(run), comparison.verdict(run), run.origin()
        runs.append(
            {
                "method": run.config.method,
                "label": comparison.label(run),
                "seed": run.config.seed,
                "key": run.key,
                "settings": dict(run.settings),
                "metrics": content["values"],
                "reasons": content["reasons"],
                "deviations": content.get("deviations", {}),
                "verdict": verdict.word,
                "because": verdict.sentence,
                "caveats": list(verdict.caveats),
                "seconds": run.cost.seconds,
                "maps": run.manifest["maps"],
                "config": origin["config"],
                "environment": origin["environment"],
                "data_content": origin["data_content"],
            }
        )
    return Report(comparison=about(comparison), runs=runs)


def about(comparison: Comparison) -> About:
    """Return what all runs of a comparison share."""
    plain, standard = comparison.config.to_dict(), comparison.standard
    return {
        "key": comparison.key,
        "schema": SCHEMA_VERSION,
        "dataset": comparison.config.data.name,
        "data": plain["data"],
        "model": plain["model"],
        "training": plain["training"],
        "forget": plain["forget"],
        "precision": plain["precision"],
        "same_start": plain["same_start"],
        "seeds": comparison.seeds,
        "reference": {name: asdict(each) for name, each in standard.reference.items()},  # type: ignore[misc]
        "matched_within": {name: each.within for name, each in standard.reference.items()},
        "left_out_seed": comparison.left_out.config.seed if comparison.left_out else None,
        "unreliable": sorted(standard.unreliable),
        "underfitted": standard.underfitted_notice,
        "costly": standard.costly_notice,
        "verdicts": _over_seeds(comparison),
        "class_names": list(comparison.class_names),
    }


def _how_far(group: pd.DataFrame, ideal: str) -> pd.Series[float]:
    """Return how far each row is from the ideal: the retrained model, or the best value."""
    if ideal == "reference":
        return group["distance"].abs()
    return group["mean"] if ideal == "lower" else -group["mean"]


def _over_seeds(comparison: Comparison) -> list[VerdictEntry]:
    """Return the verdict on each variant, in the order of the runs."""
    groups: dict[str, list[RunArtefact]] = {}
    for run in comparison.runs:
        groups.setdefault(comparison.label(run), []).append(run)
    entries: list[VerdictEntry] = []
    for label, runs in groups.items():
        verdict = comparison.verdict_over_seeds(label)
        n_same = sum(comparison.verdict(run).word == verdict.word for run in runs)
        entries.append(
            {
                "label": label,
                "method": runs[0].config.method,
                "word": verdict.word,
                "because": verdict.because,
                "caveats": list(verdict.caveats),
                "agreement": f"{n_same} of {len(runs)} seeds" if len(runs) > 1 else "",
            }
        )
    return entries


def _sentence(entry: VerdictEntry) -> str:
    return Verdict(entry["word"], entry["because"], tuple(entry["caveats"])).sentence
