"""l1-sparse: the penalty, how it falls, and that it leaves fewer weights of any size."""

import pytest
import torch
import torch.nn.functional as F

from unlearn_core.methods import METHODS, contract, resolve_settings


def start(inputs, **settings):
    usual = {"batch_size": 24, "momentum": 0.0, "weight_decay": 0.0, "train_mode": False}
    return METHODS["l1_sparse"].run(inputs, resolve_settings("l1_sparse", {**usual, **settings}))


def test_a_step_goes_down_the_loss_and_towards_zero_in_every_weight():
    inputs = contract.make_inputs()
    model = inputs.model.eval()
    [batch] = inputs.retain.ordered(24)
    loss = F.cross_entropy(model(batch.inputs), batch.labels)
    names, weights = zip(*model.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, weights)
    pairs = zip(names, weights, gradients, strict=True)
    wanted = {n: (w - 0.1 * (g + 0.02 * w.sign())).detach() for n, w, g in pairs}
    norm = sum(float(w.detach().abs().double().sum()) for w in weights)
    first = next(start(inputs, learning_rate=0.1, gamma=0.02))
    assert first.losses["retain_loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert first.losses["objective"] == pytest.approx(loss.item() + 0.02 * norm, rel=1e-5)
    for name, weight in model.named_parameters():
        assert torch.allclose(weight, wanted[name], atol=1e-6), name


def test_the_weight_of_the_penalty_falls_in_a_straight_line_by_epochs():
    steps = list(start(contract.make_inputs(), gamma=1e-3, epochs=4, batch_size=12))
    gammas = [
        (s.losses["objective"] - s.losses["retain_loss"]) / s.losses["l1_norm"] for s in steps
    ]
    falling = [1e-3, 1e-3, 7.5e-4, 7.5e-4, 5e-4, 5e-4, 2.5e-4, 2.5e-4]
    assert gammas == pytest.approx(falling, rel=1e-2)


def test_without_the_penalty_it_is_finetuning_to_the_bit():
    pair = contract.make_inputs(seed=2), contract.make_inputs(seed=2)
    same = {"learning_rate": 0.01, "epochs": 2, "batch_size": 12, "optimizer": "sgd"}
    list(start(pair[0], gamma=0.0, **same))
    fine = {**same, "weight_decay": 0.0, "train_mode": False}
    list(METHODS["finetune"].run(pair[1], resolve_settings("finetune", fine)))
    ours, plain = (inputs.model.state_dict() for inputs in pair)
    assert all(torch.equal(ours[name], plain[name]) for name in ours)


def test_a_heavier_penalty_leaves_smaller_weights():
    norms = []
    for gamma in (0.0, 1e-3, 1e-2):
        inputs = contract.make_inputs()
        list(start(inputs, gamma=gamma, epochs=5, batch_size=12))
        norms.append(sum(float(p.detach().abs().sum()) for p in inputs.model.parameters()))
    assert norms[0] > norms[1] > norms[2]
