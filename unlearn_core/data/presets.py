"""Which of a method's presets suits a request, by the data set and what is forgotten."""

from __future__ import annotations

from collections.abc import Collection

from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data.base import DATASETS
from unlearn_core.data.recipes import MANY


def usual_preset(presets: Collection[str], data: DataConfig, forget: ForgetConfig) -> str | None:
    """Return which of a method's presets suits a request: how it is made if nobody says more.

    That is the one for this data set and scenario, such as "digits sample"; else the one for the
    data set; else those for its kind of data, such as "photographs sample", where there are more
    than 20,000 training examples first those named like "many photographs"; else None, which
    stands for the method's defaults.
    """
    names = [data.name]
    if kind := DATASETS[data.name].kind if data.name in DATASETS else "":
        names += [f"many {kind}", kind] if has_many(data) else [kind]
    candidates = (suited for name in names for suited in (f"{name} {forget.scenario}", name))
    return next((name for name in candidates if name in presets), None)


def has_many(data: DataConfig) -> bool:
    """Say whether there are more training examples than the usual presets were found on.

    By what is declared, not by files: the same request is the same everywhere.
    """
    return (data.train_examples or DATASETS[data.name].n_train) > MANY
