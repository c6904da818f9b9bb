"""Unlearning and its evaluation on one's own network and tensors: no store, no jobs, no pages.

`unlearn_core` itself hands these names on, loading torch only when one is asked for.
"""

from unlearn_core.library.evaluation import EvaluationResult, Outputs, evaluate
from unlearn_core.library.unlearning import UnlearnResult, unlearn
from unlearn_core.library.writing import continuations

__all__ = [
    "EvaluationResult",
    "Outputs",
    "UnlearnResult",
    "continuations",
    "evaluate",
    "unlearn",
]
