"""Which parts of a network a method trains: counts of parameters, and that the rest stays."""

import copy

import pytest
import torch
from torch import nn

from tests.networks import small_resnet, small_transformer
from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import to_device
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.methods.neglora import target_layers
from unlearn_core.methods.partial_neggrad import trained_modules
from unlearn_core.models import MODELS, Parts, head, initialise, parts_of, state_parts
from unlearn_core.models.causal_language_model import TiedHead
from unlearn_core.models.lora import ADAPTER, SeededDropout, adaptable_layers, attach
from unlearn_core.models.parts import last_stage, weighted_layers
from unlearn_core.models.pruning import prunable_weights


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def large(name, n_classes=10, **config):
    """Build a network of the papers' size, with the library's own weights."""
    return MODELS[name].build(ModelConfig(name=name, **config), 3, n_classes)


def shape_of(name, n_classes=10, **config):
    """Build the same without any numbers in it, which takes no time and no memory."""
    with torch.device("meta"):
        return large(name, n_classes, **config)


def count(parameters):
    return sum(p.numel() for p in parameters)


def resnet(norm="batch"):
    model = small_resnet(ModelConfig(width=2, norm=norm))
    initialise(model, seeded())
    return model.eval()


def transformer():
    model = small_transformer()
    initialise(model, seeded())
    return model.eval()


NETS = {"resnet": resnet, "transformer": transformer}
both_nets = pytest.mark.parametrize("net", NETS)


@pytest.fixture
def run(small_dataset):
    """Run a method on a copy of the model, and return what changed, by name."""

    def start(name, model, **changes):
        train, forget = small_dataset.is_train, small_dataset.labels == 1
        cpu = torch.device("cpu")
        inputs = UnlearnInputs(
            model=model,
            forget=to_device(small_dataset, forget & train, cpu, forget=forget),
            retain=to_device(small_dataset, ~forget & train, cpu, forget=forget),
            generator=seeded(1),
        )
        quick = {"epochs": 2, "batch_size": 4, **changes}
        return METHODS[name].run(inputs, resolve_settings(name, quick))

    return start


def changed(model, before):
    now = model.state_dict()
    assert now.keys() == before.keys()
    return {name for name in before if not torch.equal(now[name], before[name])}


def snapshot(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


# Counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_classes", "stem", "expected"),
    [
        ("vit_s", 10, "cifar", 21_317_002),
        ("vit_s", 100, "cifar", 21_351_652),
        ("vit_s", 100, "imagenet", 21_628_132),
        ("resnet50", 10, "cifar", 23_520_842),
        ("resnet50", 100, "cifar", 23_705_252),
    ],
)
def test_a_network_has_the_published_number_of_parameters(name, n_classes, stem, expected):
    assert count(shape_of(name, n_classes, stem=stem).parameters()) == expected


@pytest.mark.parametrize(
    ("name", "n_classes", "targets", "rank", "expected"),
    [
        ("vit_s", 10, "head_only", 16, 6_304),
        ("vit_s", 100, "head_only", 16, 7_744),
        ("vit_s", 10, "headatt", 16, 18_592),
        ("vit_s", 100, "headatt", 16, 20_032),
        ("vit_s", 10, "ffn_last", 16, 61_440),
        ("vit_s", 10, "ffn_all", 16, 737_280),
        ("vit_s", 10, "auto", 16, 737_280),
        ("resnet50", 10, "convs", 8, 588_288),
        ("resnet50", 10, "auto", 16, 1_176_576),
        ("tiny_vit", 10, "ffn_all", 16, 614_400),
    ],
)
def test_the_adapters_have_the_expected_number_of_weights(name, n_classes, targets, rank, expected):
    model = shape_of(name, n_classes)
    layers = target_layers(model, targets)
    made = attach(model, layers, rank=rank, alpha=32, dropout=0.1, generator=seeded())
    assert count(p for p in made.model.parameters() if p.requires_grad) == expected
    assert count(made.state().values()) == expected


def test_the_released_resnet_recipe_trains_adapters_and_the_classifier(run):
    model = resnet()
    before = snapshot(model)
    list(run("neglora", model, targets="convs_and_head", rank=2))
    moved = changed(model, before)
    assert {"fc.weight", "fc.bias"} <= moved
    assert moved - {"fc.weight", "fc.bias"} == {
        f"layer{stage}.0.conv{i}.weight" for stage in (1, 2, 3, 4) for i in (1, 2)
    }
    wide = shape_of("resnet50")
    attach(
        wide,
        target_layers(wide, "convs_and_head"),
        rank=8,
        alpha=16,
        dropout=0.1,
        generator=seeded(),
    )
    adapters = count(p for p in wide.parameters() if p.requires_grad)
    classifier = count(head(wide).parameters())
    assert (adapters, classifier, adapters + classifier) == (588_288, 20_490, 608_778)


@pytest.mark.parametrize(
    ("name", "n_classes", "expected"),
    [
        ("vit_s", 10, 1_333_258),
        ("vit_s", 100, 1_367_908),
        ("resnet50", 10, 23_467_722),
        ("resnet50", 100, 23_652_132),
    ],
)
def test_partial_neggrad_trains_the_number_of_weights_of_the_text(name, n_classes, expected):
    parts = trained_modules(shape_of(name, n_classes))
    assert count(nn.ModuleList(parts).parameters()) == expected


@pytest.mark.parametrize(("net", "targets"), [("resnet", "ffn_all"), ("transformer", "convs")])
def test_targets_of_another_kind_of_network_are_refused(net, targets):
    with pytest.raises(ValueError, match=f"has the targets .*head_only.*, got '{targets}'"):
        target_layers(NETS[net](), targets)


# Adapters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small", "vit_s"])
def test_an_adapter_on_the_projection_of_attention_acts_and_learns(name):
    torch.manual_seed(0)
    model = transformer() if name == "small" else large("vit_s").eval()
    nn.init.normal_(head(model).weight)  # a ViT-S starts with a classifier of zeros
    block = parts_of(model).blocks[-1]
    assert target_layers(model, "headatt")[0] == f"{block}.attn.proj"
    made = attach(model, [f"{block}.attn.proj"], rank=2, alpha=4, dropout=0.0, generator=seeded())
    images = torch.randn(2, 1 if name == "small" else 3, 16, 16, generator=seeded())
    with torch.no_grad():
        before = made.model(images)
    up = made.layers[f"{block}.attn.proj"].lora_B[ADAPTER].weight
    made.model(images).square().sum().backward()
    assert up.grad is not None
    assert up.grad.abs().max() > 0
    with torch.no_grad():
        up.normal_(generator=seeded(1))
        assert (made.model(images) - before).abs().max() > 1e-3


@both_nets
def test_neglora_leaves_the_frozen_network_alone_until_it_merges(run, net):
    model = NETS[net]()
    before = snapshot(model)
    layers = target_layers(model, "auto")
    steps = 0
    for _ in run("neglora", model, rank=2, learning_rate=0.01):
        steps += 1
        now = {n.replace(".base_layer", ""): t for n, t in model.state_dict().items()}
        assert all(torch.equal(now[name], tensor) for name, tensor in before.items())
    assert steps == 4
    assert changed(model, before) == {f"{layer}.weight" for layer in layers}


def test_adapter_dropout_is_drawn_from_its_generator_alone():
    x = torch.ones(1000, 4, requires_grad=True)
    torch.manual_seed(0)
    first = SeededDropout(0.25, 3)(x)
    torch.manual_seed(1)
    again, later = (drop := SeededDropout(0.25, 3))(x), drop(x)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert first.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert (first == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_adapter_dropout_stays_on_in_evaluation_mode_and_is_off_without_gradients():
    x = torch.ones(50, 4)
    drop = SeededDropout(0.5, 0).eval()
    assert (drop(x) == 0).any()
    state = drop.generator.get_state()
    with torch.no_grad():
        assert torch.equal(drop(x), x)
    assert torch.equal(drop.generator.get_state(), state)  # and draws nothing


# Parts ----------------------------------------------------------------------------------------


def test_partial_neggrad_moves_every_convolution_and_the_classifier_of_a_resnet(run):
    model = resnet()
    before = snapshot(model)
    list(run("partial_neggrad", model))
    kinds = {name: type(module) for name, module in model.named_modules()}
    layers = {name for name, kind in kinds.items() if kind in (nn.Conv2d, nn.Linear)}
    moved = changed(model, before)
    assert moved == {f"{name}.weight" for name in layers} | {"fc.bias"}
    assert {id(m) for m in trained_modules(model)} == {
        id(m) for m in weighted_layers(model).values()
    }


def test_partial_neggrad_moves_the_end_of_a_transformer(run):
    model = transformer()
    before = snapshot(model)
    list(run("partial_neggrad", model))
    layers = ("blocks.1.attn.proj", "blocks.1.mlp.fc1", "blocks.1.mlp.fc2", "head")
    assert changed(model, before) == {f"{n}.{part}" for n in layers for part in ("weight", "bias")}


LAST = {
    "resnet": ("layer4.", "fc."),
    "transformer": ("blocks.1.", "norm.", "head."),
}


@both_nets
@pytest.mark.parametrize("name", ["cf_k", "eu_k"])
def test_only_the_last_stage_moves(run, name, net):
    model = NETS[net]()
    before = snapshot(model)
    list(run(name, model, learning_rate=0.05))
    moved = changed(model, before)
    assert all(n.startswith(LAST[net]) for n in moved)
    trained = {n for n, _ in model.named_parameters() if n.startswith(LAST[net])}
    assert trained <= moved
    assert all(p.requires_grad for p in model.parameters())


@both_nets
def test_cf_k_keeps_the_last_stages_weights_and_eu_k_draws_new_ones(run, net):
    original, kept, drawn = NETS[net](), NETS[net](), NETS[net]()
    list(run("cf_k", kept, learning_rate=1e-12))
    list(run("eu_k", drawn, learning_rate=1e-12))
    for old, same, new in zip(
        weighted_layers(last_stage(original)).values(),
        weighted_layers(last_stage(kept)).values(),
        weighted_layers(last_stage(drawn)).values(),
        strict=True,
    ):
        assert torch.allclose(old.weight, same.weight, atol=1e-9, rtol=0)
        assert (old.weight - new.weight).abs().max() > 1e-2
        ratio = (new.weight.std() / old.weight.std()).item()
        assert ratio == pytest.approx(1, abs=0.35)  # drawn like those of a new network


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet50", {"layer4", "fc"}),
        ("vit_s", {"blocks.11", "norm", "head"}),
        ("tiny_vit", {"stages.3.blocks.1", "head.norm", "head.fc"}),
    ],
)
def test_the_last_stage_is_everything_behind_the_encoder(name, expected):
    model = shape_of(name)
    names = {id(module): n for n, module in model.named_modules()}
    assert {names[id(part)] for part in last_stage(model)} == expected


def test_a_network_of_no_known_family_is_refused_until_its_parts_are_stated():
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    for ask in (head, last_stage, prunable_weights, adaptable_layers, trained_modules):
        with pytest.raises(ValueError, match=r"parts of Sequential are not known: state them with"):
            ask(model)
    assert head(state_parts(model, Parts(head="1"))) is model[1]
    assert head(copy.deepcopy(model)).weight is not model[1].weight
    with pytest.raises(ValueError, match="parts of Sequential must name a `last_stage`"):
        last_stage(model)
    with pytest.raises(ValueError, match="Sequential has no module 'fc' to be a part"):
        state_parts(model, Parts(head="fc"))


@pytest.mark.parametrize("name", MODELS)
def test_every_family_states_parts_that_its_network_has(name):
    with torch.device("meta"):
        model = large(name)
    parts = parts_of(model)
    modules = dict(model.named_modules())
    assert modules.keys() >= set(parts.names())
    order = list(modules)
    for names in (parts.blocks, parts.adaptable, parts.last_stage, parts.projections):
        assert list(names) == sorted(names, key=order.index)
    assert isinstance(modules[parts.head], nn.Linear | TiedHead)  # GPT-2 has no head of its own
    assert not {parts.head, *parts.stem} & set(parts.adaptable)
    sizes = {len(parts.attention), len(parts.projections), len(parts.feed_forward)}
    assert sizes == ({len(parts.blocks)} if parts.is_transformer else {0})


def test_a_tiny_vit_can_be_trained_in_evaluation_mode_and_copied():
    model = large("tiny_vit").eval()
    biases = model.get_submodule(parts_of(model).blocks[0]).attn.attention_biases
    images = torch.randn(2, 3, 32, 32, generator=seeded())
    for _ in range(2):
        model.zero_grad()
        before = model(images)
        before.square().sum().backward()
    assert biases.grad.abs().max() > 0
    copied = copy.deepcopy(model)
    with torch.no_grad():
        biases.add_(torch.randn(biases.shape, generator=seeded(1)))
        assert not torch.equal(model(images), before)  # the biases in use are the present ones
        assert torch.equal(copied(images), before)
