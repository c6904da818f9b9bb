"""Read what relearning showed of the models of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from unlearn_core.metrics.base import ELSEWHERE, OF_RELEARNING, of_scope, value_or_reason
from unlearn_core.metrics.relearning import Curve, Curves
from unlearn_core.runs.artefact import RunArtefact

Found = dict[str, tuple[float | None, str]]
OWN, FRESH = "model", "fresh"  # the run's model, and a network with fresh weights: the floor


def relearning_table(run: RunArtefact) -> pd.DataFrame:
    """Return the curves that a relearning holds, one row a point.

    Columns: `network` ("model", or "fresh" for the floor, which the retrained model's relearning
    holds), `examples` (k), `step`, `forget_accuracy` (on the forgotten examples that were not
    shown) and `retain_accuracy` (on retained test examples; NaN where there are none).
    """
    return run.history()


def curves_of(run: RunArtefact, network: str = OWN) -> dict[int, Curve]:
    """Return a network's curve for each number of examples that were shown."""
    table = relearning_table(run)
    rows = table[table["network"] == network].sort_values("step")
    return {
        int(str(count)): Curve(
            steps=part["step"].to_numpy(np.int64),
            accuracies=part["forget_accuracy"].to_numpy(np.float64),
        )
        for count, part in rows.groupby("examples")
    }


def metrics_of_relearning(own: RunArtefact | None, references: Sequence[RunArtefact]) -> Found:
    """Return each metric of relearning, as its value and the reason where it has none.

    Parameters
    ----------
    own : RunArtefact or None
        The relearning of a run's model; None where there is none.
    references : sequence of RunArtefact
        Those of the retrained models that it is compared with, by their mean curve.
    """
    specs = of_scope(OF_RELEARNING)
    if own is None:
        return {spec.name: (None, ELSEWHERE[OF_RELEARNING]) for spec in specs}
    theirs = mean_curves([curves_of(run) for run in references]) if references else None
    curves = Curves(own=curves_of(own), retrained=theirs)
    return {spec.name: value_or_reason(spec, curves) for spec in specs}


def mean_curves(models: Sequence[Mapping[int, Curve]]) -> dict[int, Curve]:
    """Return the mean of several models' curves, for each k that all of them have."""
    shared = [count for count in models[0] if all(count in curves for curves in models)]
    return {
        count: Curve(
            steps=models[0][count].steps,
            accuracies=np.mean([curves[count].accuracies for curves in models], axis=0),
        )
        for count in shared
    }
