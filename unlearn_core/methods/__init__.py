"""Unlearning methods. Importing this package fills `METHODS`; add one by adding a line here."""

from unlearn_core.methods import finetune, muda, neggrad, retrain, rfa, trick_head_finetune
from unlearn_core.methods.base import (
    METHODS,
    Method,
    UnlearnInputs,
    catalogue,
    get_method,
    resolve_settings,
)

__all__ = [
    "METHODS",
    "Method",
    "UnlearnInputs",
    "catalogue",
    "finetune",
    "get_method",
    "muda",
    "neggrad",
    "resolve_settings",
    "retrain",
    "rfa",
    "trick_head_finetune",
]
