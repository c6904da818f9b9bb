"""Which of a method's presets suits a request, by the data set and what is forgotten."""

from __future__ import annotations

from collections.abc import Collection

from unlearn_core.config import ForgetConfig
from unlearn_core.data.base import DATASETS


def usual_preset(presets: Collection[str], dataset: str, forget: ForgetConfig) -> str | None:
    """Return which of a method's presets suits a request: how it is made if nobody says more.

    That is the one for this data set and scenario, such as "digits sample"; else the one for the
    data set; else those for its kind of data, such as "photographs sample"; else None, which
    stands for the method's defaults.
    """
    kind = DATASETS[dataset].kind if dataset in DATASETS else ""
    names = (dataset, kind) if kind else (dataset,)
    candidates = (suited for name in names for suited in (f"{name} {forget.scenario}", name))
    return next((name for name in candidates if name in presets), None)
