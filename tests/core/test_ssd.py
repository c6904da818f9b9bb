"""SSD: how much weights matter, which of them are dampened, and when nothing can be."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlearn_core.methods import METHODS, contract, resolve_settings
from unlearn_core.methods.importance import chunk_size, squared_gradients
from unlearn_core.methods.ssd import accuracy, dampening_factors
from unlearn_core.seeding import torch_stream
from unlearn_core.training import train


def run(inputs, **settings):
    return list(METHODS["ssd"].run(inputs, resolve_settings("ssd", settings)))


def plain_squares(model, examples):
    """Mean over examples of the squared gradient, with plain autograd."""
    sums = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for batch in examples.ordered(1):
        model.zero_grad()
        F.cross_entropy(model(batch.inputs), batch.labels).backward()
        for name, p in model.named_parameters():
            sums[name] += p.grad**2 / len(examples)
    model.zero_grad()
    return sums


def test_the_factors_have_the_golden_values():
    of_all, of_forget = torch.tensor([1.0, 2, 4, 0.5]), torch.tensor([20.0, 10, 50, 4])
    factors = dampening_factors(of_forget, of_all, alpha=10, dampening=1)
    assert factors.tolist() == pytest.approx([0.05, 1, 0.08, 1])


def test_a_factor_never_raises_a_weight_and_one_that_matters_to_nobody_stays():
    of_all, of_forget = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([2.0, 0.0, 1.0])
    factors = dampening_factors(of_forget, of_all, alpha=1, dampening=5)
    assert factors.tolist() == [1, 1, 0]


def test_squared_gradients_equal_those_of_one_example_after_the_other():
    inputs = contract.make_inputs(norm="batch")
    model = inputs.model.eval()
    batch = next(inputs.retain.ordered(5))
    found = squared_gradients(model, batch, batch.labels)
    for i in range(len(batch)):
        model.zero_grad()
        F.cross_entropy(model(batch.inputs[i : i + 1]), batch.labels[i : i + 1]).backward()
        for name, p in model.named_parameters():
            assert torch.allclose(found[name][i], p.grad**2, rtol=1e-3, atol=1e-9), name
    assert max(float(squares.max()) for squares in found.values()) > 1e-4


def test_a_run_dampens_by_the_mean_squared_gradients_of_both_sets():
    inputs = contract.make_inputs()
    before = copy.deepcopy(inputs.model)
    of_forget = plain_squares(before, inputs.forget)
    of_all = plain_squares(before, inputs.forget.join(inputs.retain))
    steps = run(inputs, alpha=1.5, dampening=0.5)
    assert [s.phase for s in steps] == ["forget", "all", "dampen"]
    n_dampened = 0
    for (name, now), then in zip(inputs.model.named_parameters(), before.parameters(), strict=True):
        ratio = of_all[name] / of_forget[name]
        expected = torch.where(ratio < 1 / 1.5, then * 0.5 * ratio, then)
        assert torch.allclose(now, expected, rtol=1e-3, atol=1e-6), name
        n_dampened += int((ratio < 1 / 1.5).sum())
    n_weights = sum(p.numel() for p in before.parameters())
    assert inputs.facts["dampened_share"] == pytest.approx(n_dampened / n_weights, abs=2e-3)
    assert 0.02 < inputs.facts["dampened_share"] < 0.9


def test_the_released_variant_squares_the_mean_gradient_of_a_batch():
    inputs = contract.make_inputs()
    before = copy.deepcopy(inputs.model)
    squares = []
    for examples in (inputs.forget, inputs.forget.join(inputs.retain)):
        [batch] = examples.ordered(64)
        before.zero_grad()
        F.cross_entropy(before(batch.inputs), batch.labels).backward()
        squares.append({name: p.grad**2 for name, p in before.named_parameters()})
    run(inputs, alpha=1.5, squares="batch", batch_size=64)
    for name, now in inputs.model.named_parameters():
        then = before.get_parameter(name)
        ratio = squares[1][name] / squares[0][name]
        expected = torch.where(ratio < 1 / 1.5, then * ratio, then)
        assert torch.allclose(now, expected, rtol=1e-2, atol=1e-5), name


def test_no_weight_can_matter_more_than_the_sets_sizes_allow_and_the_log_says_so():
    notes = []
    inputs = contract.make_inputs(log=notes.append)
    before = copy.deepcopy(inputs.model.state_dict())
    run(inputs)  # alpha 10, and a quarter of the images to forget
    after = inputs.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert inputs.facts["dampened_share"] == 0
    assert "none can matter more than 4 times as much" in notes[-1]


def test_as_many_gradients_are_in_memory_as_the_network_allows():
    small, large = torch.nn.Linear(10, 10), torch.nn.Linear(2**13, 2**12, device="meta")
    assert (chunk_size(small), chunk_size(large)) == (64, 3)


def test_a_larger_alpha_dampens_fewer_weights():
    shares = []
    for alpha in (1.0, 1.5, 2.5):
        inputs = replace(contract.make_inputs(), facts={})
        run(inputs, alpha=alpha)
        shares.append(inputs.facts["dampened_share"])
    assert np.all(np.diff(shares) < 0)


def trained_inputs(**fields):
    """Inputs whose network answers most of D_r rightly, so that there is something to lose."""
    inputs = contract.make_inputs(**fields)
    recipe = replace(inputs.recipe, epochs=30, learning_rate=0.05)
    examples = inputs.forget.join(inputs.retain)
    for _ in train(inputs.model, examples, recipe, torch_stream(0, "train original")):
        pass
    inputs.model.eval()
    return inputs


def test_alpha_rises_until_no_more_is_lost_than_may_be():
    lost, alphas = {}, {}
    for may_lose in (1.0, 0.05):
        inputs = trained_inputs(facts={})
        before = accuracy(inputs.model, inputs.retain)
        run(inputs, alpha=0.5, may_lose=may_lose)
        lost[may_lose] = before - accuracy(inputs.model, inputs.retain)
        alphas[may_lose] = inputs.facts["alpha"]
    assert lost[1.0] > 0.05  # or there would be nothing to hold back
    assert lost[0.05] <= 0.05
    assert alphas[1.0] == 0.5 < alphas[0.05]


def test_where_alpha_rises_the_weights_are_those_of_that_alpha():
    risen = trained_inputs(facts={})
    run(risen, alpha=0.5, may_lose=0.05)
    plain = trained_inputs(facts={})
    run(plain, alpha=risen.facts["alpha"])
    for (name, now), then in zip(
        risen.model.named_parameters(), plain.model.parameters(), strict=True
    ):
        assert torch.equal(now, then), name


def test_where_no_alpha_keeps_enough_the_weights_stay(monkeypatch):
    inputs = contract.make_inputs(facts={})
    before = copy.deepcopy(inputs.model.state_dict())
    found = iter([1.0])  # before; whatever is dampened afterwards is wrong everywhere
    monkeypatch.setattr("unlearn_core.methods.ssd.accuracy", lambda *_: next(found, 0.0))
    run(inputs, alpha=1e-5, may_lose=0.01)  # a hundred tries end below the largest ratio
    after = inputs.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert inputs.facts["dampened_share"] == 0


def test_accuracy_counts_right_answers():
    inputs = contract.make_inputs()
    [batch] = inputs.retain.ordered(1024)
    right = inputs.model.eval()(batch.inputs).argmax(1) == batch.labels
    assert accuracy(inputs.model, inputs.retain) == pytest.approx(right.float().mean().item())
