"""The tiny comparison as what a handout is made of."""

from types import SimpleNamespace

import pytest

from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.report import report


@pytest.fixture
def made(comparison):
    """Return `comparison`, `report`, `dataset` and `sets`, and all of them as `parts`."""
    [chosen] = comparisons(comparison.store)
    dataset = load_dataset(chosen.config.data)
    sets = split(dataset, chosen.config.forget)
    numbers = report(chosen)
    return SimpleNamespace(
        comparison=chosen,
        report=numbers,
        dataset=dataset,
        sets=sets,
        parts=(chosen, numbers, dataset, sets),
    )
