"""Unlearning methods. Importing this package fills `METHODS`; add one by adding a line here."""

from unlearn_core.methods import (
    badt,
    cf_k,
    delete,
    eu_k,
    finetune,
    fisher,
    l1_sparse,
    muda,
    neggrad,
    neggrad_ft,
    neggrad_plus,
    neglora,
    partial_neggrad,
    random_label,
    retrain,
    rfa,
    salun,
    scrub,
    sparse_neglora,
    ssd,
    trick_calibration,
    trick_forget_bias,
    trick_head_finetune,
)
from unlearn_core.methods.base import (
    METHODS,
    Method,
    UnlearnInputs,
    catalogue,
    get_method,
    methods_for,
    require_meant_for,
    resolve_settings,
    usual_settings,
)
from unlearn_core.plugins import load as _load_plugins

__all__ = [
    "METHODS",
    "Method",
    "UnlearnInputs",
    "catalogue",
    "get_method",
    "methods_for",
    "require_meant_for",
    "resolve_settings",
    "usual_settings",
]

_load_plugins("method", METHODS)
