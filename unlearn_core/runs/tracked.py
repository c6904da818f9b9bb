"""Choose the few examples whose features are followed while a model unlearns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unlearn_core.records import Sets
from unlearn_core.seeding import numpy_stream

LAYER_EXAMPLES = 64  # of each set, on which layers are compared
TRACKED = {"forget": 160, "retain": 320, "forget_test": 80, "retain_test": 160}


def tracked_examples(sets: Sets) -> NDArray[np.bool_]:
    """Choose the examples followed during unlearning, the same for every run of a comparison."""
    chosen = np.zeros(len(sets.forget), dtype=bool)
    for name, most in TRACKED.items():
        ids = np.flatnonzero(getattr(sets, name))
        chosen[numpy_stream(0, f"tracked {name}").permutation(ids)[:most]] = True
    return chosen
