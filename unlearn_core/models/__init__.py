"""Networks. Importing this package fills `MODELS`; add one by adding a line here."""

from unlearn_core.models import distilbert, distilgpt2, resnet, vit
from unlearn_core.models.base import (
    MODELS,
    ModelSpec,
    build_model,
    get_model,
    initialise,
    restart,
)
from unlearn_core.models.hooks import (
    captured_features,
    captured_outputs,
    evaluating,
    exact_head,
)
from unlearn_core.models.parts import Parts, head, parts_of, state_parts
from unlearn_core.plugins import load as _load_plugins

__all__ = [
    "MODELS",
    "ModelSpec",
    "Parts",
    "build_model",
    "captured_features",
    "captured_outputs",
    "evaluating",
    "exact_head",
    "get_model",
    "head",
    "initialise",
    "parts_of",
    "restart",
    "state_parts",
]

_load_plugins("model", MODELS)
