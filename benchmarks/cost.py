"""How the cost of a run's metrics and map grows with examples, features and classes: a table.

Seconds on the clock of one call, in Markdown; the first row is what the others are told from.
"""

from __future__ import annotations

import argparse

import numpy as np
from metric_suite import measured
from timing import hardware, seconds

from unlearn_core.metrics import evaluate
from unlearn_core.projection import ProjectionConfig, project

MAPPED = 4000  # examples that a map shows at most
SIZES = (  # training examples, features, classes
    (5_000, 128, 10),
    (15_000, 128, 10),
    (50_000, 128, 10),
    (5_000, 512, 10),
    (50_000, 512, 10),
    (5_000, 128, 100),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=int, default=50_000, help="leave out larger rows")
    args = parser.parse_args()
    config = ProjectionConfig()
    project(np.zeros((64, 8), np.float32), config)  # compiles
    print("| training examples | features | classes | metrics, s | map, s |\n|---|---|---|---|---|")
    for n_train, n_features, n_classes in SIZES:
        if n_train > args.most:
            continue
        evidence = measured(n_train, n_features, n_classes)
        shown = evidence.records.features[:MAPPED]
        fits = seconds(lambda: evaluate(evidence))  # noqa: B023 - called at once
        layout = seconds(lambda: project(shown, config))  # noqa: B023
        print(
            f"| {n_train:,} | {n_features} | {n_classes} | {fits:.1f} | {layout:.1f} |", flush=True
        )
    print(hardware())


if __name__ == "__main__":
    main()
