"""Take weights that were trained elsewhere as the original of a comparison.

``python -m unlearn_core.engine.given CONFIG FILE STORE`` does so for pages, which load no torch: it
prints the hash of the weights, or says in one line what is wrong with them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import RunConfig
from unlearn_core.engine.request import available, dataset_of
from unlearn_core.models import build_model
from unlearn_core.models.checkpoint import fit, read_weights
from unlearn_core.runs import faults, given_weights
from unlearn_core.runs.store import Store
from unlearn_core.seeding import torch_stream


def with_weights(config: RunConfig, file: Path, store: Store) -> RunConfig:
    """Return the config whose original has the weights in a file, which the store keeps.

    Methods unlearn from them.  Retrained models are trained anew, by the config's recipe, as
    nobody knows how the file's were: choose a recipe like theirs.

    Raises
    ------
    InputError
        If the file cannot be read, or does not fit the network, or is not the config's own.
    """
    weights = read_weights(file)
    dataset = dataset_of(available(config.data))
    network = replace(config.model, pretrained=False)
    generator = torch_stream(config.seed, "initial weights")
    model = build_model(network, dataset.channels, dataset.n_classes, generator)
    fit(model, weights, f"The weights {file}")
    content = given_weights.keep(store.root, file)
    wanted = config.model.weights
    if wanted not in ("", content):
        raise InputError(f"{file} must hold the weights of the config, {wanted}, got {content}.")
    return replace(config, model=replace(config.model, weights=content))


def main(arguments: Sequence[str]) -> int:
    """Check and keep the weights of a file; return the exit code, 2 for weights that do not fit."""
    described, file, root = arguments
    store = Store(Path(root))
    try:
        config = RunConfig.from_dict(json.loads(described))
        given = with_weights(config, Path(file), store)
    except (InputError, KnownFailureError, OSError) as error:
        known = faults.named(error, store.root)
        if faults.is_fault(known):
            raise
        sys.stderr.write(faults.line(known) + "\n")
        return 2
    sys.stdout.write(given.model.weights + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
