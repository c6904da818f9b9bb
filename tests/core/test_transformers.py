"""Transformers keep the contract too: same seed, same weights; norms frozen where said."""

import copy

import pytest
import torch
from torch import nn

from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import to_device
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.methods.partial_neggrad import trained_modules
from unlearn_core.models import build_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tiny_vit():
    return build_model(ModelConfig(name="tiny_vit"), 1, 4, torch.Generator().manual_seed(0))


def test_tiny_vit_draws_nothing_from_the_global_generator(tiny_vit, small_dataset):
    """`finetune` stands for all that train it in train mode."""
    forget = small_dataset.labels == 1
    train = small_dataset.is_train
    states = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        inputs = UnlearnInputs(
            model=copy.deepcopy(tiny_vit),
            forget=to_device(small_dataset, forget & train, CPU, forget=forget),
            retain=to_device(small_dataset, ~forget & train, CPU, forget=forget).take(
                torch.arange(4)
            ),
            generator=torch.Generator().manual_seed(3),
        )
        list(METHODS["finetune"].run(inputs, resolve_settings("finetune", {"batch_size": 4})))
        states.append(inputs.model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_partial_neggrad_trains_no_norm_of_a_transformer(tiny_vit):
    parts = trained_modules(tiny_vit)
    assert all(isinstance(part, nn.Linear) for part in parts)
    assert len(parts) == 4
