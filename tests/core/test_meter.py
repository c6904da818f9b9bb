"""What a loop costs: only its own steps count, and all of them do."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from unlearn_core.data.batches import to_device
from unlearn_core.engine import meter
from unlearn_core.engine.meter import Meter, warm_up
from unlearn_core.methods import METHODS
from unlearn_core.training import Progress

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[2]
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


def test_time_between_steps_does_not_count(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(meter.time, "perf_counter", lambda: clock.now)

    def takes(seconds):
        def wait():
            clock.now += seconds

        return wait

    own = Meter(nn.Linear(1, 1), CPU)
    assert drive(own, steps(takes(2), nothing, takes(3)), between=takes(100)).seconds == 5


class FakeMemory:
    """Stands for the two files in /proc that tell the size of a process and reset its peak."""

    def __init__(self, megabytes):
        self.size = self.highest = megabytes

    def take(self, megabytes):
        self.size += megabytes
        self.highest = max(self.highest, self.size)

    def pass_through(self, megabytes):
        self.take(megabytes)
        self.take(-megabytes)

    def read_text(self):
        return f"Name:\tx\nVmHWM:\t{self.highest * 1024} kB\nVmRSS:\t{self.size * 1024} kB\n"

    def write_text(self, text):
        assert text == "5"
        self.highest = self.size


@pytest.fixture
def memory(monkeypatch):
    fake = FakeMemory(1000)
    monkeypatch.setattr(meter, "STATUS", fake)
    monkeypatch.setattr(meter, "CLEAR", fake)
    return fake


def peak(*actions, between=nothing):
    """Return the peak in megabytes; None where the system does not tell."""
    cost = drive(Meter(nn.Linear(1, 1), CPU), steps(*actions), between)
    return cost.peak_memory_bytes and cost.peak_memory_bytes / MEGABYTES


def test_memory_is_the_most_that_a_step_took_and_gave_back(memory):
    assert peak(nothing, lambda: memory.pass_through(400), lambda: memory.pass_through(90)) == 400


def test_memory_that_a_step_keeps_counts_with_what_later_steps_take(memory):
    assert peak(lambda: memory.take(200), lambda: memory.pass_through(150), nothing) == 350


def test_memory_between_steps_does_not_count(memory):
    used = peak(nothing, lambda: memory.pass_through(30), between=lambda: memory.take(500))
    assert used == 30


def test_where_the_system_does_not_tell_there_is_no_number(monkeypatch, tmp_path):
    monkeypatch.setattr(meter, "CLEAR", tmp_path / "nowhere" / "clear_refs")
    assert peak(nothing) is None


@pytest.mark.skipif(
    not meter.CLEAR.exists(),
    reason="only Linux lets a process reset its peak memory (/proc/self/clear_refs)",
)
def test_this_systems_own_memory_is_read_in_bytes():
    used = peak(nothing, lambda: np.ones(50 * MEGABYTES), nothing)
    assert used is not None
    assert 200 < used < 800  # 400 of it are the array's; the rest depends on the machine


def test_a_warm_up_changes_neither_the_model_nor_any_random_numbers(small_dataset):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    warm_up(model, to_device(small_dataset, small_dataset.is_train, CPU))
    assert all(torch.equal(tensor, before[n]) for n, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert model.training


WARM_UP = """
import sys
import numpy as np, torch
from torch import nn
from unlearn_core.data.batches import to_device
from unlearn_core.config import DataConfig
from unlearn_core.data import load_dataset
from unlearn_core.methods import METHODS
from unlearn_core.engine.meter import warm_up

data, loaded = load_dataset(DataConfig()), ["peft" in sys.modules]
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
warm_up(model, to_device(data, data.is_train, torch.device("cpu")), METHODS[sys.argv[1]].libraries)
loaded.append("peft" in sys.modules)
print(loaded)
"""


def test_methods_with_adapters_name_the_library_that_they_load():
    users = [name for name, method in METHODS.items() if "peft" in method.libraries]
    assert sorted(users) == ["neglora", "rfa", "sparse_neglora"]


@pytest.mark.parametrize(("name", "expected"), [("rfa", [False, True]), ("scrub", [False, False])])
def test_a_methods_libraries_are_loaded_before_the_time_is_taken(name, expected):
    """In a process of its own: in this one an earlier test may have loaded them."""
    command = [sys.executable, "-c", WARM_UP, name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(expected), done.stderr


def test_the_last_phase_tells_what_is_trained():
    model = nn.Linear(3, 2)

    def recover_then_ascend():
        yield Progress(step=1, total=3, n_examples=10, phase="recover")
        model.weight.requires_grad_(False)
        yield Progress(step=2, total=3, n_examples=10, phase="ascend")
        model.weight.requires_grad_(True)
        yield Progress(step=3, total=3, n_examples=10, phase="ascend")

    assert drive(Meter(model, CPU), recover_then_ascend()).trainable_parameters == 2
