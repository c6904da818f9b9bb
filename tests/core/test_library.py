"""Unlearning and evaluation on a network and tensors of one's own."""

import copy
import pkgutil
import subprocess
import sys
from dataclasses import fields
from inspect import signature
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import unlearn_core
from unlearn_core import Outputs, Parts, UnlearnResult, evaluate, unlearn
from unlearn_core.data import load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.data.splits import split
from unlearn_core.methods import METHODS
from unlearn_core.methods.contract import QUICK, is_finite
from unlearn_core.metrics import METRICS
from unlearn_core.metrics.base import NO_COST
from unlearn_core.models import build_model

RECIPE = {"epochs": 2, "batch_size": 16, "optimizer": "adam", "learning_rate": 1e-2}
WITHOUT_PARTS = {
    *("retrain", "finetune", "neggrad", "neggrad_ft", "neggrad_plus", "badt", "scrub"),
    *("random_label", "salun", "ssd", "delete", "l1_sparse"),
}
MOVING = {"ssd": {"alpha": 1.0}}  # where so much is forgotten, its default changes no weight
every_method = pytest.mark.parametrize("method", METHODS)


def mlp():
    """Layers that rectify with a weight of their own, on rows of eight numbers."""
    return nn.Sequential(
        nn.Linear(8, 12),
        nn.PReLU(),
        nn.Linear(12, 12),
        nn.PReLU(),
        nn.Dropout(0.2),
        nn.Linear(12, 3),
    )


class ConvNet(nn.Module):
    """Two convolutions with batch normalisation, that takes bytes and scales them itself."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 6, 3, padding=1)
        self.rectify = nn.PReLU(6)
        self.classify = nn.Linear(6, 3)

    def forward(self, images):
        x = torch.relu(self.norm(self.first(images.float() / 255)))
        return self.classify(self.rectify(self.second(x)).mean(dim=(2, 3)))


MLP_PARTS = Parts(
    head="5", stem=("0",), blocks=("2",), last_stage=("2", "3", "5"), adaptable=("2",)
)
CONV_PARTS = Parts(
    head="classify",
    stem=("first",),
    blocks=("second",),
    last_stage=("second", "rectify", "classify"),
    adaptable=("second",),
)


def examples(n, classes, seed, *, images=False):
    """Draw rows, or images, whose mean tells the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor(classes)[torch.randint(len(classes), (n,), generator=generator)]
    if images:
        noise = torch.randint(0, 60, (n, 1, 6, 6), generator=generator)
        return (noise + 60 * labels[:, None, None, None]).to(torch.uint8), labels
    return torch.randn(n, 8, generator=generator) + labels[:, None], labels


def world(build, parts, *, images):
    """A network of one kind after a little training, its parts, and its data."""
    torch.manual_seed(0)
    model = build()
    data = {
        "forget": examples(24, [1], 1, images=images),
        "retain": examples(60, [0, 2], 2, images=images),
        "forget_test": examples(15, [1], 3, images=images),
        "retain_test": examples(40, [0, 2], 4, images=images),
    }
    inputs, labels = (torch.cat(side) for side in zip(data["forget"], data["retain"], strict=True))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(40):
        loss = nn.functional.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return SimpleNamespace(model=model.eval(), parts=parts, data=data)


@pytest.fixture(scope="module")
def worlds():
    """Both networks, trained; do not change them."""
    return {
        "mlp": world(mlp, MLP_PARTS, images=False),
        "conv": world(ConvNet, CONV_PARTS, images=True),
    }


@pytest.fixture
def rows(worlds):
    return worlds["mlp"]


def quick(method, **settings):
    known = {f.name for f in fields(METHODS[method].settings_class)}
    return {**{k: v for k, v in QUICK.items() if k in known}, **MOVING.get(method, {}), **settings}


def run(of, method, **changes):
    arguments = {"parts": of.parts, "recipe": RECIPE, "settings": quick(method), **changes}
    return unlearn(of.model, of.data["forget"], of.data["retain"], method=method, **arguments)


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# Unlearning ------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch, of Fisher's vmap
@pytest.mark.parametrize("kind", ["mlp", "conv"])
@every_method
def test_a_method_works_on_an_own_network_and_leaves_the_callers_as_it_is(method, kind, worlds):
    of = worlds[kind]
    before, noise = state(of.model), torch.get_rng_state()
    modes = [module.training for module in of.model.modules()]
    first = run(of, method)
    assert torch.equal(torch.get_rng_state(), noise)
    torch.manual_seed(1)  # the global generator must not matter, also to dropout
    second = run(of, method)
    assert same(state(of.model), before)
    assert [module.training for module in of.model.modules()] == modes
    assert not hasattr(of.model, "_stated_parts")
    after = state(first.model)
    assert same(after, state(second.model))
    assert is_finite(first.model)
    assert not first.model.training
    assert {name: t.shape for name, t in after.items()} == {n: t.shape for n, t in before.items()}
    assert not same(after, before)
    assert list(first.history["step"]) == list(range(1, len(first.history) + 1))
    assert first.seconds == first.cost.seconds > 0


@every_method
def test_only_methods_that_need_parts_demand_them_and_say_how(method, rows):
    if method in WITHOUT_PARTS:
        assert is_finite(run(rows, method, parts=None).model)
        return
    with pytest.raises(ValueError, match=r"parts of Sequential are not known.*parts=Parts") as told:
        run(rows, method, parts=None)
    assert "Its layers are 0, 2, 5." in str(told.value)
    assert "\n" not in str(told.value)


@every_method
def test_parts_that_name_a_head_alone_do_or_are_refused_in_one_line(method, rows):
    needs_more = {"rfa", "eu_k", "cf_k", "neglora", "sparse_neglora"}
    if method not in needs_more:
        assert is_finite(run(rows, method, parts=Parts(head="5")).model)
        return
    stem = ("0", "2")  # nothing is left between stem and head
    with pytest.raises(ValueError, match=r"must name|cannot be pruned") as told:
        run(rows, method, parts=Parts(head="5", stem=stem))
    assert "\n" not in str(told.value)


def test_a_classifier_without_bias_cannot_be_biased():
    model = nn.Sequential(nn.Linear(8, 3, bias=False))
    with pytest.raises(ValueError, match="needs a classifier that has a bias"):
        unlearn(
            model,
            examples(4, [1], 0),
            examples(9, [0, 2], 1),
            method="trick_forget_bias",
            parts=Parts(head="0"),
        )


def test_adapters_go_to_the_named_layer_and_to_none_whose_name_ends_alike():
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    model = nn.Sequential(inner, nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    parts = Parts(head="4", adaptable=("2",))
    forget, retain = examples(8, [1], 1), examples(30, [0, 2], 2)
    found = unlearn(model, forget, retain, method="neglora", parts=parts, epochs=3).model
    before, after = state(model), state(found)
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"2.weight"}


def test_the_library_makes_the_weights_that_the_pipeline_makes(comparison):
    config = comparison.runs["neggrad"].config
    dataset = load_dataset(config.data)
    sets = split(dataset, config.forget)
    model = build_model(config.model, 1, dataset.n_classes, torch.Generator())
    model.load_state_dict(comparison.runs["base"].weights())
    data = {name: as_tensors(dataset, getattr(sets, name)) for name in ("forget", "retain")}
    made = unlearn(model, **data, method="neggrad", seed=config.seed, **config.settings)
    assert same(state(made.model), comparison.runs["neggrad"].weights())
    stored = comparison.runs["neggrad"].history()
    steps = stored[stored["loss/objective"].notna()]
    assert list(made.history["objective"]) == list(steps["loss/objective"])


def as_tensors(dataset, mask):
    """Return a set's images as the pipeline's networks eat them."""
    part = to_device(dataset, mask, torch.device("cpu"))
    return part.inputs.batch(part.rows), part.labels


def test_the_result_holds_the_history_and_the_notes_of_the_method(rows):
    made = run(rows, "rfa")
    assert isinstance(made, UnlearnResult)
    assert isinstance(made.history, pd.DataFrame)
    columns = ["step", "phase", "n_examples", "objective", "alignment_loss", "task_loss"]
    assert list(made.history.columns) == columns
    assert made.history["objective"].notna().all()
    assert made.cost.samples_seen == made.history["n_examples"].sum() == 2 * (24 + 60)
    early = run(rows, "neggrad", settings=quick("neggrad", until_loss=0.01, learning_rate=0.1))
    assert [note for note in early.notes if "ended at step" in note]


def test_a_torch_dataset_gives_what_its_tensors_give(rows):
    class Pairs(Dataset):
        def __init__(self, inputs, labels):
            self.inputs, self.labels = inputs, labels

        def __len__(self):
            return len(self.labels)

        def __getitem__(self, row):
            return self.inputs[row], int(self.labels[row])

    forget, retain = rows.data["forget"], rows.data["retain"]
    wanted = state(run(rows, "finetune").model)
    settings = quick("finetune")
    for kind in (Pairs, TensorDataset):
        noise = torch.get_rng_state()
        made = unlearn(rows.model, kind(*forget), kind(*retain), method="finetune", **settings)
        assert same(state(made.model), wanted)
        assert torch.equal(torch.get_rng_state(), noise)
    arrays = [tuple(side.numpy() for side in pair) for pair in (forget, retain)]
    made = unlearn(rows.model, *arrays, method="finetune", **settings)
    assert same(state(made.model), wanted)


def test_another_seed_gives_other_weights(rows):
    assert not same(state(run(rows, "finetune").model), state(run(rows, "finetune", seed=1).model))


def test_frozen_weights_are_frozen_again_afterwards(rows):
    model = copy.deepcopy(rows.model)
    model[0].requires_grad_(False)
    made = unlearn(model, rows.data["forget"], rows.data["retain"], method="neggrad", epochs=2)
    frozen = [name for name, weight in made.model.named_parameters() if not weight.requires_grad]
    assert frozen == ["0.weight", "0.bias"]
    assert not torch.equal(made.model[0].weight, model[0].weight)  # the method trains all


def test_half_precision_is_of_forward_passes_only(rows):
    made = run(rows, "finetune", precision="bf16")
    assert {weight.dtype for weight in made.model.parameters()} == {torch.float32}
    assert not same(state(made.model), state(run(rows, "finetune").model))


def test_every_setting_can_be_given_and_one_that_is_called_like_an_argument_in_a_mapping():
    arguments = set(signature(unlearn).parameters)
    settings = {f.name for m in METHODS.values() for f in fields(m.settings_class)}
    assert settings & arguments == {"retain"}


def test_settings_come_by_keyword_in_a_mapping_or_from_a_preset(rows):
    data = rows.data["forget"], rows.data["retain"]
    part = unlearn(rows.model, *data, method="finetune", settings={"retain": "part"}, epochs=1)
    assert part.cost.samples_seen == len(data[0][1])
    preset = unlearn(rows.model, *data, method="finetune", preset="digits")
    epochs = METHODS["finetune"].presets["digits"]["epochs"]
    assert preset.cost.samples_seen == epochs * len(data[1][1])


# Fresh weights ---------------------------------------------------------------------------------


class Scaled(nn.Module):
    """A network with a weight that nobody knows how to draw."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(8))
        self.body = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(torch.relu(self.body(x * self.scale)))


@pytest.mark.parametrize("method", ["retrain", "badt"])
def test_a_network_that_cannot_be_drawn_again_is_built_anew_with_fresh(method, rows):
    model, data = Scaled(), (rows.data["forget"], rows.data["retain"])
    arguments = {"method": method, "recipe": RECIPE}
    with pytest.raises(ValueError, match=r"fresh weights for scale of Scaled.*fresh=") as told:
        unlearn(model, *data, **arguments)
    assert "\n" not in str(told.value)
    made = [unlearn(model, *data, fresh=Scaled, **arguments).model for _ in range(2)]
    assert same(state(made[0]), state(made[1]))
    other = unlearn(model, *data, fresh=Scaled, seed=1, **arguments).model
    assert not same(state(other), state(made[0]))


def test_retraining_starts_where_fresh_says(rows):
    start = state(mlp())

    def fresh():
        model = mlp()
        model.load_state_dict(start)
        return model

    still = {"epochs": 1, "learning_rate": 1e-12, "momentum": 0.0, "weight_decay": 0.0}
    after = state(run(rows, "retrain", fresh=fresh, recipe=still).model)
    assert all(torch.allclose(after[name], start[name], atol=1e-6) for name in start)


def test_fresh_weights_of_the_last_layers_come_from_fresh(rows):
    def fresh():
        model = mlp()
        for weight in model.parameters():
            nn.init.constant_(weight, 0.25)
        return model

    settings = quick("eu_k", learning_rate=1e-12, epochs=1)
    after = run(rows, "eu_k", fresh=fresh, settings=settings).model
    assert torch.equal(after[0].weight, rows.model[0].weight)
    assert torch.allclose(after[2].weight, torch.full_like(after[2].weight, 0.25))


def test_fresh_must_build_the_same_network(rows):
    with pytest.raises(ValueError, match=r"`fresh` must build a network like `model`.*ConvNet"):
        run(rows, "retrain", fresh=ConvNet)


# What is refused -------------------------------------------------------------------------------

GOOD = (torch.zeros(4, 8), torch.tensor([0, 1, 2, 0]))


class Listed(torch.utils.data.Dataset):
    """A data set of these examples."""

    def __init__(self, *examples):
        self.examples = examples

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, i):
        return self.examples[i]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": 1}, r"finetune has no setting 'colour'; it has learning_rate, optimizer"),
        ({"epochs": 0}, r"epochs must be above 0"),
        ({"method": "magic"}, r"Unknown unlearning method 'magic'"),
        ({"preset": "mine"}, r"finetune has no preset 'mine'; it has digits"),
        ({"precision": "fp8"}, r"precision must be one of fp32, bf16"),
        ({"seed": -1}, r"seed must be a whole number from 0"),
        ({"recipe": {"epoch": 2}}, r"training has no setting 'epoch'"),
        ({"recipe": {"augment": "shift"}}, r"`recipe` must have no augmentation"),
        ({"parts": Parts(head="fc")}, r"Sequential has no module 'fc' to be a part"),
        ({"model": "resnet"}, r"`model` must be a torch network, got str"),
        ({"model": nn.Flatten(0)}, r"must answer with logits of shape"),
        ({"forget": GOOD[0]}, r"`forget` must be a pair \(inputs, labels\).*got Tensor"),
        ({"forget": (GOOD[0], GOOD[1][:2])}, r"`forget labels` must have shape \(4,\)"),
        ({"forget": (GOOD[0][:0], GOOD[1][:0])}, r"`forget` must hold an example, got none"),
        ({"retain": (GOOD[0], GOOD[1] + 5)}, r"`retain` must have labels from 0 to 2.*got 5 to 7"),
        (
            {"retain": (GOOD[0][:, :5], GOOD[1])},
            r"`retain` must have inputs of the kind of `forget`",
        ),
        (
            {"forget": (GOOD[0][:, :5], GOOD[1])},
            r"cannot take the inputs of `forget`, torch.float32",
        ),
        ({"method": ["rfa"]}, r"`method` must be the name of a method, got list"),
        ({"settings": [1]}, r"`settings` must be a mapping.*got list"),
        ({"parts": "fc"}, r"`parts` must be Parts\(...\), got str"),
        ({"recipe": "long"}, r"`recipe` must be a TrainingConfig or a mapping, got str"),
        ({"fresh": 3}, r"`fresh` must be a function that builds a network, got int"),
        (
            {"method": "retrain", "fresh": lambda: None},
            r"`fresh` must be a torch network, got None",
        ),
        ({"device": "gpu"}, r"`device` must be one that torch can use here.*got 'gpu'"),
        ({"device": "meta"}, r"`device` must be one that torch can use here"),
        ({"model": nn.Identity()}, r"`model` must have weights that can be trained, got none"),
        ({"model": nn.Linear(8, 3, device="meta")}, r"`model` must have weights with values"),
        ({"model": torch.jit.ScriptModule()}, r"`model` must be a plain torch network"),
        ({"forget": (["a"], [1])}, r"`forget inputs` must be a tensor or an array of numbers"),
        ({"forget": (GOOD[0], list("abca"))}, r"`forget labels` must be a tensor or an array"),
        ({"retain": (GOOD[0].to("meta"), GOOD[1])}, r"`retain inputs` must be a dense tensor"),
        ({"retain": (GOOD[0].to_sparse(), GOOD[1])}, r"`retain inputs` must be a dense tensor"),
        (
            {"forget": Listed((torch.zeros(8), 0), (torch.zeros(7), 0))},
            r"`forget` must give examples of one shape",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, words, rows):
    arguments = {"model": rows.model, "forget": GOOD, "retain": GOOD, "method": "finetune"}
    with pytest.raises(ValueError, match=words) as told:
        unlearn(**{**arguments, **changes})
    assert "\n" not in str(told.value)


# Evaluation ------------------------------------------------------------------------------------

COSTS = {name for name, spec in METRICS.items() if spec.group == "Cost"}
OF_MODELS = {"zrf", "feature_distance_original", "feature_distance_retrained"}


def stored_sets(comparison):
    """Return the tiny comparison's sets over its recorded examples, and each run's records."""
    config = comparison.config
    sets = split(load_dataset(config.data), config.forget)
    ids = comparison.runs["retrain"].records().example_ids
    return {
        name: getattr(sets, name)[ids]
        for name in ("forget", "retain", "forget_test", "retain_test")
    }


def outputs_of(run, masks):
    records = run.records()
    return {
        name: Outputs(
            logits=records.logits[mask],
            labels=records.labels[mask],
            features=records.features[mask],
        )
        for name, mask in masks.items()
    }


def network_of(run):
    dataset = load_dataset(run.config.data)
    model = build_model(run.config.model, 1, dataset.n_classes, torch.Generator())
    model.load_state_dict(run.weights())
    return model.eval()


def assert_equal(found, stored, missing):
    assert {name for name in stored if found.values[name] is None} >= missing
    compared = [name for name in stored if name not in missing]
    assert len(compared) > 25
    for name in compared:
        wanted = stored[name]
        if wanted is None:
            assert found.values[name] is None
        else:
            assert found.values[name] == pytest.approx(wanted, abs=1e-9), name


@pytest.mark.parametrize("name", ["neggrad", "trick_head_finetune", "retrain"])
def test_recorded_outputs_are_measured_as_the_pipeline_measures_them(name, comparison):
    masks = stored_sets(comparison)
    model, original, retrained = (
        outputs_of(comparison.runs[which], masks) for which in (name, "base", "retrain")
    )
    found = evaluate(model, original, retrained)
    assert_equal(found, comparison.runs[name].metrics()["values"], COSTS | OF_MODELS)
    assert found.reasons["speedup"] == "what making the models cost was not measured"
    assert found.reasons["zrf"] == "no randomly initialised model was recorded"


def test_networks_are_measured_as_the_pipeline_measures_them(comparison):
    dataset, config = load_dataset(comparison.config.data), comparison.config
    sets = split(dataset, config.forget)
    data = {name: as_tensors(dataset, getattr(sets, name)) for name in stored_sets(comparison)}
    networks = [network_of(comparison.runs[name]) for name in ("neggrad", "base", "retrain")]
    found = evaluate(*networks, **data, seed=config.seed)
    assert_equal(found, comparison.runs["neggrad"].metrics()["values"], COSTS)


def test_results_of_unlearn_are_measured_with_their_cost_and_their_parts(rows):
    made, retrained = run(rows, "rfa"), run(rows, "retrain")
    found = evaluate(made, rows.model, retrained, **rows.data)
    assert found.values["rel_cost"] == pytest.approx(made.seconds / retrained.seconds)
    assert found.values["unlearn_steps"] == len(made.history)
    for name in ("dimensional_alignment", "feature_distance_retrained", "zrf", "cluster_f1"):
        assert found.values[name] is not None
    assert found.reasons["backdoor_asr"] == "the request is not a backdoor"
    assert found.values.keys() == METRICS.keys()
    missing = {name for name, value in found.values.items() if value is None}
    assert missing == found.reasons.keys()


def test_without_parts_features_and_layers_are_missing_with_a_reason(rows):
    found = evaluate(rows.model, rows.model, rows.model, **rows.data)
    for name in ("dimensional_alignment", "effective_rank", "cluster_f1", "linear_probe_retain"):
        assert found.reasons[name] == "no features were recorded"
    assert found.reasons["feature_distance_original"] == "no layers of two models were compared"
    assert found.values["forget_accuracy"] is not None
    stated = evaluate(rows.model, rows.model, rows.model, **rows.data, parts=rows.parts)
    assert stated.values["feature_distance_original"] == 0
    assert stated.values["dimensional_alignment"] is not None


def test_without_a_retrained_model_comparisons_with_it_are_missing(rows):
    found = evaluate(run(rows, "finetune"), rows.model, None, **rows.data)
    for name in ("activation_distance_l2", "speedup"):
        assert found.reasons[name] == "there is no retrained model to compare with"
    assert "feature_distance_retrained" in found.reasons
    assert found.values["feature_distance_original"] > 0
    assert found.values["retain_accuracy"] > 0.5


def test_evaluation_leaves_networks_as_they_are(rows):
    model = copy.deepcopy(rows.model).train()
    before, noise = state(model), torch.get_rng_state()
    evaluate(model, rows.model, rows.model, **rows.data, parts=rows.parts, fresh=mlp)
    assert same(state(model), before)
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert not hasattr(model, "_stated_parts")
    assert torch.equal(torch.get_rng_state(), noise)


def test_a_network_that_cannot_be_drawn_has_no_zrf_without_fresh(rows):
    model = Scaled()
    missing = evaluate(model, model, model, **rows.data)
    assert missing.reasons["zrf"] == "no randomly initialised model was recorded"
    assert evaluate(model, model, model, **rows.data, fresh=Scaled).values["zrf"] is not None


@pytest.mark.parametrize("method", ["finetune", "rfa"])
def test_few_examples_are_gone_through_until_there_are_enough_steps(rows, method):
    few = run(rows, method, settings=quick(method, epochs=1))
    more = run(
        rows, method, settings=quick(method, epochs=1, steps_at_least=3 * few.cost.steps - 1)
    )
    assert more.cost.steps == 3 * few.cost.steps


def test_outputs_and_networks_can_be_mixed(rows):
    with torch.no_grad():
        elsewhere = {
            name: Outputs(logits=rows.model(inputs), labels=labels.tolist())
            for name, (inputs, labels) in rows.data.items()
        }
    found = evaluate(rows.model, rows.model, elsewhere, **rows.data)
    assert found.values["activation_distance_l2"] == pytest.approx(0, abs=1e-6)


def outputs(n=6, n_classes=3, shift=0):
    return Outputs(
        logits=np.zeros((n, n_classes)), labels=(np.arange(n) + shift) % 3, features=np.ones((n, 2))
    )


SOME = {"forget": outputs(), "retain": outputs()}


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (({"forget": outputs()}, SOME, SOME), "Outputs must be of forget, retain"),
        (({**SOME, "test": outputs()}, SOME, SOME), "no set but .*got forget, retain, test"),
        (
            (SOME, SOME, {**SOME, "retain_test": outputs()}),
            "`retrained` must have outputs of forget",
        ),
        (
            (SOME, {**SOME, "forget": outputs(shift=1)}, SOME),
            "`original` must be of the given `forg",
        ),
        ((SOME, {**SOME, "retain": outputs(n_classes=4)}, SOME), "`original` must tell 3 classes"),
        ((mlp(), SOME, SOME), "`forget` must be given where a model is a network"),
        ((3, SOME, SOME), "`model` must be a network.*got int"),
        ((SOME, None, SOME), "`original` must be a network.*got NoneType"),
        (
            ({**SOME, "forget": np.zeros((6, 3))}, SOME, SOME),
            r"`model\['forget'\]` must be Outputs\(...\), got ndarray",
        ),
    ],
)
def test_models_of_different_examples_are_refused_in_one_line(models, words):
    with pytest.raises(ValueError, match=words) as told:
        evaluate(*models)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logits": np.zeros(6)}, r"`logits` must have shape"),
        ({"labels": [0, 1]}, r"`labels` must have shape \(6,\)"),
        ({"labels": [0, 1, 2, 3, 0, 0]}, r"`labels` must be between 0 and 2"),
        ({"features": np.zeros((5, 2))}, r"`features` must have 6 rows, got 5"),
        ({"logits": [["a", "b"]]}, r"`logits` must hold real numbers"),
        ({"logits": [[1, 2], [3]]}, r"`logits` must have rows of one length"),
    ],
)
def test_outputs_have_one_row_an_example(changes, words):
    with pytest.raises(ValueError, match=words):
        Outputs(**{"logits": np.zeros((6, 3)), "labels": [0, 1, 2, 0, 1, 2], **changes})


def test_outputs_in_half_precision_are_taken():
    logits = torch.tensor([[0.5, -1.0]], requires_grad=True, dtype=torch.bfloat16)
    assert Outputs(logits=logits, labels=[1]).logits.tolist() == [[0.5, -1.0]]


def test_without_test_examples_metrics_of_them_are_missing_with_a_reason(rows):
    found = evaluate(rows.model, rows.model, None, forget=GOOD, retain=GOOD, parts=Parts(head="2"))
    for name in ("linear_probe_forget", "linear_probe_retain"):
        assert found.values[name] is None
        assert "is empty for this request" in found.reasons[name]


def test_a_model_that_took_no_steps_has_no_cost():
    result = UnlearnResult(model=mlp(), history=pd.DataFrame(), seconds=0.0, cost=NO_COST, notes=())
    data = {name: examples(12, [0, 1, 2], i) for i, name in enumerate(("forget", "retain"))}
    found = evaluate(result, mlp(), result, **data)
    assert found.reasons["speedup"] == "the original took no unlearning steps"


# The package -----------------------------------------------------------------------------------


def test_no_function_of_the_library_is_hidden_by_a_module():
    modules = {module.name for module in pkgutil.iter_modules(unlearn_core.__path__)}
    assert {"library", "metrics"} <= modules
    assert not modules & set(unlearn_core.__all__)
    assert set(unlearn_core.__all__) <= set(dir(unlearn_core))
    with pytest.raises(AttributeError, match="has no attribute 'unlearned'"):
        unlearn_core.unlearned  # noqa: B018


def test_the_library_loads_torch_late_and_never_jobs_or_pages():
    code = (
        "import sys, unlearn_core\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
        "from unlearn_core import evaluate, unlearn\n"
        "assert 'torch' in sys.modules\n"
        "found = {'dask', 'distributed', 'streamlit', 'plotly', 'umap'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
