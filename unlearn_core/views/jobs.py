"""Runs that are to be made or are being made: their names, states, times and what is left.

A *timing* is a finished run's config with the seconds it took.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unlearn_core.config import RunConfig
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.runs.grid import varied
from unlearn_core.runs.status import ACTIVE, ENDED, LOOPS, Status
from unlearn_core.views.wording import capital

Timing = tuple[RunConfig, float]
STAGES = {
    "train": "training",
    "unlearn": "unlearning",
    "learn": "learning the new class",
    "record": "recording features",
    "map": "drawing the maps",
    "measure": "measuring",
}
LOOP_SHARE = 0.85  # of a job's bar; the rest is for what comes after the steps
AFTER_LOOP = {"record": 0.87, "map": 0.92, "measure": 0.97}
STATE_COLOURS = {
    "queued": "gray",
    "running": "blue",
    "failed": "red",
    "cancelled": "orange",
    "interrupted": "orange",
}
FINISHED, WAITING, TO_DO = "exists already", "in the queue", "to make"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How long a run may take, and from how many finished runs this is known."""

    seconds: float
    n_runs: int


def run_name(config: RunConfig, labels: Mapping[str, str]) -> str:
    """Return what a run makes, such as "Retrained" or "MUDA"."""
    if config.method == "original":
        return "Original (measured)" if config.forget.kind != "none" else "Original (trained)"
    return {"incremental": "Incremental", **labels}.get(config.method, config.method)


def told_apart(
    configs: Sequence[RunConfig], defaults: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return what tells runs of one method in one comparison apart, by key; "" for one alone.

    Such as "gamma 0.25, rank 8".  `defaults` are each method's settings where nobody says more.
    """
    groups: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for config in configs:
        complete = {**defaults.get(config.method, {}), **config.settings}
        of_method = groups.setdefault((config.method, config.comparison_key()), {})
        of_method[config.key()] = complete
    return {
        key: settings_text(settings, varied(of_method.values()))
        for of_method in groups.values()
        for key, settings in of_method.items()
    }


def settings_text(settings: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return these settings for people.

    Examples
    --------
    >>> settings_text({"learning_rate": 0.01, "rank": 8}, ["learning_rate", "rank"])
    'learning rate 0.01, rank 8'
    """
    return ", ".join(f"{name.replace('_', ' ')} {value_text(settings.get(name))}" for name in names)


def value_text(value: Any) -> str:
    """Return a setting's value for people."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return str(value)


def estimate(config: RunConfig, timings: Sequence[Timing]) -> Estimate | None:
    """Return the median time of finished runs like this one; None where there is none.

    Alike are runs of the same method on the same data and model; those with the very same
    settings and recipe count alone where there are some.
    """
    alike = [(other, seconds) for other, seconds in timings if _is_alike(config, other)]
    same = [t for t in alike if t[0].settings == config.settings and t[0].forget == config.forget]
    counted = [seconds for _, seconds in same or alike]
    if not counted:
        return None
    return Estimate(seconds=statistics.median(counted), n_runs=len(counted))


def _is_alike(a: RunConfig, b: RunConfig) -> bool:
    if (a.method, a.data, a.model, a.precision) != (b.method, b.data, b.model, b.precision):
        return False
    if bool(a.relearn.examples) != bool(b.relearn.examples):
        return False
    if (a.forget.kind == "none") != (b.forget.kind == "none"):
        return False
    follows_recipe = a.method in (*REFERENCES, "incremental")
    return not follows_recipe or a.training == b.training


def duration(seconds: float) -> str:
    """Return a time for people.

    Examples
    --------
    >>> duration(8.2), duration(75), duration(7300)
    ('8 s', '1 min 15 s', '2 h 2 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def plan_table(
    configs: Sequence[RunConfig],
    finished: Collection[str],
    queued: Collection[str],
    timings: Sequence[Timing],
    labels: Mapping[str, str],
    defaults: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """Return one row per run: `Run`, `Settings`, `Seed`, `State`, `Time` and `key`.

    `finished` and `queued` are keys of runs; `Settings` are those that tell runs apart.
    """
    rows, apart = [], told_apart(configs, defaults)
    for config in configs:
        key = config.key()
        state = FINISHED if key in finished else WAITING if key in queued else TO_DO
        guess = estimate(config, timings)
        time = "" if state == FINISHED else "no estimate yet"
        if guess and state != FINISHED:
            time = f"about {duration(guess.seconds)}"
        row = {"Run": run_name(config, labels), "Settings": apart[key], "Seed": config.seed}
        rows.append({**row, "State": state, "Time": time, "key": key})
    return pd.DataFrame(rows)


def settings_column(plan: pd.DataFrame) -> list[str]:
    """Return the name of a plan's column of settings where a method has several, else nothing."""
    return ["Settings"] if plan["Settings"].any() else []


def plan_summary(
    configs: Sequence[RunConfig], finished: Collection[str], timings: Sequence[Timing]
) -> str:
    """Return in one or two sentences what a launch will cost."""
    left = [config for config in configs if config.key() not in finished]
    there = len(configs) - len(left)
    if not left:
        return f"All {_count(there, 'run')} exist already: there is nothing to make."
    start = f"{_count(len(left), 'run')} to make"
    start += f", {there} exist{'s' if there == 1 else ''} already." if there else "."
    known = [guess for config in left if (guess := estimate(config, timings))]
    if not known:
        return f"{start} No estimate of the time yet: nothing like this has been run here."
    total = duration(sum(guess.seconds for guess in known))
    rest = len(left) - len(known)
    missing = f"; no estimate yet for the other {rest}" if rest else ""
    n_runs = _count(sum(guess.n_runs for guess in known), "finished run")
    return f"{start} About {total}, estimated from {n_runs}{missing}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def left_to_make(table: pd.DataFrame) -> int:
    """Return how many runs of a plan neither exist nor wait."""
    return int((table["State"] == TO_DO).sum()) if len(table) else 0


def active(jobs: Sequence[Status]) -> set[str]:
    """Return the keys of the runs that are queued or running."""
    return {job.key for job in jobs if job.state in ACTIVE}


def positions(jobs: Sequence[Status]) -> dict[str, int]:
    """Return each waiting run's place in the queue, from 1."""
    waiting = [job.key for job in jobs if job.state == "queued"]
    return {key: position for position, key in enumerate(waiting, start=1)}


def in_order(jobs: Sequence[Status]) -> list[Status]:
    """Return running jobs first, then what ended badly, then what waits in its order."""
    rank = {"running": 0, **dict.fromkeys(ENDED, 1), "queued": 2}
    return sorted(jobs, key=lambda job: rank.get(job.state, 3))


def headline(jobs: Sequence[Status]) -> str:
    """Return how many runs are in which state."""
    states = ("running", "queued", *ENDED)
    counts = {state: sum(job.state == state for job in jobs) for state in states}
    return ", ".join(f"{n} {state}" for state, n in counts.items() if n) or "nothing to do"


def progress_fraction(job: Status) -> float:
    """Return how full a running job's bar is; it is full only when nothing is left to do."""
    if job.stage in LOOPS:
        return LOOP_SHARE * job.fraction
    return AFTER_LOOP.get(job.stage, 0.0)


def progress_text(job: Status, first: Status | None = None) -> str:
    """Return where a running job stands, with its true steps.

    `first` is an earlier status of the same stage, from which the time left is told.
    """
    if not job.stage:
        return "Starting"
    stage = "train" if job.method == "retrain" and job.stage == "unlearn" else job.stage
    if job.stage not in LOOPS:
        return f"Finishing: {STAGES.get(stage, stage)}"
    steps = f", step {job.step:,} of {job.total:,}" if job.total else ""
    return STAGES.get(stage, stage).capitalize() + steps + _left_text(job, first)


def _left_text(job: Status, first: Status | None) -> str:
    if first is None or first.stage != job.stage or job.step <= first.step:
        return ""
    seconds = (job.updated - first.updated) / (job.step - first.step) * (job.total - job.step)
    return f"; about {duration(seconds)} left"


def waiting_text(job: Status, jobs: Sequence[Status]) -> str:
    """Return why the next job is not running yet, where nothing else is; "" for any other."""
    is_next = positions(jobs).get(job.key) == 1
    if not is_next or any(each.state == "running" for each in jobs):
        return ""
    if any(each.state == "finished" for each in jobs):
        return "Next: the worker takes it up within seconds."
    return "The worker is starting: the first run of a server waits up to a minute for it."


def losses_text(job: Status) -> str:
    """Return the latest losses."""
    losses = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in job.losses.items()]
    return "Latest: " + ", ".join(losses) if losses else ""


def reason(job: Status) -> str:
    """Return why a job did not finish, as a sentence; in red where it failed."""
    text = capital(job.message)
    return f":red[{text}]" if job.state == "failed" else text
