"""What a loop costs: only its own steps count, and all of them do."""

import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from unlearn_core.data.batches import to_device
from unlearn_core.engine.meter import Meter, warm_up
from unlearn_core.methods import METHODS
from unlearn_core.training import Progress

CPU = torch.device("cpu")
MEGABYTES = 2**20


def steps(*actions):
    for number, action in enumerate(actions, start=1):
        action()
        yield Progress(step=number, total=len(actions), n_examples=10)


def drive(meter, loop, between=lambda: None):
    while meter.advance(loop):
        between()
    return meter.cost()


def nothing():
    pass


def test_steps_and_examples_are_added_up():
    cost = drive(Meter(nn.Linear(3, 2), CPU), steps(nothing, nothing, nothing))
    assert (cost.steps, cost.samples_seen, cost.trainable_parameters) == (3, 30, 8)


def test_what_is_trained_is_counted_once_the_method_has_chosen_it():
    model = nn.Linear(3, 2)
    cost = drive(Meter(model, CPU), steps(lambda: model.bias.requires_grad_(False), nothing))
    assert cost.trainable_parameters == 6


def test_time_between_steps_does_not_count():
    meter = Meter(nn.Linear(1, 1), CPU)
    cost = drive(meter, steps(lambda: time.sleep(0.05), nothing), lambda: time.sleep(0.3))
    assert 0.05 <= cost.seconds < 0.3


def peak(*actions, between=nothing):
    cost = drive(Meter(nn.Linear(1, 1), CPU), steps(*actions), between)
    if cost.peak_memory_bytes is None:
        pytest.skip("this system does not tell how much memory a process uses")
    return cost.peak_memory_bytes / MEGABYTES


def test_memory_is_the_most_that_a_step_took_and_gave_back():
    assert 350 < peak(nothing, lambda: np.ones(50 * MEGABYTES), nothing) < 450


def test_memory_that_a_step_keeps_counts_with_what_later_steps_take():
    kept = []
    used = peak(
        lambda: kept.append(np.ones(25 * MEGABYTES)), lambda: np.ones(25 * MEGABYTES), nothing
    )
    assert 350 < used < 450


def test_memory_between_steps_does_not_count():
    kept = []
    assert peak(nothing, nothing, between=lambda: kept.append(np.ones(25 * MEGABYTES))) < 50


def test_a_warm_up_changes_neither_the_model_nor_any_random_numbers(small_dataset):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    warm_up(model, to_device(small_dataset, small_dataset.is_train, CPU))
    assert all(torch.equal(tensor, before[n]) for n, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert model.training


def test_libraries_are_loaded_before_the_time_is_taken(small_dataset):
    examples = to_device(small_dataset, small_dataset.is_train, CPU)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    for name in ("rfa", "neglora", "sparse_neglora"):
        warm_up(model, examples, METHODS[name].libraries)
        assert "peft" in METHODS[name].libraries
    assert "peft" in sys.modules


def test_the_last_phase_tells_what_is_trained():
    model = nn.Linear(3, 2)

    def recover_then_ascend():
        yield Progress(step=1, total=3, n_examples=10, phase="recover")
        model.weight.requires_grad_(False)
        yield Progress(step=2, total=3, n_examples=10, phase="ascend")
        model.weight.requires_grad_(True)
        yield Progress(step=3, total=3, n_examples=10, phase="ascend")

    assert drive(Meter(model, CPU), recover_then_ascend()).trainable_parameters == 2
