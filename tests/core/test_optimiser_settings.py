"""Methods that share the settings of the optimiser keep the defaults of their sources."""

import pytest
import torch
from torch import nn

from unlearn_core.methods import METHODS
from unlearn_core.methods.optimiser import OptimiserSettings
from unlearn_core.methods.settings import changed, plain

DEFAULTS = {  # learning rate, optimiser, momentum, weight decay
    "finetune": (5e-5, "adamw", 0.0, 0.01),
    "l1_sparse": (0.01, "sgd", 0.9, 5e-4),
    "random_label": (0.013, "sgd", 0.9, 5e-4),
    "salun": (0.013, "sgd", 0.9, 5e-4),
    "scrub": (5e-4, "sgd", 0.9, 5e-4),
    "delete": (1e-4, "sgd", 0.9, 0.0),
}


def shared():
    return {name for name, m in METHODS.items() if issubclass(m.settings_class, OptimiserSettings)}


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_the_defaults_are_those_of_the_methods_source(name):
    settings = plain(METHODS[name].settings_class())
    names = ("learning_rate", "optimizer", "momentum", "weight_decay")
    assert tuple(settings[each] for each in names) == DEFAULTS[name]
    assert changed(METHODS[name].settings_class()) == {}


def test_every_method_that_shares_them_is_pinned_here():
    assert shared() == set(DEFAULTS)


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_the_optimiser_is_the_one_that_is_asked_for(name):
    weights = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2), requires_grad=False)]
    settings = METHODS[name].settings_class(learning_rate=0.5, optimizer="sgd", momentum=0.25)
    built = settings.build(weights)
    assert isinstance(built, torch.optim.SGD)
    [group] = built.param_groups
    assert (group["lr"], group["momentum"]) == (0.5, 0.25)
    assert group["weight_decay"] == DEFAULTS[name][3]
    assert len(group["params"]) == 1  # the frozen one is not in it
    adam = METHODS[name].settings_class(optimizer="adamw").build(weights)
    assert isinstance(adam, torch.optim.AdamW)
