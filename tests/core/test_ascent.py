"""Climbing the loss: as many passes as asked for, or until it is enough."""

import math

import pytest
import torch
from torch import nn

from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig
from unlearn_core.data.batches import to_device
from unlearn_core.methods import UnlearnInputs, usual_settings
from unlearn_core.methods.ascent import FORGET_LOSS, AscentSettings, ascend, digits_presets
from unlearn_core.models import build_model

CPU = torch.device("cpu")


@pytest.fixture
def ascended(small_dataset):
    """Climb with a linear model on one class (8 examples, 2 batches a pass)."""

    def ascend_with(**settings):
        lines = []
        torch.manual_seed(0)
        forget = small_dataset.is_train & (small_dataset.labels == 1)
        inputs = UnlearnInputs(
            model=nn.Sequential(nn.Flatten(), nn.Linear(64, 4)),
            forget=to_device(small_dataset, forget, CPU, forget=forget),
            retain=to_device(small_dataset, ~forget, CPU),
            generator=torch.Generator().manual_seed(0),
            log=lines.append,
        )
        chosen = AscentSettings(
            **{"epochs": 6, "batch_size": 4, "learning_rate": 0.05, "optimizer": "sgd", **settings}
        )
        return list(ascend(inputs, chosen, inputs.model)), lines

    return ascend_with


def test_without_a_limit_every_pass_is_made_and_the_loss_rises(ascended):
    steps, lines = ascended()
    assert [step.step for step in steps] == list(range(1, 13))
    assert steps[-1].losses[FORGET_LOSS] > steps[0].losses[FORGET_LOSS]
    assert lines == []


def test_the_ascent_ends_once_the_mean_loss_of_a_pass_reaches_the_limit(ascended):
    everything, _ = ascended()
    losses = [step.losses[FORGET_LOSS] for step in everything]
    limit = (losses[4] + losses[5]) / 2
    steps, [line] = ascended(until_loss=limit)
    assert len(steps) == 6
    assert steps == everything[:6]
    assert f"ended at step 6 of 12: the forget loss reached {limit:.2f} nats" in line


def test_the_ascent_never_ends_within_the_first_pass(ascended):
    steps, _ = ascended(until_loss=1e-9)
    assert len(steps) == 2


def test_the_loss_of_guessing_is_that_of_the_models_answers(ascended):
    model = build_model(ModelConfig(width=4), 1, 7, torch.Generator())
    assert AscentSettings().limit(model) == math.inf
    assert AscentSettings(until_guessing=1.5).limit(model) == pytest.approx(1.5 * math.log(7))
    assert AscentSettings(until_guessing=1.5, until_loss=2.0).limit(model) == 2.0
    assert AscentSettings(until_guessing=1.0, until_loss=2.0).limit(model) == math.log(7)


@pytest.mark.parametrize("name", ["neggrad", "neglora", "partial_neggrad"])
def test_own_data_ends_at_the_loss_of_guessing_among_its_own_classes(name):
    forget = ForgetConfig(kind="class", values=(0,))
    for data, times in (("texts", 1.0), ("folder", 1.3), ("tiny_imagenet", 1.3)):
        usual = usual_settings(name, DataConfig(name=data), forget)
        assert (usual.until_guessing, usual.until_loss) == (times, 0)
    for data, loss in (("banking77", 4.3), ("fashion", 3.0), ("cifar10", 1.5)):
        usual = usual_settings(name, DataConfig(name=data), forget)
        assert (usual.until_guessing, usual.until_loss) == (0, loss)


def test_the_presets_of_the_digits_differ_by_scenario_only_in_when_to_stop():
    presets = digits_presets(learning_rate=1e-3, epochs=15)
    assert len({preset["until_loss"] for preset in presets.values()}) == 3
    assert presets["digits"]["until_loss"] == pytest.approx(math.log(10), abs=0.01)
    assert {preset["learning_rate"] for preset in presets.values()} == {1e-3}
    assert {preset["batch_size"] for preset in presets.values()} == {64}


def test_a_class_of_thousands_of_photographs_has_a_quarter_of_the_rate():
    forget = ForgetConfig(kind="class", values=(0,))
    for name in ("neggrad", "neglora", "partial_neggrad", "neggrad_ft"):
        few, many = (
            usual_settings(name, DataConfig(name="cifar10", train_examples=n), forget)
            for n in (5000, None)
        )
        assert many.learning_rate == few.learning_rate / 4
        assert (few.until_loss, many.until_loss) == (3.0, 3.0 if name == "neggrad_ft" else 1.5)
