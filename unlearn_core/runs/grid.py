"""Grids: a method with every combination of several values of several of its settings.

The gamma ablation is the grid of one setting of RFA (`gamma_sweep.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison

MOST = 500  # combinations of one method: as many runs as may wait


def combinations(method: str, values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return each combination of these settings' values, the last setting varying fastest.

    Examples
    --------
    >>> combinations("rfa", {"gamma": [0, 1], "rank": [8]})
    [{'gamma': 0, 'rank': 8}, {'gamma': 1, 'rank': 8}]

    Raises
    ------
    InputError
        If there are more than `MOST`.
    """
    counts = [len(several) for several in values.values()]
    if math.prod(counts) > MOST:
        raise InputError(
            f"A grid of {method} may have at most {MOST} combinations, got "
            f"{' x '.join(map(str, counts))} = {math.prod(counts):,}."
        )
    return [dict(zip(values, point, strict=True)) for point in product(*values.values())]


def varied(settings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the settings in which these differ, in their order.

    Examples
    --------
    >>> varied([{"gamma": 0, "rank": 8}, {"gamma": 1, "rank": 8}])
    ['gamma']
    """
    several = list(settings)
    names = dict.fromkeys(name for each in several for name in each)
    return [name for name in names if len({repr(each.get(name)) for each in several}) > 1]


def variants(comparison: Comparison) -> dict[str, dict[str, RunArtefact]]:
    """Return by method, and by what tables call them, one run of each of its variants.

    Of methods that ran with several settings alone, the one with most variants first.
    """
    found: dict[str, dict[str, RunArtefact]] = {}
    for run in comparison.runs:
        if run.config.method not in REFERENCES:
            found.setdefault(run.config.method, {}).setdefault(run.label, run)
    several = {method: runs for method, runs in found.items() if len(runs) > 1}
    return dict(sorted(several.items(), key=lambda entry: -len(entry[1])))
