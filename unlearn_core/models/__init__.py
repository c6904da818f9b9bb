"""Networks. Importing this package fills `MODELS`; add one by adding a line here."""

from unlearn_core.models import resnet, vit
from unlearn_core.models.base import MODELS, ModelSpec, build_model, initialise, restart
from unlearn_core.models.hooks import captured_features, captured_outputs, evaluating, head
from unlearn_core.plugins import load as _load_plugins

__all__ = [
    "MODELS",
    "ModelSpec",
    "build_model",
    "captured_features",
    "captured_outputs",
    "evaluating",
    "head",
    "initialise",
    "restart",
]

_load_plugins("model", MODELS)
