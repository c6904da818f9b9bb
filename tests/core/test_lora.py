"""Adapters: attaching changes nothing, training leaves the base alone, merging is exact."""

import copy

import pytest
import torch
from torch import nn

from unlearn_core.config import ModelConfig
from unlearn_core.models import build_model
from unlearn_core.models.lora import (
    ADAPTER,
    adaptable_layers,
    attach,
    captured_branches,
    merge_in_passes,
)

LAYERS = {
    "linear": (lambda: nn.Linear(6, 5), (7, 6)),
    "strided conv": (
        lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False),
        (3, 4, 8, 8),
    ),
    "conv 1x1": (lambda: nn.Conv2d(4, 6, 1), (3, 4, 8, 8)),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Net(nn.Module):
    """One layer to adapt, called "layer"."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


def one_layer(kind, dtype):
    """Return an adapted single layer with B away from zero, and an input for it."""
    make, shape = LAYERS[kind]
    net = Net(make()).to(dtype)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=seeded(1), dtype=dtype) / 4)
    plain = copy.deepcopy(net)
    made = attach(net, ["layer"], rank=2, alpha=6, dropout=0.0, generator=seeded(2))
    made.model.to(dtype).eval()
    with torch.no_grad():
        up = made.layers["layer"].lora_B[ADAPTER].weight
        up.copy_(torch.randn(up.shape, generator=seeded(3), dtype=dtype) / 4)
    return made, plain, torch.randn(shape, generator=seeded(4), dtype=dtype)


def resnet(norm="batch"):
    model = build_model(ModelConfig(width=4, norm=norm), 1, 10, seeded())
    return model.eval()


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 1e-12)])
def test_merged_and_unmerged_functions_agree(kind, dtype, tolerance):
    made, plain, x = one_layer(kind, dtype)
    with torch.no_grad():
        before = made.model(x)
        after = made.merge()(x)
        assert (before - plain(x)).abs().max() > 0.1  # the adapter acts
    assert (before - after).abs().max().item() <= tolerance


def test_merging_leaves_the_plain_network_with_all_parameters_trainable():
    model = resnet()
    names = set(model.state_dict())
    merged = attach(
        model, adaptable_layers(model), rank=2, alpha=2, dropout=0.0, generator=seeded()
    ).merge()
    assert merged is model
    assert set(merged.state_dict()) == names
    assert all(p.requires_grad for p in merged.parameters())


@pytest.mark.parametrize("kind", LAYERS)
def test_the_merged_weight_is_the_base_plus_scaled_b_times_a(kind):
    made, plain, _ = one_layer(kind, torch.float64)
    layer = made.layers["layer"]
    a, b = layer.lora_A[ADAPTER].weight.detach(), layer.lora_B[ADAPTER].weight.detach()
    change = torch.einsum("or,ri->oi", b.flatten(1), a.flatten(1)).view(plain.layer.weight.shape)
    merged = made.merge().layer.weight
    assert torch.allclose(merged, plain.layer.weight + 3 * change, atol=1e-12, rtol=0)


def test_attaching_leaves_the_output_unchanged_to_the_bit():
    model = resnet()
    images = torch.randn(5, 1, 8, 8, generator=seeded(1))
    with torch.no_grad():
        before = model(images)
        made = attach(
            model, adaptable_layers(model), rank=2, alpha=2, dropout=0.0, generator=seeded()
        )
        assert torch.equal(before, made.model(images))


def test_training_the_adapters_leaves_the_base_and_its_buffers_unchanged():
    model = resnet()
    before = copy.deepcopy(model.state_dict())
    made = attach(model, adaptable_layers(model), rank=2, alpha=2, dropout=0.0, generator=seeded())
    made.model.eval()
    trained = [p for p in made.model.parameters() if p.requires_grad]
    assert len(trained) == 2 * len(made.layers)
    optimizer = torch.optim.SGD(trained, lr=0.1)
    for _ in range(3):
        loss = made.model(torch.randn(8, 1, 8, 8, generator=seeded(1))).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    now = {n.replace(".base_layer", ""): t for n, t in made.model.state_dict().items()}
    assert all(torch.equal(now[name], tensor) for name, tensor in before.items())
    frozen = [p for n, p in made.model.named_parameters() if "lora_" not in n]
    assert all(p.grad is None for p in frozen)
    assert any(t.abs().sum() > 0 for n, t in made.state().items() if "lora_B" in n)


def test_both_branches_are_recorded_and_add_up_to_the_layers_output():
    made, plain, x = one_layer("strided conv", torch.float64)
    with captured_branches(made) as branches:
        output = made.model(x)
    assert torch.equal(branches.frozen[0], plain(x))
    assert torch.allclose(branches.frozen[0] + branches.residuals[0].value, output, atol=1e-12)
    made.model(x)
    assert len(branches.frozen) == len(branches.residuals) == 1  # the hooks are gone


def test_passes_without_gradients_between_steps_are_not_kept():
    made, _, x = one_layer("linear", torch.float64)
    with captured_branches(made) as branches:
        with torch.no_grad():
            made.model(x)
        assert branches.frozen == branches.residuals == []
        made.model(x)
        assert len(branches.frozen) == len(branches.residuals) == 1


def test_branches_come_in_network_order():
    model = resnet()
    names = adaptable_layers(model)
    made = attach(model, names, rank=1, alpha=1, dropout=0.0, generator=seeded())
    with captured_branches(made) as branches:
        made.model(torch.zeros(1, 1, 8, 8))
    widths = [layer.base_layer.out_channels for layer in made.layers.values()]
    assert list(made.layers) == names
    assert [t.shape[1] for t in branches.frozen] == widths
    assert [r.value.shape for r in branches.residuals] == [t.shape for t in branches.frozen]


def test_disabled_adapters_give_the_plain_network():
    made, plain, x = one_layer("linear", torch.float64)
    adapted_output = made.model(x)
    with made.disabled():
        assert torch.equal(made.model(x), plain(x))
    assert torch.equal(made.model(x), adapted_output)
    assert made.layers["layer"].lora_B[ADAPTER].weight.requires_grad


def test_adapters_are_drawn_from_the_generator_alone():
    states = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        model = resnet()
        made = attach(
            model, adaptable_layers(model), rank=2, alpha=2, dropout=0.0, generator=seeded(7)
        )
        states.append(made.state())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(("name", "expected"), [("resnet18", 16), ("resnet50", 48)])
def test_stem_shortcuts_and_head_are_not_adapted(name, expected):
    model = build_model(ModelConfig(name=name, width=2), 1, 10, seeded())
    names = adaptable_layers(model)
    assert len(names) == expected
    assert not [n for n in names if n in ("conv1", "fc") or "downsample" in n]


def test_layers_can_be_chosen_by_the_start_of_their_name():
    model = resnet()
    chosen = adaptable_layers(model, under=("layer4.1", "layer1.0"))
    assert chosen == ["layer1.0.conv1", "layer1.0.conv2", "layer4.1.conv1", "layer4.1.conv2"]
    with pytest.raises(ValueError, match="No layer to adapt under \\['layer9'\\]"):
        adaptable_layers(model, under=("layer9",))


@pytest.mark.parametrize("kind", LAYERS)
def test_an_adapter_that_is_merged_in_passes_has_pefts_outputs_and_gradients(kind):
    ran = []
    for merged in (False, True):
        made, plain, x = one_layer(kind, torch.float64)
        if merged:
            merge_in_passes(made)
        output = made.model(x)
        output.square().sum().backward()
        layer = made.layers["layer"]
        weights = [layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight]
        ran.append([output.detach(), *(w.grad for w in weights), made.merge().layer.weight])
        assert plain.layer.weight.shape == ran[-1][-1].shape
    for one, two in zip(*ran, strict=True):
        assert torch.allclose(one, two, atol=1e-6, rtol=0)
    assert torch.equal(ran[0][-1], ran[1][-1])  # PEFT merges both


def test_merging_in_passes_freezes_the_weights_and_can_be_disabled():
    made, plain, x = one_layer("strided conv", torch.float64)
    merge_in_passes(made)
    made.model(x).sum().backward()
    assert made.layers["layer"].base_layer.weight.grad is None
    with made.disabled():
        assert torch.equal(made.model(x), plain(x))


def test_an_adapter_behind_dropout_keeps_its_own_pass():
    model = resnet()
    made = attach(model, adaptable_layers(model), rank=2, alpha=2, dropout=0.5, generator=seeded())
    merge_in_passes(made)
    for layer in made.layers.values():
        nn.init.normal_(layer.lora_B[ADAPTER].weight, generator=seeded(1))
    images = torch.randn(2, 1, 8, 8, generator=seeded(2))
    assert not torch.equal(made.model(images), made.model(images))  # each pass drops others
