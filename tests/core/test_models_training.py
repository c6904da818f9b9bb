"""Networks, hooks and the training loop."""

import math

import pytest
import torch
from torch import nn

from unlearn_core.config import ModelConfig, TrainingConfig
from unlearn_core.data.batches import to_device
from unlearn_core.models import (
    MODELS,
    build_model,
    captured_features,
    captured_outputs,
    head,
    initialise,
)
from unlearn_core.training import (
    OBJECTIVE,
    DivergedError,
    make_optimizer,
    optimise,
    train,
    warmup_cosine,
)

CPU = torch.device("cpu")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("norm", ["group", "batch"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_keeps_the_contract(name, norm):
    config = ModelConfig(name=name, width=4, norm=norm)
    model = build_model(config, 3, 7, seeded()).eval()
    images = torch.randn(2, 3, 32, 32, generator=seeded(1))
    with torch.no_grad(), captured_features(model) as features:
        logits = model(images)
    assert logits.shape == (2, 7)
    assert torch.isfinite(logits).all()
    assert head(model).out_features == 7
    assert features[0].shape == (2, head(model).in_features)
    assert torch.allclose(head(model)(features[0]), logits, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_initial_weights_come_from_the_seed_alone(name):
    states = []
    for noise, seed in ((1, 0), (2, 0), (2, 5)):
        torch.manual_seed(noise)
        model = build_model(ModelConfig(name=name, width=2), 1, 4, seeded(seed))
        states.append(model.state_dict())
    assert all(torch.equal(states[0][n], states[1][n]) for n in states[0])
    assert any(not torch.equal(states[0][n], states[2][n]) for n in states[0])


def test_resnet50_with_a_cifar_stem_has_the_papers_number_of_parameters():
    for classes, expected in ((10, 23_520_842), (100, 23_705_252)):
        config = ModelConfig(name="resnet50", norm="batch")
        model = build_model(config, 3, classes, seeded())
        assert sum(p.numel() for p in model.parameters()) == expected


def test_group_normalisation_has_two_groups_and_the_stems_differ():
    model = build_model(ModelConfig(width=4), 1, 10, seeded())
    groups = [m.num_groups for m in model.modules() if isinstance(m, nn.GroupNorm)]
    assert set(groups) == {2}
    assert not [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    large = build_model(ModelConfig(width=4, stem="imagenet"), 3, 10, seeded())
    assert (model.conv1.kernel_size, model.conv1.stride) == ((3, 3), (1, 1))
    assert (large.conv1.kernel_size, large.conv1.stride) == ((7, 7), (2, 2))
    assert isinstance(model.maxpool, nn.Identity)
    assert isinstance(large.maxpool, nn.MaxPool2d)


def test_an_unknown_model_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown model 'lenet'.*resnet18"):
        build_model(ModelConfig(name="lenet"), 1, 10, seeded())


def test_initialising_again_resets_everything():
    model = build_model(ModelConfig(width=2, norm="batch"), 1, 4, seeded())
    before = {n: t.clone() for n, t in model.state_dict().items()}
    model.train()
    model(torch.randn(8, 1, 8, 8, generator=seeded()))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1.0)
    initialise(model, seeded())
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())


def test_a_layer_without_a_rule_is_not_left_uninitialised():
    with pytest.raises(TypeError, match=r"No rule to initialise the parameter 0\.weight"):
        initialise(nn.Sequential(nn.PReLU()), seeded())


def test_initial_scales_are_those_of_he_and_of_the_linear_layer():
    conv, linear = nn.Conv2d(16, 64, 3), nn.Linear(100, 200)
    initialise(nn.Sequential(conv, linear), seeded())
    assert conv.weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.05)
    assert conv.bias.abs().max() == 0
    assert linear.weight.abs().max().item() == pytest.approx(0.1, rel=0.01)


def test_outputs_of_named_layers_are_captured_and_hooks_removed():
    model = build_model(ModelConfig(width=2), 1, 4, seeded()).eval()
    with captured_outputs(model, ["layer1", "fc"]) as outputs:
        logits = model(torch.zeros(1, 1, 8, 8))
    assert torch.equal(outputs["fc"], logits)
    assert outputs["layer1"].shape == (1, 2, 8, 8)
    model(torch.ones(1, 1, 8, 8))
    assert torch.equal(outputs["fc"], logits)
    with (
        pytest.raises(ValueError, match="The model has no module 'layer9'"),
        captured_outputs(model, ["layer9"]),
    ):
        pass
    with pytest.raises(ValueError, match="no linear layer"):
        head(nn.ReLU())


def test_the_learning_rate_rises_linearly_and_falls_along_a_half_cosine():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2.0)
    scheduler = warmup_cosine(optimizer, total=20, warmup_fraction=0.2)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates[:4] == pytest.approx([0.5, 1.0, 1.5, 2.0])
    falling = [1 + math.cos(math.pi * k / 16) for k in range(16)]
    assert rates[4:] == pytest.approx(falling)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-9)


def test_optimisers_train_only_what_requires_a_gradient():
    frozen, free = nn.Parameter(torch.zeros(1), requires_grad=False), nn.Parameter(torch.zeros(1))
    for name in ("sgd", "adam", "adamw"):
        optimizer = make_optimizer(name, [frozen, free], learning_rate=0.5, weight_decay=0.25)
        (group,) = optimizer.param_groups
        assert group["params"] == [free]
        assert (group["lr"], group["weight_decay"]) == (0.5, 0.25)
    with pytest.raises(ValueError, match=r"Unknown optimiser 'lion'\. Known: sgd, adam, adamw"):
        make_optimizer("lion", [free], learning_rate=1)


def test_a_diverging_loss_stops_before_it_touches_the_weights():
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    factors = [1.0, float("nan")]
    steps = optimise(optimizer, factors, lambda f: {OBJECTIVE: f * weight.sum()}, total=2)
    assert next(steps).losses == {OBJECTIVE: 1.0}
    with pytest.raises(DivergedError, match="The loss became nan at step 2 of 2"):
        next(steps)
    assert weight.item() == 0


def test_a_batch_with_nothing_to_learn_from_takes_no_step():
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    steps = list(optimise(optimizer, [0], lambda _b: {OBJECTIVE: torch.zeros(())}, total=1))
    assert (steps[0].step, weight.item()) == (1, 1.0)


def test_training_counts_its_steps_learns_and_ends_in_evaluation_mode(small_dataset):
    model = build_model(ModelConfig(width=2), 1, 4, seeded())
    source = to_device(small_dataset, small_dataset.is_train, CPU)
    recipe = TrainingConfig(epochs=12, batch_size=10, learning_rate=0.02)
    steps = list(train(model, source, recipe, seeded(1)))
    losses = [step.losses[OBJECTIVE] for step in steps]
    assert {step.total for step in steps} == {len(steps)} == {48}
    assert sum(losses[-4:]) < sum(losses[:4]) / 2
    assert not model.training


@pytest.mark.parametrize("batch_size", [31, 16])
def test_a_last_batch_of_one_example_does_not_stop_batch_normalisation(small_dataset, batch_size):
    model = build_model(ModelConfig(width=2, norm="batch"), 1, 4, seeded())
    mask = small_dataset.train_ids[: 32 if batch_size == 31 else 17]
    chosen = torch.zeros(48, dtype=torch.bool).numpy()
    chosen[mask] = True
    source = to_device(small_dataset, chosen, CPU)
    recipe = TrainingConfig(epochs=1, batch_size=batch_size, learning_rate=0.01)
    steps = list(train(model, source, recipe, seeded(1)))
    assert len(steps) == source.steps(batch_size) == 2
