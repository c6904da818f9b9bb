"""Pruning: which weights go, and that they stay away through recovery, ascent and merging."""

import copy

import pytest
import torch
from torch import nn

from tests.networks import small_resnet
from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import to_device
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.models import initialise
from unlearn_core.models.lora import ADAPTER, attach
from unlearn_core.models.masked_lora import mask_products, mask_rows
from unlearn_core.models.pruning import (
    SCHEMES,
    apply_masks,
    make_masks,
    prunable_weights,
    sparsity_of,
)

QUICK = {"recover_epochs": 2, "recover_batch_size": 8, "epochs": 3, "batch_size": 4, "rank": 2}
ROWS, SINGLE = SCHEMES


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def resnet():
    model = small_resnet(ModelConfig(width=4))
    initialise(model, seeded())
    return model.eval()


@pytest.fixture
def inputs(small_dataset):
    train, forget = small_dataset.is_train, small_dataset.labels == 1
    cpu, lines = torch.device("cpu"), []
    made = UnlearnInputs(
        model=resnet(),
        forget=to_device(small_dataset, forget & train, cpu, forget=forget),
        retain=to_device(small_dataset, ~forget & train, cpu, forget=forget),
        generator=seeded(1),
        log=lines.append,
    )
    return made, lines


def start(inputs, **changes):
    settings = resolve_settings("sparse_neglora", {**QUICK, **changes})
    return METHODS["sparse_neglora"].run(inputs, settings)


def zeros(weights):
    return {name: weight.detach() == 0 for name, weight in weights.items()}


def test_structured_pruning_drops_the_rows_of_smallest_norm():
    weight = torch.tensor([[3.0, 0.0], [1.0, 1.0], [0.0, 2.0], [0.5, 0.5]])
    mask = make_masks({"w": weight}, 0.5, ROWS)["w"]
    assert mask.tolist() == [[1, 1], [0, 0], [1, 1], [0, 0]]


def test_unstructured_pruning_compares_weights_over_all_layers():
    weights = {"a": torch.tensor([3.0, 0.1]), "b": torch.tensor([-0.2, -0.3])}
    masks = make_masks(weights, 0.5, SINGLE)
    assert masks["a"].tolist() == [1, 0]
    assert masks["b"].tolist() == [0, 1]


def test_structured_pruning_takes_its_share_of_every_layer_but_leaves_one_row():
    weights = {"large": torch.full((4, 2, 3, 3), 9.0), "small": torch.full((2, 3), 0.1)}
    rows = {
        name: mask.flatten(1).amax(dim=1).sum().item()
        for name, mask in make_masks(weights, 0.5, ROWS).items()
    }
    assert rows == {"large": 2, "small": 1}
    rows = [m.flatten(1).amax(dim=1).sum().item() for m in make_masks(weights, 0.95, ROWS).values()]
    assert rows == [1, 1]


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9])
def test_unstructured_pruning_reaches_its_share_over_all_layers(sparsity):
    weights = {
        "a": torch.randn(10, 20, generator=seeded()),
        "b": torch.randn(100, generator=seeded()),
    }
    apply_masks(weights, make_masks(weights, sparsity, SINGLE))
    assert sparsity_of(weights) == pytest.approx(sparsity)


def test_equal_weights_are_pruned_to_the_share_and_no_further():
    masks = make_masks({"w": torch.ones(10)}, 0.3, SINGLE)
    assert masks["w"].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("sparsity", "scheme", "message"),
    [
        (1.0, ROWS, r"`sparsity` must be in \[0, 1\), got 1.0"),
        (-0.1, SINGLE, r"`sparsity` must be in \[0, 1\), got -0.1"),
        (0.5, "l0", "`scheme` must be one of .*, got 'l0'"),
    ],
)
def test_an_impossible_pruning_is_refused(sparsity, scheme, message):
    with pytest.raises(ValueError, match=message):
        make_masks({"w": torch.ones(2, 2)}, sparsity, scheme)


def test_first_layer_classifier_and_normalisation_are_not_pruned():
    model = resnet()
    names = set(prunable_weights(model))
    convolutions = {f"{n}.weight" for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    assert names == convolutions - {"conv1.weight"}
    assert "layer1.0.conv1.weight" in names


def adapted_pair():
    """W = [[1, 2], [0, 0]] with an adapter whose product is 0.5 everywhere."""
    net = nn.Sequential(nn.Linear(2, 2, bias=False))
    net[0].weight.data = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    masks = {"0.weight": torch.tensor([[1.0, 1.0], [0.0, 0.0]])}
    adapted = attach(net, ["0"], rank=1, alpha=1, dropout=0.0, generator=seeded())
    layer = adapted.layers["0"]
    layer.lora_A[ADAPTER].weight.data.fill_(1.0)
    layer.lora_B[ADAPTER].weight.data.fill_(0.5)
    return adapted, masks


def test_merging_a_dense_adapter_fills_the_zeros():
    adapted, _ = adapted_pair()
    assert adapted.merge()[0].weight.tolist() == [[1.5, 2.5], [0.5, 0.5]]


def test_masking_the_rows_of_b_is_a_masked_merge():
    adapted, masks = adapted_pair()
    mask_rows(adapted, masks)
    assert adapted.layers["0"].lora_B[ADAPTER].weight.tolist() == [[0.5], [0.0]]
    assert adapted.merge()[0].weight.tolist() == [[1.5, 2.5], [0.0, 0.0]]


def test_a_masked_product_of_rows_is_the_same_as_masked_rows():
    adapted, masks = adapted_pair()
    mask_products(adapted, masks)
    x = torch.tensor([[1.0, 3.0]])
    assert adapted.model(x).tolist() == [[1.5 + 7.5, 0.0]]
    assert adapted.merge()[0].weight.tolist() == [[1.5, 2.5], [0.0, 0.0]]


def test_a_copy_with_masked_products_computes_with_its_own_weights():
    adapted, masks = adapted_pair()
    mask_products(adapted, masks)
    x = torch.tensor([[1.0, 3.0]])
    copied = copy.deepcopy(adapted.model)
    assert copied(x).tolist() == adapted.model(x).tolist() == [[9.0, 0.0]]
    copied[0].lora_B[ADAPTER].weight.data.fill_(0.0)
    assert copied(x).tolist() == [[7.0, 0.0]]
    assert adapted.model(x).tolist() == [[9.0, 0.0]]


def test_masked_products_are_off_where_adapters_are():
    adapted, masks = adapted_pair()
    mask_products(adapted, masks)
    x = torch.tensor([[1.0, 3.0]])
    with adapted.disabled():
        assert adapted.model(x).tolist() == [[7.0, 0.0]]
    assert adapted.model(x).tolist() == [[9.0, 0.0]]


def test_dropout_is_in_front_of_a_masked_product_and_not_of_the_frozen_layer():
    net = nn.Sequential(nn.Linear(2, 2, bias=False))
    net[0].weight.data = torch.eye(2)
    adapted = attach(net, ["0"], rank=1, alpha=1, dropout=0.5, generator=seeded())
    layer = adapted.layers["0"]
    layer.lora_A[ADAPTER].weight.data.fill_(1.0)
    layer.lora_B[ADAPTER].weight.data.fill_(1.0)
    mask_products(adapted, {"0.weight": torch.tensor([[1.0, 1.0], [0.0, 0.0]])})
    outputs = adapted.model(torch.ones(200, 2))
    assert (outputs[:, 1] == 1).all()
    added = outputs[:, 0] - 1  # each of two inputs is kept with chance a half, and then doubled
    assert set(added.tolist()) == {0.0, 2.0, 4.0}


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(5, 4),
        nn.Conv2d(2, 4, 3, stride=2, padding=1),
        nn.Conv2d(2, 4, 1, bias=False),
    ],
    ids=["linear", "conv", "conv 1x1"],
)
def test_a_masked_product_is_one_function_before_and_after_merging(layer):
    net = nn.Sequential(copy.deepcopy(layer)).double()
    mask = (torch.rand(net[0].weight.shape, generator=seeded(1)) < 0.5).double()
    net[0].weight.data *= mask
    adapted = attach(net, ["0"], rank=2, alpha=6, dropout=0.0, generator=seeded(2))
    part = adapted.layers["0"]
    part.lora_B[ADAPTER].weight.data.normal_(generator=seeded(3))
    mask_products(adapted, {"0.weight": mask})
    shape = (3, 5) if isinstance(layer, nn.Linear) else (3, 2, 7, 7)
    x = torch.randn(shape, generator=seeded(4), dtype=torch.float64)
    pruned = net[0].base_layer.weight.detach().clone()
    before = adapted.model(x)
    before.square().sum().backward()
    assert part.lora_A[ADAPTER].weight.grad.abs().sum() > 0
    assert part.lora_B[ADAPTER].weight.grad.abs().sum() > 0
    merged = adapted.merge()[0]
    assert (merged.weight[mask == 0] == 0).all()
    assert (merged.weight[mask == 1] != pruned[mask == 1]).all()
    assert torch.allclose(merged(x), before, atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_pruned_stays_zero_after_every_step_of_the_recovery(inputs, scheme):
    made, _ = inputs
    weights = prunable_weights(made.model)
    masks = make_masks(weights, 0.5, scheme)
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    n_recovery = 0
    for progress in start(made, scheme=scheme):
        if progress.phase != "recover":
            break
        n_recovery += 1
        found = zeros(weights)
        assert all((found[name] == (mask == 0)).all() for name, mask in masks.items())
    assert n_recovery == 8  # two passes over all 32 training examples
    moved = [(weights[name] - before[name] * masks[name]).abs().max() for name in masks]
    assert min(moved) > 0  # the others did learn


def test_recovery_on_retained_examples_sees_no_more_than_those(inputs):
    made, _ = inputs
    phases = [p.phase for p in start(made, recover_on="retain")]
    assert phases.count("recover") == 6  # two passes over 24 examples


def test_row_masks_keep_the_network_as_sparse_after_merging(inputs):
    made, lines = inputs
    weights = prunable_weights(made.model)
    masks = make_masks(weights, 0.5, ROWS)
    start_values = {name: weight.detach().clone() for name, weight in weights.items()}
    assert "ascend" in [p.phase for p in start(made)]
    after = prunable_weights(made.model)
    assert all((zeros(after)[name] == (mask == 0)).all() for name, mask in masks.items())
    assert made.facts["sparsity_before_merge"] == made.facts["sparsity_after_merge"] == 0.5
    assert sparsity_of(after) == 0.5
    assert "sparsity 0.500 before and 0.500 after merging" in lines[0]
    up = [t for name, t in made.extras.items() if "lora_B" in name]
    assert up
    assert all(t.abs().sum() > 0 for t in up)  # adapters acted
    assert all((after[name] != start_values[name]).any() for name in after)


def test_single_weights_stay_pruned_after_merging(inputs):
    made, lines = inputs
    weights = prunable_weights(made.model)
    masks = make_masks(weights, 0.9, SINGLE)
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    phases = [p.phase for p in start(made, scheme=SINGLE, sparsity=0.9)]
    assert "ascend" in phases
    after = prunable_weights(made.model)
    assert all((after[name][mask == 0] == 0).all() for name, mask in masks.items())
    assert made.facts["sparsity_before_merge"] == pytest.approx(0.9, abs=1e-3)
    assert made.facts["sparsity_after_merge"] == made.facts["sparsity_before_merge"]
    assert "0.900 before and 0.900 after merging" in lines[0]
    kept = {name: mask == 1 for name, mask in masks.items()}
    assert all((after[n][kept[n]] != before[n][kept[n]]).any() for n in after if kept[n].any())
    up = [t for name, t in made.extras.items() if "lora_B" in name]
    assert all(t.abs().sum() > 0 for t in up)  # adapters acted
