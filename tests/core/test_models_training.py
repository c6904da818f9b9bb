"""Networks, hooks and the training loop."""

import copy
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from tests.lanes import fast_lane
from unlearn_core import training
from unlearn_core.config import ModelConfig, TrainingConfig
from unlearn_core.data.batches import to_device
from unlearn_core.data.images import ImageInputs, smaller
from unlearn_core.methods import UnlearnInputs, get_method, resolve_settings
from unlearn_core.models import (
    MODELS,
    Parts,
    build_model,
    captured_features,
    captured_outputs,
    head,
    initialise,
    parts_of,
    state_parts,
)
from unlearn_core.models.language import mean_of_tokens
from unlearn_core.training import (
    OBJECTIVE,
    DivergedError,
    StepLosses,
    are_read,
    in_order_of,
    make_optimizer,
    optimise,
    rate_factor,
    train,
    warmup_cosine,
)

CPU = torch.device("cpu")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("norm", ["group", "batch"])
@pytest.mark.parametrize("name", fast_lane(MODELS, ("resnet18", "resnet50")))
def test_a_model_keeps_the_contract(name, norm):
    config = ModelConfig(name=name, width=4, norm=norm)
    model = build_model(config, 3, 7, seeded()).eval()
    inputs = torch.randn(2, 3, 32, 32, generator=seeded(1))
    if MODELS[name].tokenizer:
        inputs = torch.tensor([[2, 9, 7, 3], [2, 8, 3, 0]])
    with torch.no_grad(), captured_features(model) as features:
        logits = model(inputs)
    n_choices, per_example = 7, logits
    if not MODELS[name].task.answers_classes:  # it answers at each position; the head is linear
        n_choices, per_example = config.vocabulary, mean_of_tokens(logits, inputs)
        assert logits.shape == (2, 4, n_choices)
    assert per_example.shape == (2, n_choices)
    assert torch.isfinite(logits).all()
    assert head(model).out_features == n_choices
    assert features[0].shape == (2, head(model).in_features)
    assert torch.allclose(head(model)(features[0]), per_example, atol=1e-6)


@pytest.mark.parametrize("name", fast_lane(MODELS, ("resnet18", "resnet50")))
def test_initial_weights_come_from_the_seed_alone(name):
    states = []
    for noise, seed in ((1, 0), (2, 0), (2, 5)):
        torch.manual_seed(noise)
        model = build_model(ModelConfig(name=name, width=4), 1, 4, seeded(seed))
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


class Scale(nn.Module):
    """A layer of a kind that nobody knows, and that cannot draw its weight again."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.full((3,), 5.0))


class DrawnScale(Scale):
    """One that can."""

    def reset_parameters(self):
        nn.init.normal_(self.scale)


class ScaledLinear(nn.Linear):
    """A layer of a known kind with a weight of its own."""

    def __init__(self):
        super().__init__(2, 2)
        self.scale = nn.Parameter(torch.ones(2))


@pytest.mark.parametrize("kind", [Scale, ScaledLinear])
def test_a_layer_that_cannot_be_drawn_again_is_named_in_one_line(kind):
    wanted = f"fresh weights for scale of {kind.__name__}, the module '1'"
    with pytest.raises(ValueError, match=wanted) as told:
        initialise(nn.Sequential(nn.Flatten(), kind()), seeded())
    assert "fresh=" in str(told.value)
    assert "\n" not in str(told.value)


def other_layers():
    """Layers without a rule of ours, and one whose own method reaches into its children."""
    return nn.ModuleList(
        [nn.PReLU(3), nn.Conv1d(2, 3, 3), nn.LSTM(2, 3), nn.MultiheadAttention(4, 2), DrawnScale()]
    )


def test_layers_without_a_rule_draw_their_own_weights_from_the_generator():
    layers = other_layers()
    built = {name: tensor.clone() for name, tensor in layers.state_dict().items()}
    states = []
    for noise in (1, 2):
        torch.manual_seed(noise)  # the global generator must not matter
        with torch.no_grad():
            for weight in layers.parameters():
                weight.fill_(9.0)
        before = torch.get_rng_state()
        initialise(layers, seeded(3))
        assert torch.equal(torch.get_rng_state(), before)
        states.append({name: tensor.clone() for name, tensor in layers.state_dict().items()})
    assert all(torch.equal(states[0][name], states[1][name]) for name in built)
    assert torch.equal(states[0]["0.weight"], built["0.weight"])  # a PReLU starts at 0.25
    assert not [name for name, tensor in states[0].items() if (tensor == 9).any()]
    initialise(layers, seeded(4))
    assert not torch.equal(layers.state_dict()["1.weight"], states[0]["1.weight"])


def test_batch_normalisation_of_any_dimension_starts_again():
    layer = nn.BatchNorm1d(3, affine=False)
    layer(torch.randn(8, 3, generator=seeded()))
    initialise(layer, seeded())
    assert layer.running_mean.abs().max() == 0


def test_a_family_states_how_its_layers_are_drawn_and_copies_keep_the_rule():
    def draw_ones(name, layer, _generator):
        if name == "1":
            torch.nn.init.ones_(layer.weight)

    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    before = model[0].weight.detach().clone()
    copied = copy.deepcopy(state_parts(model, Parts(head="1", draw_layer=draw_ones)))
    initialise(copied, seeded())
    assert torch.equal(copied[0].weight, before)
    assert (copied[1].weight == 1).all()


def test_only_named_modules_are_drawn_and_their_rule_is_told_full_names():
    names = []

    def note(name, layer, _generator):
        if list(layer.parameters(recurse=False)):
            names.append(name)

    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    initialise(state_parts(model, Parts(head="0", draw_layer=note)), seeded(), only=["1", "0"])
    assert names == ["1.0", "1.1", "0"]


def test_fresh_normalisation_without_own_weights_has_no_memory_of_batches():
    norm = nn.BatchNorm2d(2, affine=False)
    norm(torch.randn(4, 2, 3, 3, generator=seeded()) + 5)
    assert norm.running_mean.min() > 0
    initialise(nn.Sequential(norm), seeded())
    assert not norm.running_mean.any()


def test_the_classifier_of_vit_s_starts_at_zero_in_the_whole_network_and_alone():
    model = build_model(ModelConfig(name="vit_s"), 1, 4, seeded())
    assert not model.head.weight.any()
    with torch.no_grad():
        model.head.weight.fill_(1.0)
    block = model.blocks[11].mlp.fc1.weight.detach().clone()
    initialise(model, seeded(1), only=parts_of(model).last_stage)
    assert not model.head.weight.any()
    assert not torch.equal(model.blocks[11].mlp.fc1.weight, block)


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


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        # 8 steps in 4 epochs; a quarter of them is warm-up: two steps
        ("linear", 0.25, [0.5, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        ("cosine", 0.25, [0.5, 1, 1, 0.9330127, 0.75, 0.5, 0.25, 0.0669873]),
        ("constant", 0.25, [0.5, 1, 1, 1, 1, 1, 1, 1]),
        ("exponential", 0.25, [0.5, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ("exponential", 0.0, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ("constant", 0.0, [1, 1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_each_schedule_has_its_hand_computed_rates(schedule, warmup, expected):
    factor = rate_factor(schedule, 8, warmup, decay=0.5, steps_per_epoch=2)
    assert [factor(step) for step in range(8)] == pytest.approx(expected)


def test_a_straight_line_and_a_half_cosine_end_at_zero_and_an_unknown_schedule_is_named():
    for schedule in ("linear", "cosine"):
        assert rate_factor(schedule, 8, 0.25)(8) == pytest.approx(0)
    with pytest.raises(ValueError, match=r"one of cosine, linear, exponential.*, got 'step'"):
        rate_factor("step", 8, 0.25)


def test_training_follows_the_recipes_schedule_epoch_by_epoch(small_dataset):
    model = build_model(ModelConfig(width=2), 1, 4, seeded())
    source = to_device(small_dataset, small_dataset.is_train, CPU)  # 32 examples: 2 steps
    recipe = TrainingConfig(
        epochs=3,
        batch_size=16,
        learning_rate=0.02,
        momentum=0.0,
        weight_decay=0.0,
        warmup_fraction=0.0,
        schedule="exponential",
        decay=0.5,
    )
    moved, bias = [], model.fc.bias
    for _ in train(model, source, recipe, seeded(1)):
        moved.append(bias.detach().clone())
        last = bias.grad.clone()
    assert torch.allclose(moved[4] - moved[5], 0.02 * 0.25 * last, atol=1e-7)
    assert len(moved) == 6


def scaled(name="resnet18", channels=3, **changes):
    config = ModelConfig(name=name, width=2, input_size=24, **changes)
    pair = config, replace(config, input_size=None)
    return [build_model(each, channels, 4, seeded()).eval() for each in pair]


@pytest.mark.parametrize(("name", "stem"), [("resnet18", "imagenet"), ("vit_s", "cifar")])
def test_a_model_with_an_input_size_says_what_the_plain_one_says_of_scaled_images(name, stem):
    model, plain = scaled(name, stem=stem)
    head(plain).load_state_dict(head(model).state_dict())
    images = torch.rand(2, 3, 8, 8, generator=seeded(1))
    larger = F.interpolate(images, size=(24, 24), mode="bilinear", antialias=True)
    with torch.no_grad():
        assert torch.equal(model(images), plain(larger))
        assert torch.equal(copy.deepcopy(model)(images), plain(larger))
        assert torch.equal(model(larger), plain(larger))
        assert name == "vit_s" or not torch.allclose(model(images), plain(images))
    assert model.state_dict().keys() == plain.state_dict().keys()


def test_scaling_down_takes_every_pixel_into_account():
    seen = []
    model = build_model(ModelConfig(width=2, input_size=2), 1, 4, seeded()).eval()
    model.conv1.register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    images = torch.zeros(1, 1, 8, 8)
    images[0, 0, 0, 0] = 1.0
    model(images)
    # a triangle of half-width 4 around pixel 1.5, over pixels 0 to 5: 2.5 of 2.5 + 3.5 + ... + 0.5
    weight = 2.5 / (2.5 + 3.5 + 3.5 + 2.5 + 1.5 + 0.5)
    assert seen[0].shape == (1, 1, 2, 2)
    assert seen[0][0, 0, 0, 0].item() == pytest.approx(weight**2, abs=1e-5)


@pytest.mark.parametrize("method", ["rfa", "neglora", "fisher"])
def test_methods_do_the_same_on_a_scaling_model_and_on_images_scaled_before(small_dataset, method):
    after = []
    model, plain = scaled(channels=1, stem="imagenet")
    train, forget = small_dataset.is_train, small_dataset.labels == 1
    settings = {"rfa": {"epochs": 1}, "neglora": {"epochs": 1}, "fisher": {}}[method]
    for net, prepare in ((model, lambda examples: examples), (plain, resized)):
        splits = [to_device(small_dataset, mask & train, CPU) for mask in (forget, ~forget)]
        inputs = UnlearnInputs(
            model=net,
            forget=prepare(splits[0]),
            retain=prepare(splits[1]),
            generator=seeded(2),
        )
        list(get_method(method).run(inputs, resolve_settings(method, settings)))
        after.append(net.state_dict())
    start = build_model(ModelConfig(width=2, stem="imagenet"), 1, 4, seeded()).state_dict()
    assert after[0].keys() == after[1].keys() == start.keys()
    assert all(torch.allclose(after[0][name], after[1][name], atol=1e-6) for name in start)
    assert any(not torch.equal(after[0][name], start[name]) for name in start)


@dataclass(frozen=True, kw_only=True, eq=False)
class Resized(ImageInputs):
    """Images that are scaled before any model sees them."""

    def batch(self, rows):
        return F.interpolate(super().batch(rows), size=(24, 24), mode="bilinear", antialias=True)


def resized(examples):
    plain = examples.inputs
    inputs = Resized(images=plain.images, mean=plain.mean, std=plain.std, augment=plain.augment)
    return replace(examples, inputs=inputs)


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
    factors = [[1.0], [float("nan")]]
    steps = optimise(optimizer, factors, lambda f: {OBJECTIVE: f[0] * weight.sum()}, total=2)
    assert next(steps).losses == {OBJECTIVE: 1.0}
    with pytest.raises(DivergedError, match="The loss became nan at step 2 of 2"):
        next(steps)
    assert weight.item() == 0


def test_an_accelerators_losses_are_looked_at_every_few_steps(monkeypatch):
    monkeypatch.setattr(training, "READ_EVERY", {"cpu": 3})
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    steps = optimise(
        optimizer, [[1.0], [2.0], [3.0], [4.0]], lambda f: {OBJECTIVE: f[0] * weight.sum()}, total=4
    )
    first, second = next(steps), next(steps)
    assert not first.losses.is_read
    assert weight.item() == 1 - 1 - 2  # both steps are taken, nobody has looked
    third = next(steps)
    assert first.losses.is_read
    assert second.losses.is_read
    assert third.losses.is_read
    values = [dict(each.losses) for each in (first, second, third, *steps)]
    assert values == [{OBJECTIVE: v} for v in (1.0, 0.0, -6.0, -20.0)]


@pytest.mark.parametrize("n_steps", [2, 3, 5])
def test_a_loss_that_diverges_unseen_is_told_with_its_step(monkeypatch, n_steps):
    monkeypatch.setattr(training, "READ_EVERY", {"cpu": 3})
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    factors = [[1.0], *[[float("nan")]] * (n_steps - 1)]
    steps = optimise(optimizer, factors, lambda f: {OBJECTIVE: f[0] * weight.sum()}, total=n_steps)
    with pytest.raises(DivergedError, match=f"The loss became nan at step 2 of {n_steps}"):
        list(steps)


def test_losses_of_a_step_are_asked_for_a_name_that_they_lack():
    losses = StepLosses({"a": torch.tensor(1.0)})
    assert "forget_loss" not in losses
    assert not losses.is_read  # and the question waited for nothing
    with pytest.raises(KeyError, match="forget_loss"):
        losses["forget_loss"]


def test_losses_are_fetched_once_and_are_a_mapping():
    value = torch.tensor(2.0, requires_grad=True)
    losses = StepLosses({"a": value, "b": 2 * value})
    assert not losses.is_read
    assert not are_read(losses)
    assert (list(losses), len(losses)) == (["a", "b"], 2)
    assert losses["b"] == 4
    with torch.no_grad():
        value.fill_(9)
    assert dict(losses) == {"a": 2, "b": 4}
    assert are_read(losses)
    assert are_read({"a": 1.0})


def test_a_batch_with_nothing_to_learn_from_takes_no_step():
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    steps = list(optimise(optimizer, [[0]], lambda _b: {OBJECTIVE: torch.zeros(())}, total=1))
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


def test_weights_that_the_last_step_breaks_end_the_run():
    weight = torch.nn.Parameter(torch.ones(1))
    steps = optimise(
        torch.optim.SGD([weight], lr=3e38),
        [""],
        lambda _batch: {OBJECTIVE: -1e9 * weight.sum()},  # finite before the step, not after it
        total=1,
    )
    assert next(steps).losses == {OBJECTIVE: -1e9}
    with pytest.raises(DivergedError, match="no longer finite after step 1 of 1"):
        next(steps)


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_images_come_in_the_order_of_the_weights_and_keep_their_values(order):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    images = torch.rand(2, 3, 5, 5)
    ordered = in_order_of(model.to(memory_format=order), images)
    assert ordered.is_contiguous(memory_format=order)
    assert torch.equal(ordered, images)


@pytest.mark.parametrize("shape", [(2, 1, 5, 5), (2, 7)])
def test_what_has_one_order_is_passed_on_as_it_is(shape):
    first = nn.Conv2d(1, 4, 3) if len(shape) == 4 else nn.Linear(7, 2)
    inputs = torch.rand(shape)
    assert in_order_of(first.to(memory_format=torch.channels_last), inputs) is inputs


def test_smaller_images_are_what_another_library_makes_of_them():
    images = torch.rand(2, 3, 32, 28, generator=seeded())
    expected = [
        [
            np.asarray(Image.fromarray(part.numpy()).resize((21, 24), Image.Resampling.BILINEAR))
            for part in image
        ]
        for image in images
    ]
    assert smaller(images).shape == (2, 3, 24, 21)
    torch.testing.assert_close(smaller(images), torch.tensor(np.array(expected)))


def test_only_images_can_be_made_smaller():
    with pytest.raises(ValueError, match=r"must be \(n, C, H, W\), got shape \(4, 16\)"):
        smaller(torch.zeros(4, 16))


def test_a_recipe_shows_small_images_for_its_first_steps(small_dataset):
    seen = []
    model = build_model(ModelConfig(width=4), 1, 10, seeded())
    model.register_forward_pre_hook(lambda _model, inputs: seen.append(inputs[0].shape[-1]))
    examples = to_device(small_dataset, small_dataset.is_train, torch.device("cpu"))
    recipe = TrainingConfig(epochs=3, batch_size=64, small_share=2 / 3)
    steps = examples.steps(64)
    list(train(model, examples, recipe, seeded()))
    side = small_dataset.images.shape[-1]
    assert seen == [round(0.75 * side)] * 2 * steps + [side] * steps
