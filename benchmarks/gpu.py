"""Train, unlearn and measure CIFAR-10 with every method, in one command that ends in time.

    PYTHONPATH=. python benchmarks/gpu.py --out results

All 50,000 images, the data set's own recipe, one class, a ResNet-18 of the chosen width, through
the project's own pipeline: what comes out are finished runs and their report, as `compare` makes
them.  The papers' methods come first.  A method that would hardly end in the time that is left is
not begun, and named with the reason; one that does not end is stopped.  `FOLDER/gpu.json` has every
number, `FOLDER/gpu.md` the table, both with hardware, versions, date and commit.  Streamlit, plotly
and umap-learn are not needed: without the last, maps are null with that reason.

`--scale smoke` walks the same path on a part of the digits, also without a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.methods import METHODS, usual_settings
from unlearn_core.methods.settings import changed
from unlearn_core.runs import faults
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import gather
from unlearn_core.runs.plan import all_needed, comparison_config, run_configs
from unlearn_core.runs.report import Report, report
from unlearn_core.runs.store import Store
from unlearn_core.views import tables

SCALES: dict[str, dict[str, Any]] = {
    "full": {"dataset": "cifar10", "width": 64, "forget_class": 1},
    "smoke": {
        "dataset": "digits",
        "width": 4,
        "forget_class": 3,
        "train_examples": 200,
        "epochs": 2,
    },
}
FIRST = ("rfa", "muda", "scrub", "finetune", "neglora", "badt", "trick_head_finetune")
LAST = ("fisher", "sparse_neglora")  # the slow ones: a gradient an example, a recovery on all data
RESERVED = 15.0  # seconds, to write what there is
CORES_A_RUN = 4  # metrics are computed on the processor, while other runs have the GPU


@dataclass
class Budget:
    """The time that is there, and what runs have taken of it so far."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    taken: list[float] = field(default_factory=list)

    @property
    def left(self) -> float:
        """Seconds until runs must have ended."""
        return self.started + self.seconds - RESERVED - time.monotonic()

    def reason_not_to_begin(self) -> str:
        """Say why another run would hardly end in time; "" where it may.

        One that does not is stopped.
        """
        usual = median(self.taken) if self.taken else 0.0
        if self.left > usual:
            return ""
        left = max(0.0, self.left)
        return f"half of the runs took {usual:.0f} s or more, and {left:.0f} s were left"


def in_order(methods: Mapping[str, Any]) -> list[str]:
    """Return the methods that are compared: the papers' first, then the slow ones, then tricks."""

    def place(name: str) -> tuple[int, int, str]:
        if name in FIRST:
            return 0, FIRST.index(name), name
        return (3 if methods[name].is_trick else 2 if name in LAST else 1), 0, name

    return sorted((name for name in methods if name != "retrain"), key=place)


def planned(args: argparse.Namespace) -> list[RunConfig]:
    """Return the runs, in the order in which they are made: the original and retrained first."""
    chosen = {**SCALES[args.scale], "device": args.device}
    for name in ("dataset", "width", "forget_class"):
        given = getattr(args, name)
        chosen[name] = chosen[name] if given is None else given
    forget = ForgetConfig(kind="class", values=(chosen.pop("forget_class"),))
    start = comparison_config(chosen.pop("dataset"), forget, **chosen)
    methods = {
        name: changed(usual_settings(name, start.data, forget)) for name in in_order(METHODS)
    }
    return run_configs(start, methods)


def make(config: RunConfig, root: str, device: str, seconds: float) -> float:
    """Make one run in a process of its own, within these seconds; return how many it took."""
    from unlearn_core.engine.pipeline import execute

    started = time.monotonic()
    store = Store(root)
    execute(
        config,
        store=store,
        device=device,
        should_stop=lambda: time.monotonic() - started > seconds,
    )
    return time.monotonic() - started


def make_all(
    configs: Sequence[RunConfig], root: Path, device: str, at_once: int, budget: Budget
) -> Iterator[tuple[RunConfig, str]]:
    """Make the runs, several at once; yield each with why it was not made, "" if it was."""
    references, waiting = all_needed(configs[:2]), list(configs[2:])
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:

        def begin(config: RunConfig) -> Future[float]:
            return pool.submit(make, config, str(root), device, budget.left)

        for config in references:  # every other run needs both
            seconds = begin(config).result()
            say(f"{config.role}: {seconds:.0f} s")
        yield from ((config, "") for config in configs[:2])
        running: dict[Future[float], RunConfig] = {}
        while waiting or running:
            while waiting and len(running) < at_once:
                config = waiting.pop(0)
                reason = budget.reason_not_to_begin()
                if reason:
                    yield config, reason
                else:
                    running[begin(config)] = config
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                config = running.pop(future)
                error = future.exception()
                if error is None:
                    budget.taken.append(future.result())
                    say(f"{config.method}: {future.result():.0f} s, {budget.left:.0f} s left")
                yield config, "" if error is None else faults.line(error)


def content(
    found: Report,
    runs: Sequence[RunArtefact],
    skipped: Mapping[str, str],
    args: argparse.Namespace,
) -> dict[str, Any]:
    """Return every number as JSON types, with what they depend on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", "benchmarks/gpu.py", *sys.argv[1:]]),
        "scale": args.scale,
        "runs_at_once": args.at_once,
        "minutes": args.minutes,
        "seconds": {run.config.method: run.total_seconds for run in runs},
        "skipped": dict(skipped),
        **found.plain(),
    }


def markdown(plain: Mapping[str, Any], table: str) -> str:
    """Return the table with what a reader has to know beside it."""
    where = plain["runs"][0]["environment"]
    about = plain["comparison"]
    packages = ", ".join(f"{k} {v}" for k, v in where["packages"].items() if v)
    lines = [
        f"# {about['dataset']}, class {about['forget']['values'][0]} forgotten, "
        f"ResNet-18 of width {about['model']['width']}",
        "",
        f"{plain['date']}, commit {where['commit']}.",
        f"{where['device']}, {where['threads']} threads.",
        f"Python {where['python']}, {packages}.",
        f"One seed, {about['precision']}. Runs at once: {plain['runs_at_once']}; where they are "
        "several they slow each other, and times compare within this table only.",
        "",
        table,
        "",
    ]
    lines += [f"Not made: {name}: {why}." for name, why in plain["skipped"].items()]
    return "\n".join(lines).rstrip() + "\n"


def say(line: str) -> None:
    """Tell a person where it stands."""
    print(line, file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", metavar="FOLDER", default="gpu-results")
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument("--dataset", help="instead of CIFAR-10")
    parser.add_argument("--width", type=int, help="channels of the first stage; 64")
    parser.add_argument("--forget-class", type=int)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--minutes", type=float, default=9.0, help="after which it has ended")
    parser.add_argument(
        "--at-once", type=int, default=max(1, min(4, (os.cpu_count() or 1) // CORES_A_RUN))
    )
    parser.add_argument("--store", metavar="FOLDER", help="keep the runs there")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs that there is time for, and write their numbers."""
    args = parsed(arguments)
    budget = Budget(60 * args.minutes)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(args.store or temporary)
        try:
            configs = planned(args)
            outcomes = list(make_all(configs, root, args.device, args.at_once, budget))
        except Exception as error:
            known = faults.named(error, root)
            say(faults.report(known, "error"))
            return 2 if isinstance(known, InputError) else 1
        store = Store(root)
        runs = [store.load(config.key()) for config, reason in outcomes if not reason]
        skipped = {config.method: reason for config, reason in outcomes if reason}
        found = report(gather(runs))
        plain = content(found, runs, skipped, args)
        shown = tables.with_verdicts(tables.display_table(found), found)
    table = markdown(plain, tables.to_markdown(shown))
    (out / "gpu.json").write_text(json.dumps(plain, indent=1, allow_nan=False) + "\n", "utf-8")
    (out / "gpu.md").write_text(table, "utf-8")
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
