"""Options of RFA: whose average, which layers, how far a gradient reaches, what a batch holds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.core.test_rfa import BATCH, FORGET, IMAGES, LABELS, LAYERS, adapted
from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import Batch, to_device
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings, rfa
from unlearn_core.methods.averages import RetainedAverages, class_frequencies, retained_averages
from unlearn_core.methods.losses import residual_alignment_loss
from unlearn_core.models import build_model
from unlearn_core.models.lora import (
    ADAPTER,
    Residual,
    adaptable_layers,
    by_position,
    captured_branches,
)

CPU = torch.device("cpu")
ONLY_FORGET = Batch(
    inputs=IMAGES[2:], labels=LABELS[2:], example_ids=torch.tensor([2]), is_forget=FORGET[2:]
)
ONLY_RETAIN = Batch(
    inputs=IMAGES[:2], labels=LABELS[:2], example_ids=torch.arange(2), is_forget=FORGET[:2]
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def losses_of(made, batch, averages=None, *, layer_local=False, **changes):
    """Return the losses of a batch through the adapters' own hooks."""
    settings = resolve_settings("rfa", {"norm": "sq", "layer_local": layer_local, **changes})
    inputs = UnlearnInputs(model=made.model, forget=None, retain=None, generator=None)
    teacher = rfa.teacher_outputs(made, batch.inputs) if settings.mode == "teacher" else None
    with captured_branches(made, layer_local=layer_local) as branches:
        logits = made.model(batch.inputs)
    averages = averages or RetainedAverages()
    return rfa._losses(inputs, settings, branches, averages, batch, logits, teacher)


def gradients(made, loss):
    """Return the gradient of each adapter weight, by layer and part."""
    weights = {
        (name, part): getattr(made.layers[name], f"lora_{part}")[ADAPTER].weight
        for name in made.layers
        for part in "AB"
    }
    found = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
    return dict(zip(weights, found, strict=True))


# Averages -------------------------------------------------------------------------------------


def batch_of(labels, is_forget):
    n = len(labels)
    return Batch(
        inputs=torch.zeros(n, 1),
        labels=torch.tensor(labels),
        example_ids=torch.arange(n),
        is_forget=torch.tensor(is_forget),
    )


def test_without_a_memory_a_batch_has_its_own_averages():
    averages = RetainedAverages()
    averages.update([torch.ones(2, 3)], batch_of([0, 1], [False, True]), 2)
    assert averages.features is None
    assert averages.label is None


def test_the_memory_is_an_exponential_average_of_retained_batches():
    averages = RetainedAverages(memory=0.75)
    first = torch.tensor([[4.0, 0.0], [0.0, 0.0], [90.0, 90.0]])
    averages.update([first], batch_of([0, 0, 1], [False, False, True]), 2)
    assert averages.features[0].tolist() == [2, 0]
    assert averages.label.tolist() == [1, 0]
    averages.update([torch.tensor([[0.0, 8.0]])], batch_of([1], [False]), 2)
    assert averages.features[0].tolist() == [1.5, 2]
    assert averages.label.tolist() == [0.75, 0.25]
    averages.update([torch.tensor([[7.0, 7.0]])], batch_of([1], [True]), 2)
    assert averages.features[0].tolist() == [1.5, 2]  # nothing retained, nothing learned
    assert averages.label.tolist() == [0.75, 0.25]


def test_the_average_feature_keeps_positions_apart():
    layer = torch.arange(24.0).reshape(4, 2, 3)
    averages = RetainedAverages(memory=0.5)
    averages.update([layer], batch_of([0] * 4, [False, True, False, True]), 2)
    assert averages.features[0].numpy() == pytest.approx(layer[[0, 2]].mean(dim=0).numpy())


def test_a_batch_without_retained_examples_is_skipped_without_a_memory():
    losses = losses_of(adapted(), ONLY_FORGET)
    assert losses["alignment_loss"] == 0
    assert losses["task_loss"] == 0
    assert not losses["objective"].requires_grad


def test_a_batch_without_retained_examples_uses_the_memory_of_earlier_ones():
    made, averages = adapted(), RetainedAverages(memory=0.9)
    losses_of(made, ONLY_RETAIN, averages)
    losses = losses_of(made, ONLY_FORGET, averages)
    # G-R: the retained averages do not change, so these are the golden forget terms
    assert losses["alignment_loss"].item() == pytest.approx(12.25 + 16.5625, abs=1e-5)
    assert losses["task_loss"].item() == pytest.approx(3.126929, abs=1e-6)


def test_a_first_batch_without_retained_examples_has_no_memory_to_use():
    losses = losses_of(adapted(), ONLY_FORGET, RetainedAverages(memory=0.9))
    assert losses["alignment_loss"] == 0
    assert losses["task_loss"] == 0


def test_with_a_memory_every_batch_moves_to_the_remembered_average():
    made, averages = adapted(zero=LAYERS), RetainedAverages(memory=0.5)
    other = replace(ONLY_RETAIN, inputs=torch.tensor([[6.0, 0.0], [2.0, 0.0]]))
    losses_of(made, other, averages)
    losses = losses_of(made, BATCH, averages)
    # averages (4, 0) and (1, 1) make (2.5, 0.5); from (3, 1) that is 0.5 squared, twice, a layer
    assert averages.features[0].tolist() == [2.5, 0.5]
    assert losses["alignment_loss"].item() == pytest.approx(2 * 0.5, abs=1e-6)


def test_remembered_averages_are_constants():
    made, averages = adapted(), RetainedAverages(memory=0.5)
    losses_of(made, BATCH, averages)
    assert not any(t.requires_grad for t in (*averages.features, averages.label))


def test_the_teachers_features_are_remembered_in_teacher_mode():
    averages = RetainedAverages(memory=0.5)
    losses = losses_of(adapted(), BATCH, averages, mode="teacher")
    assert averages.features[1].tolist() == [1, 1]  # (1.5, 1) would be the own branch
    assert losses["alignment_loss"].item() == pytest.approx(34.6875, abs=1e-4)


def test_given_averages_replace_those_of_the_batch():
    frozen, residual = torch.tensor([[2.0, 0.0], [5.0, 1.0]]), torch.zeros(2, 2)
    is_forget = torch.tensor([False, True])
    loss = residual_alignment_loss([residual], [frozen], is_forget, norm="sq")
    assert loss.item() == 10  # from (5, 1) to (2, 0)
    given = [torch.tensor([5.0, 3.0])]
    loss = residual_alignment_loss([residual], [frozen], is_forget, norm="sq", averages=given)
    assert loss.item() == 4  # from (5, 1) to (5, 3)


@pytest.fixture
def parts(small_dataset):
    def make(forget):
        train = small_dataset.is_train
        return tuple(
            to_device(small_dataset, mask & train, CPU, forget=forget) for mask in (forget, ~forget)
        )

    return make


def test_the_global_label_is_the_class_frequencies_of_all_retained_examples(parts, small_dataset):
    _, retain = parts(small_dataset.labels == 3)
    assert class_frequencies(retain).numpy() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    _, retain = parts((small_dataset.labels == 3) | (np.arange(48) == 0))
    assert class_frequencies(retain).numpy() == pytest.approx(np.array([7, 8, 8, 0]) / 23)


def test_the_global_label_stays_whatever_the_batches_hold(parts, small_dataset):
    _, retain = parts(small_dataset.labels == 3)
    averages = retained_averages(retain, average_label="global", memory=0.5)
    before = averages.label.clone()
    averages.update([torch.ones(1, 2)], batch_of([0], [False]), 4)
    assert torch.equal(averages.label, before)
    assert averages.features is not None


def test_forgotten_examples_are_taught_the_given_label():
    logits = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    label = torch.tensor([0.8, 0.2])
    loss = rfa.task_loss(logits, BATCH, retain_weight=0.0, forget_weight=1.0, average=label)
    expected = -(label * logits[2].log_softmax(dim=0)).sum()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    batch = rfa.task_loss(logits, BATCH, retain_weight=0.0, forget_weight=1.0)
    assert batch.item() == pytest.approx(
        F.cross_entropy(logits[2:], torch.full((1, 2), 0.5)).item()
    )


# Gradients ------------------------------------------------------------------------------------


def test_layer_local_changes_no_value():
    made = adapted()
    plain, local = (losses_of(made, BATCH, layer_local=choice) for choice in (False, True))
    assert {k: v.item() for k, v in plain.items()} == {k: v.item() for k, v in local.items()}
    assert local["alignment_loss"].item() == pytest.approx(30.9375, abs=1e-5)


def test_layer_local_alignment_does_not_reach_earlier_layers():
    made = adapted()
    end_to_end, local = (
        gradients(made, losses_of(made, BATCH, layer_local=choice)["alignment_loss"])
        for choice in (False, True)
    )
    # by hand: 2 (1, 0) 2 / 2 of the retained (2, 0), and 2 (3.5, 0) 3 of the forgotten (3, 1)
    assert local["first", "B"].flatten().tolist() == pytest.approx([23, 0], abs=1e-5)
    assert not torch.allclose(end_to_end["first", "B"], local["first", "B"], atol=0.1)
    for part in "AB":  # behind the last adapted layer both are one
        assert torch.allclose(end_to_end["second", part], local["second", part], atol=1e-5)


def test_layer_local_leaves_the_task_loss_end_to_end():
    made = adapted()
    plain, local = (
        gradients(made, losses_of(made, BATCH, layer_local=choice)["task_loss"])
        for choice in (False, True)
    )
    assert all(torch.equal(plain[k], local[k]) for k in plain)
    assert local["first", "B"].abs().max() > 0.01


def test_layer_local_is_for_direct_mode():
    with pytest.raises(ValueError, match="layer_local needs mode 'direct', got 'teacher'"):
        resolve_settings("rfa", {"mode": "teacher", "layer_local": True})


def test_the_alignment_loss_has_the_gradient_of_finite_differences():
    def loss(residual, norm):
        return residual_alignment_loss(
            [residual], [frozen], torch.tensor([True, False, False, True]), norm=norm
        )

    frozen = torch.randn(4, 2, 3, 3, dtype=torch.float64, generator=seeded(1))
    residual = torch.randn(4, 2, 3, 3, dtype=torch.float64, generator=seeded(2))
    residual.requires_grad_()
    for norm in ("mse", "l2", "sq"):
        assert torch.autograd.gradcheck(lambda r, norm=norm: loss(r, norm), residual)


# Layers ---------------------------------------------------------------------------------------


def test_a_resnet_18_is_adapted_at_both_convolutions_of_every_block():
    model = build_model(ModelConfig(width=2), 3, 10, seeded())
    expected = [
        f"layer{stage}.{block}.conv{i}"
        for stage in (1, 2, 3, 4)
        for block in (0, 1)
        for i in (1, 2)
    ]
    assert adaptable_layers(model) == expected


def test_a_vit_is_adapted_at_projections_and_feed_forward_of_its_last_half():
    model = build_model(ModelConfig(name="vit_s"), 3, 10, seeded())
    expected = [
        f"blocks.{block}.{part}"
        for block in range(6, 12)
        for part in ("attn.proj", "mlp.fc1", "mlp.fc2")
    ]
    assert adaptable_layers(model) == expected
    assert all(isinstance(model.get_submodule(name), nn.Linear) for name in expected)
    assert adaptable_layers(model, under=("blocks.11",)) == expected[-3:]


def run(parts, **changes):
    """Run a few steps on a small network, and return it, its start and the progress."""
    model = build_model(ModelConfig(width=2), 1, 4, seeded())
    forget, retain = parts
    before = {n: t.clone() for n, t in model.state_dict().items()}
    inputs = UnlearnInputs(model=model, forget=forget, retain=retain, generator=seeded(1))
    settings = {"learning_rate": 0.01, "batch_size": 8, "rank": 2, **changes}
    progress = list(METHODS["rfa"].run(inputs, resolve_settings("rfa", settings)))
    changed = {n for n, t in model.state_dict().items() if not torch.equal(t, before[n])}
    return changed, progress


def test_only_the_chosen_layers_change(parts, small_dataset):
    changed, _ = run(parts(small_dataset.labels == 1), layers=("layer2.1", "layer4.0.conv1"))
    assert changed == {
        f"{n}.weight" for n in ("layer2.1.conv1", "layer2.1.conv2", "layer4.0.conv1")
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"average_label": "global"},
        {"average_memory": 0.9},
        {"layer_local": True},
        {"forget_per_batch": 3},
        {"mode": "teacher", "average_memory": 0.5, "average_label": "global"},
    ],
    ids=str,
)
def test_every_option_changes_the_run_and_keeps_it_finite(parts, small_dataset, changes):
    forget = np.isin(np.arange(48), [1, 5])
    _, plain = run(parts(forget), epochs=2)
    changed, progress = run(parts(forget), epochs=2, **changes)
    assert changed
    assert [p.losses["objective"] for p in progress] != [p.losses["objective"] for p in plain]
    assert np.isfinite([p.losses["objective"] for p in progress]).all()
    assert {p.total for p in progress} == {len(progress)}


def test_with_a_fixed_number_in_every_batch_every_step_has_a_forget_term(parts, small_dataset):
    forget = np.isin(np.arange(48), [1])
    shuffled = run(parts(forget), learning_rate=1e-9)[1]
    filled = run(parts(forget), learning_rate=1e-9, forget_per_batch=1)[1]
    # B is 0, so a loss between layers above 0 can only come from the example to forget
    assert sum(p.losses["alignment_loss"] > 1e-6 for p in shuffled) == 1
    assert all(p.losses["alignment_loss"] > 1e-6 for p in filled)


def test_the_log_says_when_many_batches_have_no_example_to_forget(parts):
    lines = []
    forget, retain = parts(np.isin(np.arange(48), [1]))
    for n in (0, 1):
        model = build_model(ModelConfig(width=2), 1, 4, seeded())
        inputs = UnlearnInputs(
            model=model, forget=forget, retain=retain, generator=seeded(), log=lines.append
        )
        settings = resolve_settings("rfa", {"batch_size": 8, "forget_per_batch": n})
        next(METHODS["rfa"].run(inputs, settings))
    assert lines == ["75% of the batches have no example to forget, on average."]


# Speed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["mse", "l2", "sq"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_residual_by_its_factors_has_the_loss_and_gradient_of_the_whole(norm, layout):
    def draw(*shape, seed):
        return torch.randn(shape, dtype=torch.float64, generator=seeded(seed))

    frozen = draw(4, 5, 3, 3, seed=1).to(memory_format=layout)
    down = draw(4, 2, 3, 3, seed=2).to(memory_format=layout).requires_grad_()
    up = draw(5, 2, seed=3).requires_grad_()
    is_forget = torch.tensor([True, False, False, True])
    value = torch.einsum("brhw,cr->bchw", down, up)
    residual = Residual(value=value, down=by_position(down), up=up)
    found, expected = (
        residual_alignment_loss([each], [frozen], is_forget, norm=norm, alpha=0.5, beta=2.0)
        for each in (residual, value)
    )
    assert found.item() == pytest.approx(expected.item(), rel=1e-10)
    for a, b in zip(*(torch.autograd.grad(x, (down, up)) for x in (found, expected)), strict=True):
        assert torch.allclose(a, b, atol=1e-10)
    assert by_position(down).data_ptr() == down.data_ptr()


@pytest.mark.parametrize("mode", ["direct", "teacher"])
def test_half_precision_takes_nearly_the_same_steps(parts, small_dataset, mode):
    forget, retain = parts(small_dataset.labels == 1)
    ran = {}
    for precision in ("fp32", "bf16"):
        model = build_model(ModelConfig(width=4, norm="batch"), 1, 4, seeded()).to(
            memory_format=torch.channels_last
        )
        inputs = UnlearnInputs(
            model=model.eval(),
            forget=forget,
            retain=retain,
            generator=seeded(1),
            precision=precision,
        )
        settings = resolve_settings("rfa", {"mode": mode, "batch_size": 8, "rank": 2})
        ran[precision] = [p.losses["objective"] for p in METHODS["rfa"].run(inputs, settings)]
    assert ran["bf16"] == pytest.approx(ran["fp32"], rel=0.05)
    assert ran["bf16"] != ran["fp32"]
