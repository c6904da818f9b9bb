"""Fisher forgetting: the rules for the noise, and the information that they rest on."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.methods.fisher import fisher_information, forgotten_classes, noise_variance
from unlearn_core.models import Parts, initialise, state_parts

ALPHA = 1e-6
CLASSES = 3


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def examples(labels, seed=0):
    n = len(labels)
    images = np.random.default_rng(seed).integers(0, 256, (n, 1, 4, 4))
    return Examples.of(
        ImageInputs(
            images=torch.from_numpy(images.astype(np.uint8)),
            mean=torch.zeros(1, 1, 1),
            std=torch.ones(1, 1, 1),
        ),
        torch.tensor(labels),
        CLASSES,
        is_forget=torch.zeros(n, dtype=torch.bool),
    )


def net():
    """A net whose hidden convolution has as many outputs as there are classes."""
    made = nn.Sequential(
        nn.Conv2d(1, CLASSES, 3, padding=1),
        nn.BatchNorm2d(CLASSES),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * CLASSES, CLASSES),
    )
    initialise(made, seeded(1))
    made[1].running_mean.fill_(0.1)
    return state_parts(made.eval(), Parts(head="5"))


def plain_information(model, batch):
    """Sum over examples, and expect over the model's own labels, with plain autograd."""
    sums = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for image in batch.inputs:
        probabilities = model(image[None]).softmax(dim=1)[0].detach()
        for label in range(CLASSES):
            model.zero_grad()
            F.cross_entropy(model(image[None]), torch.tensor([label])).backward()
            for name, p in model.named_parameters():
                sums[name] += probabilities[label] * p.grad**2
    model.zero_grad()
    return sums


@pytest.mark.parametrize(
    ("shape", "information", "is_head", "variance"),
    [
        pytest.param((5, 4), 0.0, False, 1e-3, id="hidden weight that nothing pins down"),
        pytest.param((5, 4, 3, 3), 0.0, False, 1e-3, id="kernel that nothing pins down"),
        pytest.param((5,), 0.0, False, 1e-2, id="hidden vector"),
        pytest.param((5, 4), 0.0, True, 1e-3, id="classifier's weight"),
        pytest.param((5,), 0.0, True, 1e-3, id="classifier's bias"),
        pytest.param((5, 4), 0.5, False, 2e-6, id="informed hidden weight"),
        pytest.param((5,), 0.5, False, 2e-5, id="informed hidden vector"),
        pytest.param((5, 4), 0.5, True, 2e-5, id="informed classifier"),
    ],
)
def test_the_noise_has_the_golden_variance_where(shape, information, is_head, variance):
    found = noise_variance(torch.full(shape, information), ALPHA, is_head=is_head, forgotten=[])
    assert found.shape == shape
    assert found.flatten().tolist() == pytest.approx([variance] * found.numel(), rel=1e-5)


@pytest.mark.parametrize("shape", [(5, 4), (5,)])
def test_a_forgotten_row_of_the_classifier_has_its_own_variance(shape):
    found = noise_variance(torch.full(shape, 0.5), ALPHA, is_head=True, forgotten=[1, 3])
    rows = [1, 3]
    others = [0, 2, 4]
    assert found[rows].flatten().tolist() == pytest.approx([1e-3] * found[rows].numel())
    assert found[others].flatten().tolist() == pytest.approx([2e-5] * found[others].numel())


def test_forgotten_classes_do_not_matter_outside_the_classifier():
    found = noise_variance(torch.full((5, 4), 0.5), ALPHA, is_head=False, forgotten=[1])
    assert found.flatten().tolist() == pytest.approx([2e-6] * 20, rel=1e-5)


def test_the_variance_is_averaged_over_input_channels_only():
    information = torch.tensor([[[1.0, 2.0], [0.5, 2.0]], [[1.0, 4.0], [1.0, 4.0]]])
    found = noise_variance(information, 1.0, is_head=False, forgotten=[])
    expected = [[[1.5, 0.5], [1.5, 0.5]], [[1.0, 0.25], [1.0, 0.25]]]
    assert found.numpy() == pytest.approx(np.array(expected), rel=1e-6)


def test_the_information_equals_a_plain_loop_over_examples_and_labels():
    model = net()
    batch = next(examples([0, 1, 2, 1, 0]).ordered())
    found, expected = fisher_information(model, batch), plain_information(model, batch)
    assert found.keys() == expected.keys()
    for name, sums in expected.items():
        assert sums.max() > 1e-4
        assert torch.allclose(found[name], sums, rtol=1e-4, atol=1e-8), name


def test_the_information_does_not_depend_on_the_true_labels():
    model = net()
    some, others = (next(examples(labels).ordered()) for labels in ([0, 1, 2], [2, 2, 0]))
    found = fisher_information(model, some)
    again = fisher_information(model, others)
    assert all(torch.equal(found[name], again[name]) for name in found)


@pytest.mark.parametrize("forget", [[2, 2], [2, 1]], ids=["a class", "examples"])
def test_a_run_adds_the_seeded_noise_of_the_mean_information(forget):
    model = net()
    before = copy.deepcopy(model)
    retain = examples([0, 1] * 35)  # more than one chunk
    inputs = UnlearnInputs(
        model=model, forget=examples(forget, seed=1), retain=retain, generator=seeded(5)
    )
    gone = [2]  # nothing of class 2 is retained, some of class 1 is
    assert forgotten_classes(inputs) == gone
    settings = resolve_settings("fisher", {"alpha": 1e-4, "retain": "all"})
    progress = list(METHODS["fisher"].run(inputs, settings))
    assert [p.phase for p in progress] == ["information", "information", "noise"]
    information = plain_information(before, next(retain.ordered()))
    draw = seeded(5)
    for (name, now), then in zip(model.named_parameters(), before.parameters(), strict=True):
        is_head = name.startswith("5.")  # not the convolution, whose outputs are as many
        variance = noise_variance(information[name] / 70, 1e-4, is_head=is_head, forgotten=gone)
        start = then.detach().clone()
        if is_head:
            start[gone] = 0
        expected = start + variance.sqrt() * torch.empty(now.shape).normal_(generator=draw)
        assert torch.allclose(now, expected, rtol=1e-3, atol=1e-5), name
        assert (now - then).abs().max() > 1e-3
    buffers = zip(model.buffers(), before.buffers(), strict=True)
    assert all(torch.equal(now, then) for now, then in buffers)


def test_only_the_forgotten_row_is_lost_when_the_noise_is_tiny():
    model = net()
    before = copy.deepcopy(model)
    inputs = UnlearnInputs(
        model=model, forget=examples([2, 2], seed=1), retain=examples([0, 1]), generator=seeded()
    )
    list(METHODS["fisher"].run(inputs, resolve_settings("fisher", {"alpha": 1e-20})))
    moved = (model[5].weight - before[5].weight).abs()
    assert moved[:2].max() < 1e-6
    assert (model[0].weight - before[0].weight).abs().max() < 1e-6
    assert model[5].weight[2].std().item() == pytest.approx(1e-3**0.5, rel=0.7)
    assert model[5].weight[2].abs().max() < 5 * 1e-3**0.5
    assert before[5].weight[2].abs().max() > 5 * 1e-3**0.5


def test_no_row_is_lost_when_every_class_has_retained_members():
    model = net()
    before = copy.deepcopy(model)
    inputs = UnlearnInputs(
        model=model, forget=examples([2]), retain=examples([0, 1, 2]), generator=seeded()
    )
    list(METHODS["fisher"].run(inputs, resolve_settings("fisher", {"alpha": 1e-20})))
    pairs = zip(model.parameters(), before.parameters(), strict=True)
    assert max((now - then).abs().max().item() for now, then in pairs) < 1e-6
