"""How often verdicts err: on retrained models that are left out, on tricks, on the original.

    PYTHONPATH=. .venv/bin/python benchmarks/verdicts.py --dataset digits --classes 3,8 --seeds 16

makes the runs that are missing in the store (`UNLEARN_CACHE`; a new one by default), and prints:

- the deviation of each number that decides over retrained models (`spread.FLOORS`),
- how often one retrained model is called anything but matched by the others, and
- how often a trick or the untouched original is called matched, which both should be at most 5 %,

for references of 1, 2, 4 and all but one of the retrained models.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import get_dataset
from unlearn_core.engine.pipeline import execute
from unlearn_core.methods import usual_settings
from unlearn_core.methods.settings import changed
from unlearn_core.metrics.findings import DECIDING, Values
from unlearn_core.metrics.verdict import judge
from unlearn_core.runs.comparison import standard_of
from unlearn_core.runs.plan import comparison_config, run_configs
from unlearn_core.runs.store import Store

TRICKS = ("trick_head_finetune", "trick_forget_bias", "trick_calibration")
REFERENCES = (1, 2, 4)
DRAWS = 8  # references of each size for each model that is judged
Measured = Mapping[str, Any]


def main() -> None:
    """Make the runs and print the error rates."""
    args = arguments()
    store = Store(Path(os.environ.get("UNLEARN_CACHE") or tempfile.mkdtemp()))
    reaches = get_dataset(args.dataset).reaches
    wrong: dict[str, Counter[str]] = {}
    spreads: dict[str, list[float]] = {}
    for label in args.classes.split(","):
        made = measured(args, int(label), store)
        for name, values in by_metric(made["retrain"]):
            spreads.setdefault(name, []).append(float(np.var(values, ddof=1)))
        for size in (*REFERENCES, len(made["retrain"]) - 1):
            for kind, verdict in verdicts(made, size, reaches):
                wrong.setdefault(f"{size:2d} retrained models: {kind}", Counter())[verdict] += 1
    print(f"Deviation over {args.seeds} retrained models, pooled over classes {args.classes}:")
    for name, variances in spreads.items():
        each = ", ".join(f"{value**0.5:.3f}" for value in variances)
        print(f"  {name:24s} {np.mean(variances) ** 0.5:.4f}  ({each})")
    print("Verdicts:")
    for title, words in sorted(wrong.items()):
        n = words.total()
        shares = ", ".join(f"{word} {count / n:.1%}" for word, count in words.most_common())
        print(f"  {title} (n = {n}): {shares}")


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--classes", default="3", help="numbers with commas")
    parser.add_argument("--seeds", type=int, default=4, help="how many")
    parser.add_argument("--train-examples", type=int)
    return parser.parse_args()


def measured(args: argparse.Namespace, label: int, store: Store) -> dict[str, list[Measured]]:
    """Make what is missing; return by method the metrics of each seed."""
    forget = ForgetConfig(kind="class", values=(label,))
    start = comparison_config(args.dataset, forget, train_examples=args.train_examples)
    settings = {
        name: changed(usual_settings(name, DataConfig(name=args.dataset), forget))
        for name in TRICKS
    }
    made: dict[str, list[Measured]] = {}
    for config in run_configs(start, settings, range(args.seeds)):
        made.setdefault(config.method, []).append(finished(config, store))
    return made


def finished(config: RunConfig, store: Store) -> Measured:
    """Return a run's metrics; make it where it is missing."""
    return execute(config, store=store).metrics()


def by_metric(retrained: list[Measured]) -> Iterator[tuple[str, list[float]]]:
    """Yield each metric that decides, with its values over retrained models."""
    for name in (name for names in DECIDING.values() for name in names):
        values = [v for each in retrained if (v := each["values"].get(name)) is not None]
        if len(values) > 1:
            yield name, values


def verdicts(
    made: Mapping[str, list[Measured]], size: int, reaches: float
) -> Iterator[tuple[str, str]]:
    """Yield the kind and the verdict of each model, judged by `size` retrained models.

    The reference never holds the retrained model of the same seed.
    """
    random = np.random.default_rng(0)
    kinds = {"retrain": "left-out retrained", "original": "original"}
    for method, models in made.items():
        for seed, model in enumerate(models):
            others = [k for k in range(len(made["retrain"])) if k != seed]
            for chosen in references(others, size, random):
                start: Values = made["original"][seed]["values"]
                standard = standard_of(start, [made["retrain"][k] for k in chosen], reaches=reaches)
                yield kinds.get(method, method), judge(model["values"], standard).word


def references(others: list[int], size: int, random: np.random.Generator) -> Iterable[list[int]]:
    """Return some references of that size, or the only one there is."""
    if size == len(others):
        return [others]
    return [sorted(random.choice(others, size, replace=False)) for _ in range(DRAWS)]


if __name__ == "__main__":
    main()
