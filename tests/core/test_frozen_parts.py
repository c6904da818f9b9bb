"""What a method must leave alone stays the same: frozen weights, statistics, absent sets.

Frozen is what requires no gradient while the method runs, so a new method joins by itself.
"""

import copy
from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

from tests.networks import small_resnet, small_transformer
from unlearn_core.config import ModelConfig, TrainingConfig
from unlearn_core.data.batches import to_device
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.models import initialise
from unlearn_core.training import Progress

CPU = torch.device("cpu")
QUICK = {"epochs": 2, "iterations": 6, "batch_size": 8, "recover_epochs": 1}
every_method = pytest.mark.parametrize("name", METHODS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def resnet(norm):
    """A ResNet of one block a stage whose statistics, where it has some, are not the default."""
    model = small_resnet(ModelConfig(width=2, norm=norm))
    initialise(model, seeded())
    for name, buffer in model.named_buffers():
        if buffer.is_floating_point():
            # means below those of the activations: more of them stay above zero
            buffer.sub_(0.1 * torch.rand(buffer.shape, generator=seeded(len(name))))
    return model


def transformer():
    model = small_transformer()
    initialise(model, seeded())
    return model


NETS = {"group": lambda: resnet("group"), "batch": lambda: resnet("batch"), "vit": transformer}


@pytest.fixture
def make_inputs(small_dataset):
    def make(model):
        forget, train = small_dataset.labels == 1, small_dataset.is_train
        return UnlearnInputs(
            model=model,
            forget=to_device(small_dataset, forget & train, CPU, forget=forget),
            retain=to_device(small_dataset, ~forget & train, CPU, forget=forget),
            generator=seeded(1),
            recipe=TrainingConfig(epochs=2, batch_size=16, learning_rate=0.01),
        )

    return make


def start(name, inputs, **changes):
    known = {f.name for f in fields(METHODS[name].settings_class)}
    moving = {"alpha": 1.0} if name == "ssd" else {}  # by default it changes no weight here
    quick = {k: v for k, v in {**QUICK, **moving, **changes}.items() if k in known}
    return METHODS[name].run(inputs, resolve_settings(name, quick))


def plain_name(name):
    return name.replace(".base_layer", "")


def weights(model):
    """Copies of the network's own parameters, without adapters, by their plain names."""
    named = model.named_parameters()
    return {plain_name(n): p.detach().clone() for n, p in named if "lora_" not in n}


def frozen_names(model):
    return {plain_name(n) for n, p in model.named_parameters() if not p.requires_grad}


def watch(model, steps):
    """Follow a run; every weight that is frozen at a step must be as it was the step before.

    Returns the names that were frozen at every step, and those of layers with an adapter.
    """
    before, always, adapted = weights(model), None, set()
    for _ in steps:
        frozen, now = frozen_names(model), weights(model)
        moved = {name for name in frozen & set(before) if not torch.equal(now[name], before[name])}
        assert not moved, f"frozen, and moved: {sorted(moved)}"
        adapted |= {n.split(".lora_")[0] + ".weight" for n in model.state_dict() if ".lora_A" in n}
        always = frozen if always is None else always & frozen
        before = now
    return always, adapted


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch, of Fisher's vmap
@pytest.mark.parametrize("net", NETS)
@every_method
def test_what_a_method_freezes_stays_the_same_to_the_bit(name, net, make_inputs):
    inputs = make_inputs(NETS[net]())
    original = weights(inputs.model)
    always, adapted = watch(inputs.model, start(name, inputs))
    after = weights(inputs.model)
    moved = {n for n in original if not torch.equal(original[n], after[n])}
    assert moved
    assert not moved & (always - adapted)
    assert after.keys() == original.keys()
    assert bool(always) == (METHODS[name].trains != "all")
    assert adapted or always < set(original)


def test_sparse_neglora_freezes_the_network_for_the_ascent_only(make_inputs):
    inputs = make_inputs(NETS["batch"]())
    seen = {}
    for progress in start("sparse_neglora", inputs):
        state = inputs.model.state_dict()
        own = {plain_name(n): t.clone() for n, t in state.items() if "lora_" not in n}
        if seen.get("phase") == progress.phase == "ascend":
            assert all(torch.equal(own[n], seen["own"][n]) for n in own)
            assert frozen_names(inputs.model) >= {"conv1.weight", "fc.weight", "bn1.weight"}
        if progress.phase == "recover":
            assert not frozen_names(inputs.model)
        seen = {"phase": progress.phase, "own": own}
    assert seen["phase"] == "ascend"


def test_the_watch_sees_a_frozen_weight_that_moves():
    model = NETS["group"]()
    model.requires_grad_(False)
    model.fc.requires_grad_(True)

    def cheat():
        yield Progress(step=1, total=2)
        with torch.no_grad():
            model.conv1.weight[0, 0, 0, 0] += 1e-6
        yield Progress(step=2, total=2)

    with pytest.raises(AssertionError, match=r"frozen, and moved: \['conv1.weight'\]"):
        watch(model, cheat())


@every_method
def test_a_method_in_evaluation_mode_keeps_the_statistics_of_batch_normalisation(name, make_inputs):
    inputs = make_inputs(NETS["batch"]())
    before = {n: t.clone() for n, t in inputs.model.named_buffers()}
    norms = [m for m in inputs.model.modules() if isinstance(m, nn.BatchNorm2d)]
    trains = [any(norm.training for norm in norms) for _ in start(name, inputs)]
    after = dict(inputs.model.named_buffers())
    moved = {n for n in before if not torch.equal(before[n], after[n])}
    mode = METHODS[name].norm_mode
    assert any(trains) or mode != "train"
    if mode == "train":
        assert moved == set(before)
    elif mode == "fresh":  # layers that start again have fresh statistics, the others keep theirs
        assert {n.split(".")[0] for n in moved} == {"layer4"}
        assert all((after[n] == (1.0 if "var" in n else 0.0)).all() for n in moved)
    else:
        assert not moved


def test_rfa_takes_batches_without_one_of_the_sets(make_inputs):
    inputs = make_inputs(NETS["group"]())
    inputs.model.eval()
    steps = list(start("rfa", inputs, batch_size=1, epochs=1, learning_rate=1e-12))
    objectives = np.array([step.losses["objective"] for step in steps])
    assert len(steps) == len(inputs.forget) + len(inputs.retain)
    assert (objectives == 0).sum() == len(inputs.forget)  # nothing retained, nothing to learn from
    alone = [step.losses for step in steps if step.losses["objective"] > 0]
    assert max(losses["alignment_loss"] for losses in alone) < 1e-9
    with torch.no_grad():
        batch = next(inputs.retain.ordered())
        expected = nn.functional.cross_entropy(inputs.model(batch.inputs), batch.labels)
    found = np.mean([losses["task_loss"] for losses in alone])
    assert found == pytest.approx(expected.item(), rel=1e-4)


def test_badt_takes_batches_without_one_of_the_sets(make_inputs):
    inputs = make_inputs(NETS["group"]())
    original, random = copy.deepcopy(inputs.model), copy.deepcopy(inputs.model)
    initialise(random, seeded(1))
    changes = {"batch_size": 1, "epochs": 1, "learning_rate": 1e-12, "retain_fraction": 1.0}
    objectives = np.array([s.losses["objective"] for s in start("badt", inputs, **changes)])
    assert np.isfinite(objectives).all()
    is_forget = objectives > 1e-5
    assert is_forget.sum() == len(inputs.forget)
    assert (~is_forget).sum() == len(inputs.retain)
    with torch.no_grad():
        images = next(inputs.forget.ordered()).inputs
        wanted, had = random(images).softmax(dim=1), original(images).softmax(dim=1)
    expected = (wanted * (wanted / had).log()).sum(dim=1)
    assert np.sort(objectives[is_forget]) == pytest.approx(expected.sort().values.numpy(), rel=1e-2)
