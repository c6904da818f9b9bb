"""Losses of MUDA, NegGrad and RFA: docs/golden.md, and plain NumPy on random inputs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.methods import METHODS, UnlearnInputs, contract, resolve_settings
from unlearn_core.methods.losses import (
    average_label,
    residual_alignment_loss,
    self_distillation_loss,
)
from unlearn_core.records import softmax

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


def double(values, *, grad=False):
    return torch.tensor(np.asarray(values), dtype=torch.float64, requires_grad=grad)


@pytest.mark.parametrize(
    ("p", "loss", "gradient"),
    [
        ((0.5, 0.3, 0.2), 0.693147, (0.5, -0.3, -0.2)),
        ((0.7, 0.2, 0.1), 1.203973, (0.7, -0.466667, -0.233333)),
    ],
)
def test_self_distillation_has_the_golden_values_and_gradients(p, loss, gradient):
    logits = double([np.log(p)], grad=True)
    value = self_distillation_loss(logits, torch.tensor([0]))
    value.backward()
    assert value.item() == pytest.approx(loss, abs=1e-6)
    assert logits.grad.numpy()[0] == pytest.approx(gradient, abs=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 6), k=st.integers(2, 6))
@QUICK
def test_self_distillation_is_the_divergence_from_the_prediction_without_the_label(seed, n, k):
    random = np.random.default_rng(seed)
    raw, labels = 3 * random.normal(size=(n, k)), random.integers(0, k, n)
    p, target = softmax(raw), softmax(raw)
    target[np.arange(n), labels] = 0
    target /= target.sum(axis=1, keepdims=True)
    others = target > 0
    divergence = (target[others] * np.log(target[others] / p[others])).sum() / n
    logits = double(raw, grad=True)
    loss = self_distillation_loss(logits, torch.from_numpy(labels))
    loss.backward()
    assert loss.item() == pytest.approx(divergence, abs=1e-9)
    assert loss.item() == pytest.approx(-np.log(1 - p[np.arange(n), labels]).mean(), abs=1e-9)
    # the gradient with the target held fixed, as docs/golden.md S3 says, is the same one
    again = double(raw, grad=True)
    held = F.kl_div(again.log_softmax(dim=1), torch.from_numpy(target), reduction="batchmean")
    held.backward()
    assert logits.grad.numpy() == pytest.approx(again.grad.numpy(), abs=1e-9)


def test_self_distillation_of_a_certain_prediction_is_finite():
    logits = torch.tensor([[80.0, 0.0, 0.0]], requires_grad=True)
    loss = self_distillation_loss(logits, torch.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(80 - np.log(2), rel=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_distillation_from_a_teacher_has_the_golden_value_and_follows_the_others():
    logits = double([[2.0, 1.0, 0.0]], grad=True)
    label = torch.tensor([0])
    loss = self_distillation_loss(logits, label, teacher_logits=logits)
    loss.backward()
    assert loss.item() == pytest.approx(1.094344, abs=1e-6)
    assert loss.item() == self_distillation_loss(logits, label).item()
    p = softmax(np.array([[2.0, 1.0, 0.0]]))[0]
    target = (0, 0.731059, 0.268941)  # the gradient of the logits is p less the target
    assert logits.grad.numpy()[0] == pytest.approx(p - target, abs=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 6), k=st.integers(2, 6))
@QUICK
def test_distillation_from_a_teacher_is_the_divergence_from_what_it_thinks_next(seed, n, k):
    random = np.random.default_rng(seed)
    raw, teacher = 3 * random.normal(size=(2, n, k))
    labels = random.integers(0, k, n)
    target = np.exp(teacher)
    target[np.arange(n), labels] = 0
    target /= target.sum(axis=1, keepdims=True)
    others = target > 0
    divergence = (target[others] * np.log(target[others] / softmax(raw)[others])).sum() / n
    pair = double(raw), torch.from_numpy(labels)
    loss = self_distillation_loss(*pair, teacher_logits=double(teacher))
    assert loss.item() == pytest.approx(divergence, abs=1e-9)


def test_delete_starts_like_mudas_distillation_and_keeps_its_first_teacher():
    inputs = contract.make_inputs()
    model = inputs.model.eval()
    [batch] = inputs.forget.ordered(8)
    with torch.no_grad():
        first = model(batch.inputs)
    sgd = {"learning_rate": 0.05, "epochs": 2, "batch_size": 8}
    steps = METHODS["delete"].run(inputs, resolve_settings("delete", sgd))
    alike = self_distillation_loss(first, batch.labels).item()
    assert next(steps).losses["objective"] == pytest.approx(alike, rel=1e-5)
    with torch.no_grad():
        second = model(batch.inputs)
    fixed = self_distillation_loss(second, batch.labels, first).item()
    moving = self_distillation_loss(second, batch.labels).item()
    assert next(steps).losses["objective"] == pytest.approx(fixed, rel=1e-5)
    assert abs(fixed - moving) > 1e-4 * fixed


def test_gradient_ascent_has_the_golden_losses_and_weights():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(1, 2, bias=False))
    torch.nn.init.zeros_(model[1].weight)
    one = Examples.of(
        ImageInputs(
            images=torch.full((1, 1, 1, 1), 255, dtype=torch.uint8),
            mean=torch.zeros(1, 1, 1),
            std=torch.ones(1, 1, 1),
        ),
        torch.tensor([0]),
        2,
        is_forget=torch.tensor([True]),
    )
    inputs = UnlearnInputs(model=model, forget=one, retain=None, generator=torch.Generator())
    ascent = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 2}
    steps = METHODS["neggrad"].run(inputs, resolve_settings("neggrad", ascent))
    assert next(steps).losses["forget_loss"] == pytest.approx(0.693147, abs=1e-6)
    assert model[1].weight.detach().flatten().numpy() == pytest.approx([-0.05, 0.05])
    assert next(steps).losses["forget_loss"] == pytest.approx(0.744397, abs=1e-6)


def size(difference, norm):
    flat = difference.reshape(len(difference), -1)
    if norm == "l2":
        return np.sqrt((flat**2).sum(axis=1))
    return (flat**2).mean(axis=1) if norm == "mse" else (flat**2).sum(axis=1)


def plain_alignment(residuals, frozen, forget, norm, alpha, beta, teacher):
    """Eqs. 5 to 8 of RFA in NumPy, one example after the other."""
    total = 0.0
    for k, (residual, own) in enumerate(zip(residuals, frozen, strict=True)):
        target = own if teacher is None else teacher[k]
        moved = residual if teacher is None else own + residual - target
        if not (~forget).any():
            continue
        total += alpha * size(moved[~forget], norm).mean()
        if forget.any():
            gap = target[~forget].mean(axis=0) - target[forget]
            total += beta * size(moved[forget] - gap, norm).mean()
    return total


@given(
    seed=st.integers(0, 10**6),
    norm=st.sampled_from(["mse", "l2", "sq"]),
    forget=st.lists(st.booleans(), min_size=1, max_size=6),
    use_teacher=st.booleans(),
)
@QUICK
def test_residual_alignment_equals_equations_5_to_8(seed, norm, forget, use_teacher):
    random = np.random.default_rng(seed)
    shapes = [(len(forget), 3), (len(forget), 2, 2, 2)]
    residuals, frozen, teacher = ([random.normal(size=s) for s in shapes] for _ in range(3))
    expected = plain_alignment(
        residuals, frozen, np.array(forget), norm, 0.7, 1.3, teacher if use_teacher else None
    )
    value = residual_alignment_loss(
        [torch.from_numpy(r) for r in residuals],
        [torch.from_numpy(f) for f in frozen],
        torch.tensor(forget),
        norm=norm,
        alpha=0.7,
        beta=1.3,
        teacher=[torch.from_numpy(t) for t in teacher] if use_teacher else None,
    )
    assert value.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("norm", ["mse", "l2", "sq"])
def test_residual_alignment_has_a_finite_gradient_where_nothing_has_moved_yet(norm):
    residual = torch.zeros(4, 3, requires_grad=True)
    frozen = torch.arange(12.0).reshape(4, 3)
    forget = torch.tensor([True, False, False, False])
    residual_alignment_loss([residual], [frozen], forget, norm=norm).backward()
    assert torch.isfinite(residual.grad).all()
    assert residual.grad[0].abs().sum() > 0
    assert residual.grad[1:].abs().sum() == 0


def test_residual_alignment_takes_the_frozen_branch_as_a_constant():
    residual, frozen = torch.ones(2, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)
    residual_alignment_loss([residual], [frozen], torch.tensor([True, False])).backward()
    assert frozen.grad is None
    assert residual.grad.abs().sum() > 0


@pytest.mark.parametrize("forget", [[True, True], [False, False]])
def test_a_part_that_is_absent_contributes_exactly_zero(forget):
    zeros, frozen = torch.zeros(2, 3), torch.randn(2, 3, generator=torch.Generator())
    assert residual_alignment_loss([zeros], [frozen], torch.tensor(forget)).item() == 0


def test_residual_alignment_refuses_an_unknown_norm():
    with pytest.raises(ValueError, match="`norm` must be one of mse, l2, sq, got 'l1'"):
        residual_alignment_loss([], [], torch.tensor([True]), norm="l1")


def test_the_average_label_is_uniform_over_retained_classes_and_golden():
    labels = torch.arange(10)
    target = average_label(labels, labels == 3, 10)
    expected = np.full(10, 1 / 9)
    expected[3] = 0
    assert target.numpy() == pytest.approx(expected)
    uniform = F.cross_entropy(torch.zeros(1, 10), target[None])
    assert uniform.item() == pytest.approx(2.302585, abs=1e-6)
    best = torch.where(target > 0, target.log(), -100.0)
    assert F.cross_entropy(best[None], target[None]).item() == pytest.approx(2.197225, abs=1e-6)
