"""Compute core of the unlearning dashboard, and a library. Never imports Streamlit.

`unlearn`, `evaluate` and `continuations` work on one's own network (docs/library.md).
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Threads of torch spin while they wait for each other.  Beside any other busy process (a second
# run, a browser) that makes a step many times slower, so let them sleep; read when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from unlearn_core.library import (
        EvaluationResult,
        Outputs,
        UnlearnResult,
        continuations,
        evaluate,
        unlearn,
    )
    from unlearn_core.models import Parts

__all__ = [
    "EvaluationResult",
    "Outputs",
    "Parts",
    "UnlearnResult",
    "continuations",
    "evaluate",
    "unlearn",
]


def __getattr__(name: str) -> Any:
    """Load a name of the library, and torch with it, when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "models" if name == "Parts" else "library"
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
