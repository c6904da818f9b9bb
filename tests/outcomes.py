"""Print where methods end on the digits, as JSON: `python tests/outcomes.py SEED KIND:VALUE`.

A process of its own, so that `test_three_seeds` can use every core.
"""

import copy
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

# before torch loads; a cluster that an earlier test started may leave other numbers behind
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from unlearn_core.config import ForgetConfig
from unlearn_core.data.batches import to_device
from unlearn_core.data.splits import split
from unlearn_core.engine.probes import record
from unlearn_core.engine.request import dataset_of
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings, usual_settings
from unlearn_core.metrics.alignment import dimensional_alignment
from unlearn_core.models import build_model
from unlearn_core.runs.plan import comparison_config
from unlearn_core.seeding import stream_seed, torch_stream
from unlearn_core.training import train

CPU = torch.device("cpu")
FEATURES_ALONE = "rfa, features alone"


class Request:
    """One forget request on the digits, with the original of its data and seed."""

    def __init__(self, forget, seed):
        self.config = replace(comparison_config("digits", forget), seed=seed)
        self.dataset = dataset_of(self.config.data)
        self.sets = split(self.dataset, forget)
        generator = torch_stream(seed, "initial weights")
        self.original = build_model(self.config.model, 1, self.dataset.n_classes, generator)
        examples = self.examples(self.dataset.is_train)
        recipe = self.config.training
        for _ in train(self.original, examples, recipe, torch_stream(seed, "train original")):
            pass
        self.original.eval()

    def examples(self, mask):
        augment = self.config.training.augment
        return to_device(self.dataset, mask, CPU, forget=self.sets.forget, augment=augment)

    def outcome(self, method, preset=None):
        """Return the accuracies on D_f and D_rt, and the alignment, after a method."""
        model = copy.deepcopy(self.original)
        if method != "original":
            inputs = UnlearnInputs(
                model=model,
                forget=self.examples(self.sets.forget),
                retain=self.examples(self.sets.retain),
                generator=torch_stream(self.config.seed, f"method {method}"),
                subset_seed=stream_seed(self.config.seed, "retained part"),
                recipe=self.config.training,
            )
            settings = usual_settings(method, self.config.data, self.config.forget)
            if preset is not None:
                settings = resolve_settings(method, METHODS[method].presets[preset])
            for _ in METHODS[method].run(inputs, settings):
                pass
        everything = self.examples(np.ones_like(self.sets.forget))
        records = record(model.eval(), everything, self.dataset)
        right = records.predictions == records.labels
        parts = [records.features[mask] for mask in (self.sets.forget, self.sets.retain)]
        return {
            "forget": float(right[self.sets.forget].mean()),
            "retain_test": float(right[self.sets.retain_test].mean()),
            "alignment": dimensional_alignment(*parts),
        }


def main(seed, wanted):
    kind, _, value = wanted.partition(":")
    request = Request(ForgetConfig(kind=kind, values=(int(value),)), int(seed))
    outcomes = {name: request.outcome(name) for name in ("original", *METHODS)}
    if kind == "class":
        outcomes[FEATURES_ALONE] = request.outcome("rfa", "features alone")
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
