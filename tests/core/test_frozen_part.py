"""What is frozen is computed once, and gives what computing it in every step gives."""

import copy

import pytest
import torch

from tests.networks import small_resnet
from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.data.inputs import Inputs, TensorInputs
from unlearn_core.methods import METHODS, UnlearnInputs, frozen_part, resolve_settings
from unlearn_core.methods.frozen_part import (
    first_changing_block,
    inputs_of_block,
    kept_outputs,
    with_inputs,
)
from unlearn_core.models import MODELS, initialise, parts_of

LATER = ("layer3.0", "layer4.0")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(norm="batch"):
    model = small_resnet(ModelConfig(width=2, norm=norm))
    initialise(model, seeded())
    return model.eval()


def world(augment="none"):
    """Return 24 images of four classes, the last class to be forgotten."""
    images = torch.randint(0, 256, (24, 1, 8, 8), generator=seeded(1), dtype=torch.uint8)
    half = torch.full((1, 1, 1), 0.5)
    labels = torch.arange(24) % 4
    both = Examples.of(
        ImageInputs(images=images, mean=half, std=half, augment=augment),
        labels,
        4,
        is_forget=labels == 3,
    )
    return both.take((labels == 3).nonzero()[:, 0]), both.take((labels != 3).nonzero()[:, 0])


def unlearned(augment="none", **changes):
    """Return the network that RFA makes, its losses, and how often its first layer ran."""
    model, passes = network(), []
    handle = model.conv1.register_forward_hook(lambda *_: passes.append(1))
    forget, retain = world(augment)
    inputs = UnlearnInputs(model=model, forget=forget, retain=retain, generator=seeded(2))
    settings = {"learning_rate": 0.01, "batch_size": 8, "rank": 2, "epochs": 3, **changes}
    losses = [dict(p.losses) for p in METHODS["rfa"].run(inputs, resolve_settings("rfa", settings))]
    handle.remove()
    return model.state_dict(), losses, len(passes)


def assert_close(first, second):
    assert all(torch.allclose(first[0][k], second[0][k], atol=1e-5) for k in first[0])
    for a, b in zip(first[1], second[1], strict=True):
        assert a == pytest.approx(b, abs=1e-5)


@pytest.mark.parametrize("mode", ["direct", "teacher"])
@pytest.mark.parametrize("layers", [(), LATER], ids=["all", "later"])
def test_computing_once_gives_what_computing_in_every_step_gives(monkeypatch, mode, layers):
    once = unlearned(mode=mode, layers=layers)
    monkeypatch.setattr(frozen_part, "ROOM", 0)
    each = unlearned(mode=mode, layers=layers)
    assert_close(once, each)
    assert any((once[0][name] != tensor).any() for name, tensor in network().state_dict().items())


def test_layers_below_the_adapted_ones_run_once_where_images_stay():
    steps = 3 * 3
    assert unlearned(layers=LATER)[2] == 1
    assert unlearned(layers=LATER, augment="shift")[2] == steps
    assert unlearned(layers=LATER, augment="shift", augmented=False)[2] == 1
    assert unlearned(layers=())[2] == steps


def test_the_teacher_runs_once_where_images_stay():
    steps = 3 * 3
    assert unlearned(mode="teacher")[2] == steps + 1
    assert unlearned(mode="teacher", augment="shift")[2] == 2 * steps
    assert unlearned(mode="teacher", augment="shift", augmented=False)[2] == steps + 1


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["layer3.0.conv2", "layer2.0.conv1"], "layer2.0"),
        (["layer1.0.conv1", "layer4.0.conv1"], None),
        (["layer3.0.conv1", "fc"], None),
    ],
)
def test_the_first_block_that_changes_is_the_earliest_in_the_network(layers, expected):
    assert first_changing_block(network(), layers) == expected


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vit_s", "vit_b_16"])
def test_a_network_that_is_resumed_gives_its_own_logits(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MODELS[name].build(ModelConfig(name=name, width=2), 3, 5).eval()
        torch.nn.init.normal_(model.get_submodule(parts_of(model).head).weight)
    images = torch.randn(3, 3, 16, 16, generator=seeded())
    examples = Examples.of(TensorInputs(tensor=images), torch.zeros(3, dtype=torch.int64), 5)
    parts = parts_of(model)
    for block in (parts.blocks[1], parts.blocks[-1]):
        features = inputs_of_block(model, block, examples)
        with torch.no_grad():
            resumed, whole = parts.resume(model, block, features), model(images)
        assert whole.std() > 1e-3
        assert torch.allclose(resumed, whole, atol=1e-5)


def test_kept_outputs_come_back_for_each_example():
    forget, retain = world()
    both = forget.join(retain)
    kept = kept_outputs(lambda x: [x, 2 * x.mean(dim=(2, 3))], both)
    batch = both.augmented(torch.tensor([7, 0, 20]), seeded())
    first, second = kept.of(batch)
    assert torch.equal(first, batch.inputs)
    assert torch.allclose(second, 2 * batch.inputs.mean(dim=(2, 3)))


def test_examples_with_other_inputs_keep_what_they_are():
    forget, retain = world()
    both = forget.join(retain)
    features = torch.arange(24.0)[:, None]
    batch = with_inputs(both, features).augmented(torch.tensor([5, 6]), seeded())
    own = both.augmented(torch.tensor([5, 6]), seeded())
    assert batch.inputs.tolist() == [[5], [6]]
    for name in ("labels", "example_ids", "is_forget"):
        assert torch.equal(getattr(batch, name), getattr(own, name))


def test_inputs_say_whether_passes_differ():
    class Noisy(TensorInputs):
        def augmented(self, rows, generator):
            return self.batch(rows) + torch.rand(1, generator=generator)

    assert not TensorInputs(tensor=torch.zeros(2)).augments
    assert Noisy(tensor=torch.zeros(2)).augments
    assert Noisy(tensor=torch.zeros(2)).plain().augments  # it cannot do without
    forget, _ = world("shift")
    assert forget.inputs.augments
    assert not forget.plain().inputs.augments
    assert isinstance(forget.inputs, Inputs)
    assert copy.copy(forget.plain().inputs).images is forget.inputs.images
