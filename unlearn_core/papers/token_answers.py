"""How far two stored language models' answers are apart, as RFA prints it: summed over a text.

Probabilities over a vocabulary are not stored, so both networks answer again.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from unlearn_core.data.batches import to_device
from unlearn_core.data.splits import split
from unlearn_core.data.texts import TextDataset
from unlearn_core.engine.answering import network_of
from unlearn_core.engine.measure import answer_distances
from unlearn_core.engine.probes import layer_examples
from unlearn_core.engine.readable import readable
from unlearn_core.engine.request import dataset_of
from unlearn_core.models import MODELS
from unlearn_core.runs.answerer import weights_of
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.store import Store

CPU = torch.device("cpu")


def summed_over_tokens(
    run: RunArtefact, retrained: RunArtefact, part: str, store: Store
) -> tuple[float | None, str]:
    """Return the L1 distance of two models' probabilities, summed over a text's tokens.

    It is the mean over the texts of the set `part` on which layers are compared too.  None with
    the reason where there is none.
    """
    config = run.config
    held = [weights_of(made, store) for made in (run, retrained)]
    if None in held:
        return None, "the weights of the models are not here"
    data, _ = readable(dataset_of(config.data), config, store)
    assert isinstance(data, TextDataset)
    assert data.tokens is not None
    ids = layer_examples(split(data, config.forget))[part]
    if not len(ids):
        return None, f"there are no texts of {part}"
    texts = to_device(data, np.isin(np.arange(len(data.labels)), ids), CPU)
    own, other = (_network(made.key, store) for made in held if made)
    by_token = answer_distances(own, other, texts, MODELS[config.model.name].task)["l1"]
    if not math.isfinite(by_token):
        return None, "the model's outputs are not finite"
    n_predicted = data.tokens.lengths[ids] - 1  # nothing predicts the first
    return by_token * float(n_predicted.mean()), ""


@lru_cache(maxsize=3)  # a row asks about two models on one set after the other
def _network(key: str, store: Store) -> nn.Module:
    return network_of(store.load(key))
