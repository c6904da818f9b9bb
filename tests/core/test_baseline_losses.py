"""SCRUB, BadT, NegGrad+ and NegGrad+FT: docs/golden.md, NumPy, and what a run does."""

import copy
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.methods.losses import bad_teacher_loss, scrub_divergence
from unlearn_core.methods.neggrad_plus import joint_objective
from unlearn_core.methods.scrub import rate_in, schedule
from unlearn_core.methods.trick_calibration import focal_loss
from unlearn_core.models import initialise
from unlearn_core.records import softmax

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


def double(values, *, grad=False):
    return torch.tensor(np.asarray(values), dtype=torch.float64, requires_grad=grad)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def examples(n, *, side=4, n_classes=3, is_forget=False, seed=0):
    random = np.random.default_rng(seed)
    return Examples.of(
        ImageInputs(
            images=torch.from_numpy(random.integers(0, 256, (n, 1, side, side)).astype(np.uint8)),
            mean=torch.zeros(1, 1, 1),
            std=torch.ones(1, 1, 1),
        ),
        torch.from_numpy(random.integers(0, n_classes, n)),
        n_classes,
        is_forget=torch.full((n,), is_forget),
    )


def both_parts(n_forget, n_retain):
    """`n_forget` examples to forget and `n_retain` others, of one store."""
    forget, retain = examples(n_forget), examples(n_retain, seed=1)
    images = torch.cat([part.inputs.images for part in (forget, retain)])
    both = Examples.of(
        replace(forget.inputs, images=images),
        torch.cat([forget.labels, retain.labels]),
        forget.n_classes,
        is_forget=torch.arange(n_forget + n_retain) < n_forget,
    )
    places = torch.arange(n_forget + n_retain)
    return both.take(places[:n_forget]), both.take(places[n_forget:])


def one_white_pixel(*, is_forget):
    """One example that feeds 1 to the network, with label 0 of two."""
    return Examples.of(
        ImageInputs(
            images=torch.full((1, 1, 1, 1), 255, dtype=torch.uint8),
            mean=torch.zeros(1, 1, 1),
            std=torch.ones(1, 1, 1),
        ),
        torch.tensor([0]),
        2,
        is_forget=torch.tensor([is_forget]),
    )


def group_norm_net(n_classes=3):
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, n_classes),
    )
    initialise(net, seeded())
    return net


def start(name, inputs, **changes):
    """Begin a run of a method; each `next` takes one step."""
    return METHODS[name].run(inputs, resolve_settings(name, changes))


# SCRUB ----------------------------------------------------------------------------------------


def test_scrub_is_zero_and_flat_where_student_and_teacher_agree():
    teacher = double(np.random.default_rng(0).normal(size=(5, 4)))
    student = teacher.clone().requires_grad_(True)
    divergence = scrub_divergence(student, teacher, 4.0)
    divergence.backward()
    assert abs(divergence.item()) < 1e-12
    assert student.grad.abs().max().item() < 1e-12


@pytest.mark.parametrize(("temperature", "value"), [(1, 0.327813), (2, 0.443776), (4, 0.484798)])
def test_scrub_divergence_has_the_golden_values(temperature, value):
    student = double([[0.0, 0.0]], grad=True)
    divergence = scrub_divergence(student, double([[2.0, 0.0]]), temperature)
    divergence.backward()
    assert divergence.item() == pytest.approx(value, abs=1e-6)
    if temperature == 4:
        assert student.grad.numpy()[0] == pytest.approx([-0.489837, 0.489837], abs=1e-6)


@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 6),
    k=st.integers(2, 6),
    temperature=st.floats(0.5, 8),
)
@QUICK
def test_scrub_divergence_is_the_scaled_divergence_of_student_from_teacher(seed, n, k, temperature):
    random = np.random.default_rng(seed)
    student, teacher = 3 * random.normal(size=(2, n, k))
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    expected = temperature**2 * (p * np.log(p / q)).sum() / n
    value = scrub_divergence(double(student), double(teacher), temperature)
    assert value.item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("epochs", "max_epochs", "order", "phases"),
    [
        (3, 2, "official", ["max", "min", "max", "min", "min"]),
        (3, 2, "min_first", ["min", "max", "min", "max", "min"]),
        (1, 1, "official", ["max", "min"]),
        (1, 3, "official", ["max", "min"]),
    ],
)
def test_a_scrub_run_follows_the_published_schedule(epochs, max_epochs, order, phases):
    inputs = UnlearnInputs(
        model=group_norm_net(),
        forget=examples(4, is_forget=True),
        retain=examples(6, seed=1),
        generator=seeded(),
    )
    run = start("scrub", inputs, epochs=epochs, max_epochs=max_epochs, order=order)
    progress = list(run)
    assert [p.phase for p in progress] == phases
    assert [phase for _, phase in schedule(epochs, max_epochs, order)] == phases
    assert {p.total for p in progress} == {len(phases)}


def test_a_scrub_epoch_belongs_to_both_of_its_phases():
    assert schedule(3, 1) == [(1, "max"), (1, "min"), (2, "min"), (3, "min")]
    assert schedule(2, 2, "min_first") == [(1, "min"), (1, "max"), (2, "min"), (2, "max")]


def test_a_scrub_run_takes_smaller_steps_after_the_published_epochs():
    small = resolve_settings("scrub", preset="small").decay_after
    rates = [rate_in(epoch, small) for epoch in range(1, 11)]
    assert rates == pytest.approx([1] * 5 + [0.1] * 3 + [0.01] + [0.001])
    moved = {}
    for decay in ("never", "3,5,9"):
        model = group_norm_net()
        inputs = UnlearnInputs(
            model=model, forget=examples(4, is_forget=True), retain=examples(6), generator=seeded()
        )
        weights = [model[-1].weight.detach().clone()]
        run = start(
            "scrub",
            inputs,
            epochs=4,
            max_epochs=1,
            optimizer="sgd",
            momentum=0.0,
            weight_decay=0.0,
            learning_rate=0.1,
            decay_after=decay,
        )
        weights += [model[-1].weight.detach().clone() for step in run if step.phase == "min"]
        moved[decay] = [(b - a).norm().item() for a, b in pairwise(weights)]
    assert moved["3,5,9"][:3] == pytest.approx(moved["never"][:3])
    assert moved["3,5,9"][3] == pytest.approx(moved["never"][3] / 10, rel=1e-3)


def test_both_phases_of_a_scrub_run_have_the_golden_objectives():
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    model[1].weight.data = torch.tensor([[2.0], [0.0]])
    inputs = UnlearnInputs(
        model=model,
        forget=one_white_pixel(is_forget=True),
        retain=one_white_pixel(is_forget=False),
        generator=seeded(),
    )
    run = start("scrub", inputs, epochs=2, max_epochs=1, order="min_first")
    assert next(run).losses["objective"] == pytest.approx(0.125659, abs=1e-6)  # at the start
    objectives = {}
    for _ in range(2):
        nn.init.zeros_(model[1].weight)
        progress = next(run)
        objectives[progress.phase] = progress.losses["objective"]
    assert objectives == pytest.approx({"max": -0.484798, "min": 0.686701}, abs=1e-6)


def test_two_hundred_max_steps_from_equality_do_not_move_the_student():
    net = group_norm_net().double()
    teacher = copy.deepcopy(net)
    images = double(np.random.default_rng(0).random((8, 1, 4, 4)))
    with torch.no_grad():
        wanted = teacher(images)
    optimizer = torch.optim.SGD(net.parameters(), lr=5e-4, momentum=0.9)
    for _ in range(200):
        loss = -scrub_divergence(net(images), wanted, 4.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert abs(scrub_divergence(net(images), wanted, 4.0).item()) < 1e-12
        moved = nn.init.normal_(copy.deepcopy(net)[5].weight)
        net[5].weight.copy_(moved)
        assert scrub_divergence(net(images), wanted, 4.0).item() > 1e-3  # it could have


def scrub_log(*, n_forget=40, seed=0, sharpness=1, **changes):
    lines = []
    model = group_norm_net()
    model[5].weight.data *= sharpness
    inputs = UnlearnInputs(
        model=model,
        forget=examples(n_forget, is_forget=True, seed=seed),
        retain=examples(40, seed=1),
        generator=seeded(),
        log=lines.append,
    )
    progress = list(start("scrub", inputs, forget_batch_size=1, retain_batch_size=10, **changes))
    return lines, progress


def test_the_log_says_that_the_first_max_epoch_was_stuck():
    lines, progress = scrub_log()
    assert len(lines) == 1
    assert "the first max epoch changed nothing" in lines[0]
    assert 'order="min_first"' in lines[0]
    at_start = [p.losses["forget_divergence"] for p in progress[:40]]
    assert {p.phase for p in progress[:40]} == {"max"}
    assert np.abs(at_start).max() < 1e-5  # rounded in float32


@pytest.mark.parametrize("seed", range(8))
def test_rounding_does_not_hide_a_stuck_epoch_on_one_sharply_predicted_example(seed):
    assert len(scrub_log(n_forget=1, seed=seed, sharpness=30)[0]) == 1


def test_the_log_is_silent_where_the_first_max_epoch_moves_or_comes_second():
    assert scrub_log(order="min_first")[0] == []
    lines, progress = scrub_log(weight_decay=1.0, learning_rate=0.02)
    assert lines == []
    assert progress[39].losses["forget_divergence"] > 1e-6


# BadT -----------------------------------------------------------------------------------------

KNOWING = [[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]]


@pytest.mark.parametrize(("reduction", "value"), [("batchmean", 0.237133), ("official", 0.079044)])
def test_bad_teacher_has_the_golden_values(reduction, value):
    loss = bad_teacher_loss(
        double(KNOWING),
        double(KNOWING),
        double(np.zeros((2, 3))),
        torch.tensor([True, False]),
        reduction=reduction,
    )
    assert loss.item() == pytest.approx(value, abs=1e-6)


def test_bad_teacher_is_zero_at_the_start_of_a_retained_batch():
    student, retained = double(KNOWING, grad=True), torch.tensor([False, False])
    loss = bad_teacher_loss(student, double(KNOWING), double(np.zeros((2, 3))), retained)
    loss.backward()
    assert abs(loss.item()) < 1e-12
    assert student.grad.abs().max().item() < 1e-12


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match="must be one of batchmean, official, got 'sum'"):
        bad_teacher_loss(*[double(KNOWING)] * 3, torch.tensor([True, False]), reduction="sum")


@given(
    seed=st.integers(0, 10**6),
    k=st.integers(2, 6),
    forget=st.lists(st.booleans(), min_size=1, max_size=6),
    temperature=st.floats(0.5, 8),
    official=st.booleans(),
)
@QUICK
def test_bad_teacher_follows_one_teacher_for_each_example(seed, k, forget, temperature, official):
    random = np.random.default_rng(seed)
    student, competent, incompetent = 3 * random.normal(size=(3, len(forget), k))
    total = 0.0
    for row, is_forget in enumerate(forget):
        teacher = incompetent[row] if is_forget else competent[row]
        p, q = softmax(teacher / temperature), softmax(student[row] / temperature)
        total += (p * np.log(p / q)).sum()
    expected = total / len(forget) / (k if official else 1)
    value = bad_teacher_loss(
        double(student),
        double(competent),
        double(incompetent),
        torch.tensor(forget),
        temperature=temperature,
        reduction="official" if official else "batchmean",
    )
    assert value.item() == pytest.approx(expected, abs=1e-9)


def test_badt_starts_at_the_forget_sets_distance_from_a_random_network():
    model = group_norm_net()
    forget, retain = both_parts(4, 6)
    original, random = copy.deepcopy(model), copy.deepcopy(model)
    initialise(random, seeded(7))
    with torch.no_grad():
        images = next(forget.ordered()).inputs
        wanted, had = random(images).softmax(dim=1), original(images).softmax(dim=1)
    expected = (wanted * (wanted / had).log()).sum().item() / 10  # retained examples add nothing
    inputs = UnlearnInputs(model=model, forget=forget, retain=retain, generator=seeded(7))
    first = next(start("badt", inputs, retain_fraction=1.0, batch_size=16))
    assert expected > 1e-3
    assert first.losses["objective"] == pytest.approx(expected, rel=1e-3)


# NegGrad+ and NegGrad+FT ----------------------------------------------------------------------


def test_neggrad_plus_has_the_golden_value():
    value = joint_objective(torch.tensor(0.2), torch.tensor(1.5), 0.95)
    assert value.item() == pytest.approx(0.115, abs=1e-6)


def test_neggrad_plus_steps_down_the_joint_objective_with_its_penalty():
    model = group_norm_net()
    begin = copy.deepcopy(model)
    inputs = UnlearnInputs(
        model=model,
        forget=examples(3, is_forget=True),
        retain=examples(9, seed=1),
        generator=seeded(),
    )
    moved, weights = 0.0, {"alpha": 0.8, "stay_close": 50.0}
    run = start("neggrad_plus", inputs, epochs=2, batch_size=3, learning_rate=0.3, **weights)
    n_steps = 0
    for progress in run:
        n_steps += 1
        losses = progress.losses
        keep = losses["retain_loss"] + 25 * moved
        expected = 0.8 * keep - 0.2 * losses["forget_loss"]
        assert losses["objective"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
        pairs = zip(model.parameters(), begin.parameters(), strict=True)
        moved = sum((now - then).square().sum().item() for now, then in pairs)
        assert moved > 1e-4
    assert n_steps == 6  # the three forget examples start again for every retained batch


def in_turns(**settings):
    """Return the steps of `neggrad_ft` on four forget examples, and its log."""
    lines = []
    inputs = UnlearnInputs(
        model=group_norm_net(),
        forget=examples(4, is_forget=True),
        retain=examples(9, seed=1),
        generator=seeded(),
        log=lines.append,
    )
    return list(start("neggrad_ft", inputs, batch_size=2, **settings)), lines


def test_neggrad_ft_takes_whole_passes_in_turns_forget_first():
    progress, _ = in_turns(alternations=2)
    assert [p.phase for p in progress] == (["forget"] * 2 + ["recover"] * 2) * 2
    for p in progress:
        if p.phase == "forget":
            assert p.losses["objective"] == -p.losses["forget_loss"] < 0
        else:
            assert p.losses["objective"] > 0


def test_neggrad_ft_ends_after_a_repair_once_the_loss_is_high_enough():
    everything, no_lines = in_turns(alternations=3, learning_rate=0.05)
    passes = [everything[first : first + 2] for first in (0, 4, 8)]
    means = [sum(p.losses["forget_loss"] for p in one) / 2 for one in passes]
    assert no_lines == []
    assert means[0] < means[1]
    ended, [line] = in_turns(alternations=3, learning_rate=0.05, until_loss=means[1])
    assert ended == everything[:8]
    assert f"ended at step 8 of 12: the forget loss reached {means[1]:.2f} nats" in line


# Calibration ----------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), focus=st.floats(0, 5), smoothing=st.floats(0, 0.9))
@QUICK
def test_focal_loss_weighs_the_smoothed_loss_by_what_is_missing_to_certainty(
    seed, focus, smoothing
):
    random = np.random.default_rng(seed)
    logits, labels = 2 * random.normal(size=(5, 4)), random.integers(0, 4, 5)
    p = softmax(logits)
    target = (1 - smoothing) * np.eye(4)[labels] + smoothing / 4
    losses = -(target * np.log(p)).sum(axis=1)
    expected = ((1 - p[np.arange(5), labels]) ** focus * losses).mean()
    value = focal_loss(double(logits), torch.from_numpy(labels), focus, smoothing)
    assert value.item() == pytest.approx(expected, abs=1e-9)


def test_focal_loss_without_focus_is_cross_entropy():
    logits, labels = double([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([0, 1])
    value = focal_loss(logits, labels, 0.0).item()
    assert value == pytest.approx(F.cross_entropy(logits, labels).item())
    assert value == pytest.approx((math.log(1 + math.e) + math.log(2)) / 2)
