"""What the methods are known to do, on real digits."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig, TrainingConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.data.splits import split
from unlearn_core.engine.probes import record
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.methods.losses import alignment_loss
from unlearn_core.metrics import METRICS
from unlearn_core.models import build_model
from unlearn_core.models.lora import adaptable_layers
from unlearn_core.training import train

CPU = torch.device("cpu")
RECIPE = TrainingConfig(epochs=10, batch_size=32, learning_rate=0.05)
ADAPTER_METHODS = [name for name in ("rfa", "neglora") if name in METHODS]
FEATURE_METRICS = (
    "dimensional_alignment",
    "effective_rank",
    "linear_probe_forget",
    "linear_probe_retain",
    "cluster_f1",
    "cluster_nmi",
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class World:
    """400 real digits, class 3 to forget, and a network trained on them."""

    def __init__(self, norm):
        self.dataset = load_dataset(DataConfig(train_examples=400))
        self.sets = split(self.dataset, ForgetConfig(kind="class", values=(3,)))
        self.everything = self.examples(self.dataset.is_train | self.dataset.is_test)
        config = ModelConfig(width=8, norm=norm)
        self.original = build_model(config, 1, 10, seeded())
        for _ in train(self.original, self.examples(self.dataset.is_train), RECIPE, seeded(1)):
            pass
        self.original.eval()

    def examples(self, mask):
        return to_device(self.dataset, mask, CPU, forget=self.sets.forget)

    def inputs(self):
        return UnlearnInputs(
            model=copy.deepcopy(self.original),
            forget=self.examples(self.sets.forget),
            retain=self.examples(self.sets.retain),
            generator=seeded(2),
            recipe=RECIPE,
        )

    def unlearn(self, name, **settings):
        inputs = self.inputs()
        preset = resolve_settings(name, settings, preset="digits")
        steps = list(METHODS[name].run(inputs, preset))
        return inputs, steps

    def record(self, model):
        return record(model, self.everything, self.dataset)

    def accuracy(self, model, name):
        records = self.record(model)
        mask = getattr(self.sets, name)[records.example_ids]
        return (records.predictions == records.labels)[mask].mean()

    def evidence(self, records):
        from unlearn_core.metrics import Cost, Evidence
        from unlearn_core.records import Sets

        ids = records.example_ids
        cost = Cost(
            seconds=1.0, steps=1, samples_seen=1, trainable_parameters=1, peak_memory_bytes=None
        )
        masks = {k: getattr(self.sets, k)[ids] for k in Sets.__dataclass_fields__}
        return Evidence(
            records=records,
            original=records,
            retrained=None,
            sets=Sets(**masks),
            cost=cost,
            retrained_cost=cost,
        )


@pytest.fixture(scope="module")
def world():
    return World("group")


@pytest.fixture(scope="module")
def batch_world():
    return World("batch")


def test_the_original_has_learned_the_digits(world):
    assert world.accuracy(world.original, "forget") > 0.9
    assert world.accuracy(world.original, "retain_test") > 0.8


def test_a_retrained_model_never_answers_with_the_forgotten_class(world):
    inputs, _ = world.unlearn("retrain")
    assert world.accuracy(inputs.model, "forget") == 0
    assert world.accuracy(inputs.model, "forget_test") == 0
    assert world.accuracy(inputs.model, "retain_test") > 0.8


def test_gradient_ascent_raises_the_forget_loss(world):
    _, steps = world.unlearn("neggrad", learning_rate=1e-3, epochs=4)
    losses = [step.losses["forget_loss"] for step in steps]
    assert losses[-1] > losses[0] + 0.5
    assert [step.losses["objective"] for step in steps] == pytest.approx([-x for x in losses])


def test_finetuning_lowers_the_retain_loss(world):
    _, steps = world.unlearn("finetune")
    losses = [step.losses["objective"] for step in steps]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_muda_alternates_whole_passes_and_forgets_first(world):
    # as many retained examples as the paper takes, not the preset's
    inputs, steps = world.unlearn("muda", iterations=7, batch_size=20, retain_at_least=0)
    assert len(inputs.forget) == 40
    assert [s.phase for s in steps] == ["forget"] * 2 + ["recover"] * 2 + ["forget"] * 2 + [
        "recover"
    ]


def test_an_alternation_of_muda_is_a_forget_and_a_recover_phase(world):
    settings = {"iterations": 2, "unit": "alternation", "batch_size": 20, "retain_at_least": 0}
    _, steps = world.unlearn("muda", **settings)
    assert [s.phase for s in steps] == 2 * (["forget"] * 2 + ["recover"] * 2)
    assert {s.total for s in steps} == {8}


def test_muda_can_take_the_subspace_from_a_batch_in_every_step(world):
    bases = []

    def watched(features, basis):
        bases.append(basis)
        return alignment_loss(features, basis)

    different = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlearn_core.methods.muda.alignment_loss", watched)
        for subspace in ("phase", "batch"):
            bases.clear()
            world.unlearn("muda", iterations=6, batch_size=20, retain_at_least=0, subspace=subspace)
            different[subspace] = len({id(basis) for basis in bases})
    assert different == {"phase": 2, "batch": 4}  # forget phases, and steps in them


def test_muda_lowers_the_accuracy_on_the_forgotten_class_and_keeps_the_others(world):
    inputs, _ = world.unlearn("muda")
    assert world.accuracy(inputs.model, "forget") < 0.2
    assert world.accuracy(inputs.model, "retain_test") > 0.7


def test_rfa_forgets_the_class_and_keeps_the_others(world):
    inputs, steps = world.unlearn("rfa", epochs=12)
    assert steps[-1].losses["objective"] < steps[0].losses["objective"]
    assert world.accuracy(inputs.model, "forget") < 0.5
    assert world.accuracy(inputs.model, "retain_test") > 0.7


@pytest.mark.parametrize("name", ["random_label", "salun", "ssd", "delete"])
def test_these_forget_the_class_and_keep_the_others(world, name):
    inputs, _ = world.unlearn(name)
    assert world.accuracy(inputs.model, "forget") < 0.3
    assert world.accuracy(inputs.model, "retain") > 0.85  # SSD: 0.88 to 0.95, by processor


def test_ssd_fails_on_random_examples_with_the_published_threshold(world):
    chosen = ForgetConfig(kind="random", values=(20,))
    sets = split(world.dataset, chosen)
    before, after = copy.deepcopy(world.original), copy.deepcopy(world.original)
    inputs = replace(
        world.inputs(),
        model=after,
        forget=to_device(world.dataset, sets.forget, CPU),
        retain=to_device(world.dataset, sets.retain, CPU),
    )
    list(METHODS["ssd"].run(inputs, resolve_settings("ssd")))  # alpha 10
    [batch] = inputs.forget.ordered()
    with torch.no_grad():
        answers = [model(batch.inputs).argmax(dim=1) for model in (before, after)]
    assert (answers[0] == answers[1]).float().mean() >= 0.9  # as if it had hardly been asked


@pytest.mark.parametrize("name", ADAPTER_METHODS)
def test_an_adapter_method_leaves_frozen_weights_and_statistics_alone(batch_world, name):
    inputs = batch_world.inputs()
    before = {n: t.clone() for n, t in inputs.model.state_dict().items()}
    adapted = set(adaptable_layers(inputs.model))
    for _ in METHODS[name].run(inputs, resolve_settings(name, preset="digits")):
        while_training = inputs.model.state_dict()
        for key, tensor in while_training.items():
            if "lora_" not in key:
                assert torch.equal(tensor, before[key.replace(".base_layer", "")]), key
    after = inputs.model.state_dict()
    changed = {n.removesuffix(".weight") for n in before if not torch.equal(before[n], after[n])}
    assert changed
    assert changed <= adapted
    assert any("running_mean" in n for n in before)
    assert all("lora_" in n for n in inputs.extras)


@pytest.mark.parametrize("name", ADAPTER_METHODS)
def test_the_stored_adapter_is_what_was_merged(batch_world, name):
    inputs, _ = batch_world.unlearn(name)
    before, after = batch_world.original.state_dict(), inputs.model.state_dict()
    for key in (k for k in inputs.extras if "lora_A" in k):
        layer = key.split(".lora_A")[0]
        a, b = inputs.extras[key], inputs.extras[key.replace("lora_A", "lora_B")]
        change = torch.einsum("or,ri->oi", b.flatten(1), a.flatten(1))
        got = after[f"{layer}.weight"] - before[f"{layer}.weight"]
        scale = (got.flatten() @ change.flatten()) / (change.flatten() @ change.flatten())
        assert scale == pytest.approx(round(float(scale)), abs=1e-3)
        assert torch.allclose(got, scale * change.view(got.shape), atol=1e-5)


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_classifier_only_finetuning_leaves_feature_metrics_unchanged(norm, request):
    world = request.getfixturevalue("world" if norm == "group" else "batch_world")
    inputs, _ = world.unlearn("trick_head_finetune")
    before, after = world.record(world.original), world.record(inputs.model)
    assert np.array_equal(before.features, after.features)
    assert not np.array_equal(before.logits, after.logits)
    for name in FEATURE_METRICS:
        values = [METRICS[name].compute(world.evidence(r)) for r in (before, after)]
        assert values[0] == values[1], name
    assert world.accuracy(world.original, "forget") > 0.9
    assert world.accuracy(inputs.model, "forget") < 0.2  # yet accuracy says it is forgotten


def test_evaluation_mode_methods_keep_batch_statistics(batch_world):
    for name in ("neggrad", "muda", "trick_head_finetune"):
        inputs, _ = batch_world.unlearn(name)
        for key, tensor in batch_world.original.state_dict().items():
            if "running" in key or "num_batches" in key:
                assert torch.equal(inputs.model.state_dict()[key], tensor), (name, key)


def test_recording_leaves_a_model_in_the_mode_it_was_in(world):
    model = copy.deepcopy(world.original).train()
    before = {n: t.clone() for n, t in model.state_dict().items()}
    records = world.record(model)
    assert model.training
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())
    head = records.features @ before["fc.weight"].numpy().T + before["fc.bias"].numpy()
    assert head == pytest.approx(records.logits, abs=1e-4)


def test_the_same_seed_trains_the_same_network_bit_for_bit(world):
    states = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        model = build_model(ModelConfig(width=4), 1, 10, seeded())
        recipe = replace(RECIPE, epochs=1, augment="shift")
        source = to_device(world.dataset, world.dataset.is_train, CPU, augment="shift")
        for _ in train(model, source, recipe, seeded(1)):
            pass
        states.append(model.state_dict())
    assert all(torch.equal(states[0][n], states[1][n]) for n in states[0])
