"""Random label and SalUn: which labels are taught, and which weights move."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.methods import METHODS, UnlearnInputs, contract, resolve_settings
from unlearn_core.methods.random_label import random_labels
from unlearn_core.methods.salun import salient
from unlearn_core.tasks import CLASSIFICATION, Classification


class Watched(Classification):
    """Classification that remembers the targets of every batch."""

    def loss(self, outputs, targets, *, smoothing=0.0):
        taught.append(targets.tolist())
        return super().loss(outputs, targets, smoothing=smoothing)


taught = []


def run(name, inputs, **changes):
    settings = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01, **changes}
    return list(METHODS[name].run(inputs, resolve_settings(name, settings)))


def states(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_a_wrong_label_is_drawn_evenly_and_is_never_the_true_one():
    labels = torch.arange(4).repeat(3000)
    drawn = random_labels(labels, 4, "wrong", torch.Generator().manual_seed(0))
    assert not (drawn == labels).any()
    for label in range(4):
        counts = np.bincount(drawn[labels == label], minlength=4)
        assert counts.sum() == 3000
        others = np.delete(counts, label)
        assert np.abs(others - 1000).max() < 130  # five standard deviations


def test_among_all_labels_the_true_one_is_drawn_as_often_as_others():
    labels = torch.full((4000,), 2)
    drawn = random_labels(labels, 4, "all", torch.Generator().manual_seed(0))
    assert np.abs(np.bincount(drawn, minlength=4) - 1000).max() < 140


def test_each_epoch_teaches_wrong_labels_drawn_anew_and_then_the_true_ones():
    taught.clear()
    inputs = contract.make_inputs(task=Watched(**vars(CLASSIFICATION)))
    steps = run("random_label", inputs, epochs=2, batch_size=8)
    n_forget, n_retain = len(inputs.forget), len(inputs.retain)
    assert [s.phase for s in steps] == 2 * (["forget"] + ["retain"] * (n_retain // 8))
    passes = np.concatenate([np.array(labels) for labels in taught])
    first, second = passes.reshape(2, n_forget + n_retain)
    for labels in (first, second):
        assert not (labels[:n_forget] == 1).any()  # class 1 is what is forgotten
        assert sorted(labels[n_forget:]) == sorted(inputs.retain.labels.tolist())
    assert sorted(first[:n_forget]) != sorted(second[:n_forget])


def test_with_two_classes_the_first_step_is_the_one_computed_by_hand():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1, 2, bias=False))
    torch.nn.init.zeros_(model[1].weight)
    white = ImageInputs(
        images=torch.full((2, 1, 1, 1), 255, dtype=torch.uint8),
        mean=torch.zeros(1, 1, 1),
        std=torch.ones(1, 1, 1),
    )
    both = Examples.of(white, torch.tensor([0, 0]), 2, is_forget=torch.tensor([True, False]))
    inputs = UnlearnInputs(
        model=model,
        forget=both.take(torch.tensor([0])),
        retain=both.take(torch.tensor([1])),
        generator=torch.Generator(),
    )
    settings = {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0, "epochs": 1}
    steps = METHODS["random_label"].run(inputs, resolve_settings("random_label", settings))
    # towards the only wrong label: softmax (.5, .5) less (0, 1) is the gradient
    assert next(steps).losses["objective"] == pytest.approx(np.log(2))
    assert model[1].weight.detach().flatten().tolist() == pytest.approx([-0.05, 0.05])
    assert next(steps).losses["objective"] == pytest.approx(0.744397, abs=1e-6)  # true again


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_salun_leaves_every_weight_outside_its_mask_as_it_was_to_the_bit(optimizer):
    inputs = contract.make_inputs()
    before = states(inputs.model)
    gradient = plain_gradient(inputs)
    run("salun", inputs, optimizer=optimizer, momentum=0.9, weight_decay=0.3, share=0.3)
    masks, after = salient(gradient, 0.3), states(inputs.model)
    moved = 0
    for name, mask in masks.items():
        assert torch.equal(after[name][~mask], before[name][~mask]), name
        moved += int((after[name] != before[name]).sum())
    n_masked = sum(int(mask.sum()) for mask in masks.values())
    assert 0.9 * n_masked < moved <= n_masked


def plain_gradient(inputs):
    """Gradient of the summed loss, example by example."""
    model = inputs.model.eval()
    sums = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for batch in inputs.forget.ordered(1):
        model.zero_grad()
        F.cross_entropy(model(batch.inputs), batch.labels).backward()
        for name, p in model.named_parameters():
            sums[name] += p.grad
    model.zero_grad()
    return sums


def test_the_mask_keeps_exactly_the_share_and_the_largest():
    gradient = plain_gradient(contract.make_inputs())
    n_weights = sum(part.numel() for part in gradient.values())
    masks = salient(gradient, 0.25)
    assert sum(int(mask.sum()) for mask in masks.values()) == round(0.25 * n_weights)
    kept = torch.cat([gradient[name][mask].abs() for name, mask in masks.items()])
    rest = torch.cat([gradient[name][~mask].abs() for name, mask in masks.items()])
    assert kept.min() >= rest.max()


def test_salun_with_all_weights_is_random_label_to_the_bit():
    pair = contract.make_inputs(seed=3), contract.make_inputs(seed=3)
    run("random_label", pair[0])
    run("salun", pair[1], share=1.0)
    plain, masked = (inputs.model.state_dict() for inputs in pair)
    assert all(torch.equal(plain[name], masked[name]) for name in plain)
    assert not torch.equal(plain["fc.weight"], contract.make_inputs().model.fc.weight)
