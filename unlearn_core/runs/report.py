"""Report a comparison: every metric beside the retrained model's, over seeds, with verdicts.

Its JSON is what ``compare --json`` writes; its tables are what views only have to format.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

import pandas as pd

from unlearn_core.config import SCHEMA_VERSION
from unlearn_core.metrics.base import METRICS, OF_SEEDS, of_scope
from unlearn_core.metrics.spread import half_width
from unlearn_core.metrics.verdict import side_of_metric
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.runs.manifest import Environment, MapFacts

BEST_FIRST = ("matched", "under-forgotten", "over-forgotten", "collapsed", "unknown")
VERDICT_COLUMNS = ["label", "method", "word", "agreement", "because", "n_caveats"]


class About(TypedDict):
    """What all runs of a comparison share; configs as JSON types.

    `matched_within` tells, by metric, how far from retrained still counts as matched.
    """

    key: str
    schema: int
    dataset: str
    data: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    forget: dict[str, Any]
    precision: str
    seeds: list[int]
    matched_within: dict[str, float]


class RunEntry(TypedDict):
    """One run in a report: its metrics (None where missing, with a reason) and its verdict.

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

    @cached_property
    def tolerances(self) -> dict[str, float]:
        """How far from retrained still counts as matched, by metric."""
        told = self.comparison.get("matched_within", {})
        return {name: told.get(name, spec.tolerance) for name, spec in METRICS.items()}

    @cached_property
    def rows(self) -> pd.DataFrame:
        """One row per run and metric.

        Columns: `method`, `label`, `seed`, `key`, `metric`, `value` (NaN where missing), `reason`,
        `retrained`, `original`, `distance` (value minus retrained) and `side` (matched, under,
        over, or off where original and retrained are alike and the value is not).
        """
        values = {(run["method"], run["seed"]): run["metrics"] for run in self.runs}
        rows: list[dict[str, Any]] = []
        for run in self.runs:
            target = values.get(("retrain", run["seed"]), {})
            start = values.get(("original", run["seed"]), {})
            rows += [
                {
                    "method": run["method"],
                    "label": run["label"],
                    "seed": run["seed"],
                    "key": run["key"],
                    "metric": name,
                    "value": value,
                    "reason": run["reasons"].get(name, ""),
                    "retrained": target.get(name),
                    "original": start.get(name),
                    **self._distance(name, value, target.get(name), start.get(name)),
                }
                for name, value in run["metrics"].items()
            ]
        columns = ["value", "retrained", "original", "distance"]
        return pd.DataFrame(rows).astype(dict.fromkeys(columns, float))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per method variant and metric, over its seeds.

        Columns: `label`, `method`, `metric`, `n_seeds`, `mean`, `std` and `interval` (half the
        95 % interval of the mean; NaN for one seed), `retrained` and `original` (means over the
        same seeds), `distance` (mean of value minus retrained), `side` of the mean (as in `rows`,
        "" where there is no target), `reason` of a missing value, `is_nearest` (among methods: to
        the retrained model, or the lowest or highest where the metric says that this is better).
        Where the retrained model of a seed is missing, that seed's runs do not count, unless the
        variant has no other.
        """
        grouped = _with_target(self.rows).groupby(["label", "method", "metric"], sort=False)
        table = grouped.agg(
            n_seeds=("value", "count"),
            mean=("value", "mean"),
            std=("value", "std"),
            retrained=("retrained", "mean"),
            original=("original", "mean"),
            distance=("distance", "mean"),
            reason=("reason", "max"),
        ).reset_index()
        values = grouped["value"].agg(list)
        table["interval"] = [half_width([v for v in part if not pd.isna(v)]) for part in values]
        over_seeds = {spec.name for spec in of_scope(OF_SEEDS)}  # one value of all seeds together
        table.loc[table["metric"].isin(over_seeds), ["std", "interval"]] = math.nan
        table["side"] = [self._side_of_mean(row) for row in table.itertuples()]
        table["is_nearest"] = False
        methods = table[~table["method"].isin(REFERENCES)]
        for name, group in methods.groupby("metric"):
            cost = _how_far(group, METRICS[str(name)].ideal)
            if cost.notna().any():
                table.loc[group.index[cost == cost.min()], "is_nearest"] = True
        return table

    def summary_records(self) -> list[dict[str, Any]]:
        """Return `summary` as JSON types: one entry per variant and metric, NaN as None.

        `low` and `high` are the ends of the 95 % confidence interval of the mean, from two seeds.
        """
        mean, half = self.summary["mean"], self.summary["interval"]
        table = self.summary.assign(low=mean - half, high=mean + half)
        kept = ["label", "method", "metric", "n_seeds", "mean", "std", "low", "high"]
        kept += ["retrained", "distance", "side"]
        records = table[kept].astype(object).where(table[kept].notna(), None).to_dict("records")
        return [{str(name): value for name, value in record.items()} for record in records]

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per method variant.

        Columns: `label`, `method`, `word` (the most frequent over seeds, the worse one of a tie),
        `agreement` (such as "2 of 3 seeds", "" for one seed), `because`, and `n_caveats`: in
        how many other numbers its matched runs are off, on average.
        """
        groups: dict[str, list[RunEntry]] = {}
        for run in self.runs:
            groups.setdefault(run["label"], []).append(run)
        rows = [_verdict_of(label, runs) for label, runs in groups.items()]
        return pd.DataFrame(rows, columns=VERDICT_COLUMNS)

    @cached_property
    def ranking(self) -> list[str]:
        """Labels of the methods' variants, the best first.

        The best verdict comes first; among equals the one that is off in the fewest other numbers,
        then the one whose dimensional alignment is nearest to the retrained model's.
        """
        table = self.summary
        alignment = table[table["metric"] == "dimensional_alignment"].set_index("label")["distance"]
        verdicts = self.verdicts[~self.verdicts["method"].isin(REFERENCES)]
        far = alignment.abs().reindex(verdicts["label"]).fillna(float("inf"))
        words = verdicts["word"].map(BEST_FIRST.index)
        ranks = zip(words, verdicts["n_caveats"], far, verdicts["label"], strict=True)
        return [str(name) for *_, name in sorted(ranks, key=lambda rank: rank[:3])]

    @property
    def best(self) -> str | None:
        """Label of the best method's variant; None where no method has run."""
        return self.ranking[0] if self.ranking else None

    def _distance(
        self, name: str, value: float | None, target: float | None, start: float | None
    ) -> dict[str, Any]:
        if value is None or target is None or name not in METRICS:
            return {"distance": None, "side": ""}
        if start is None or METRICS[name].ideal != "reference":
            return {"distance": value - target, "side": ""}
        side = side_of_metric(name, value, start, target, self.tolerances[name])
        return {"distance": value - target, "side": side}

    def _side_of_mean(self, row: Any) -> str:
        spec = METRICS.get(row.metric)
        known = not any(pd.isna(v) for v in (row.mean, row.original, row.retrained))
        if spec is None or spec.ideal != "reference" or row.method in REFERENCES or not known:
            return ""
        within = self.tolerances[row.metric]
        return side_of_metric(row.metric, row.mean, row.original, row.retrained, within)


def report(comparison: Comparison) -> Report:
    """Return the report of a comparison."""
    runs: list[RunEntry] = []
    for run in comparison.runs:
        content, verdict, origin = comparison.metrics(run), comparison.verdict(run), run.origin()
        runs.append(
            {
                "method": run.config.method,
                "label": run.label,
                "seed": run.config.seed,
                "key": run.key,
                "settings": dict(run.settings),
                "metrics": content["values"],
                "reasons": content["reasons"],
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
    plain = comparison.config.to_dict()
    return {
        "key": comparison.key,
        "schema": SCHEMA_VERSION,
        "dataset": comparison.config.data.name,
        "data": plain["data"],
        "model": plain["model"],
        "training": plain["training"],
        "forget": plain["forget"],
        "precision": plain["precision"],
        "seeds": comparison.seeds,
        "matched_within": comparison.tolerances,
    }


def _with_target(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out a variant's seeds without a retrained model where it has others."""
    is_judged = rows["seed"].isin(rows.loc[rows["method"] == "retrain", "seed"])
    has_some = is_judged.groupby(rows["label"]).transform("any")
    return rows[is_judged | ~has_some]


def _how_far(group: pd.DataFrame, ideal: str) -> pd.Series[float]:
    """Return how far each row is from the ideal: the retrained model, or the best value."""
    if ideal == "reference":
        return group["distance"].abs()
    return group["mean"] if ideal == "lower" else -group["mean"]


def _verdict_of(label: str, runs: list[RunEntry]) -> Mapping[str, Any]:
    """Return one variant's row of `Report.verdicts`."""
    counts = Counter(run["verdict"] for run in runs)
    word = max(counts, key=lambda w: (counts[w], _rank(w)))
    is_single = len({run["because"] for run in runs}) == 1
    because = (
        [runs[0]["because"]]
        if is_single
        else [f"seed {run['seed']}: {run['because']}" for run in runs]
    )
    return {
        "label": label,
        "method": runs[0]["method"],
        "word": word,
        "agreement": f"{counts[word]} of {len(runs)} seeds" if len(runs) > 1 else "",
        "because": "; ".join(because),
        "n_caveats": sum(len(run["caveats"]) for run in runs) / max(1, counts["matched"]),
    }


def _rank(word: str) -> int:
    return BEST_FIRST.index(word) if word in BEST_FIRST else len(BEST_FIRST)
