"""Effective rank and dimensional alignment: docs/golden.md E1-E8, D1-D8, and properties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_core.methods.losses import alignment_loss
from unlearn_core.metrics.alignment import dimensional_alignment, effective_rank
from unlearn_core.subspace import principal_basis, spectrum

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
E1 = np.array([[1.0, 0.0]])
UNCENTRED = np.array([[5, 5, 5, 5], [1, -1, 0, 0], [0, 0, 0.5, -0.5]]).T
UNCENTRED_FORGET = np.array([[5.0, 5], [0, 0], [1, -1]]).T


def draw(seed, n_examples, n_features):
    return np.random.default_rng(seed).normal(size=(n_examples, n_features))


def reference_alignment(forget, retain, rank=None):
    """MUDA's eq. 1 word for word, by the singular value decomposition."""
    _, singular, vectors = np.linalg.svd(retain, full_matrices=False)
    if rank is None:
        shares = singular**2 / (singular**2).sum()
        rank = max(1, int(np.exp(-(shares * np.log(shares)).sum()) + 0.5))
    u = vectors[:rank].T
    gram = forget.T @ forget
    return np.linalg.norm(gram @ u @ u.T) / np.linalg.norm(gram)


@pytest.mark.parametrize(
    ("eigenvalues", "expected"),
    [
        ((1, 1, 1), 3),
        ((1,) * 512, 512),
        ((4, 1), 1.649385),
        ((9, 1), 1.384145),
        ((2, 1), 1.889882),
        ((8, 4, 2, 1), 3.117142),
        ((1, 0, 0), 1),
        ((9, 4, 1), 2.294401),
        ((100, 1, 1, 1), 1.177849),
    ],
)
def test_effective_rank_has_the_golden_values(eigenvalues, expected):
    features = np.diag(np.sqrt(np.array(eigenvalues, dtype=float)))
    assert effective_rank(features) == pytest.approx(expected, abs=1e-6)


def test_effective_rank_of_zero_features_is_zero():
    assert effective_rank(np.zeros((3, 4))) == 0


@given(seed=st.integers(0, 10**6), n=st.integers(1, 20), d=st.integers(1, 8))
@QUICK
def test_effective_rank_equals_the_singular_value_form_and_stays_in_bounds(seed, n, d):
    features = draw(seed, n, d)
    shares = np.linalg.svd(features, compute_uv=False) ** 2
    shares /= shares.sum()
    shares = shares[shares > 1e-15]
    value = effective_rank(features)
    assert value == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-6)
    assert 1 - 1e-9 <= value <= min(n, d) + 1e-6


def test_spectrum_is_descending_and_never_negative():
    values = spectrum(draw(0, 3, 10))
    assert (np.diff(values) <= 0).all()
    assert (values >= 0).all()


@pytest.mark.parametrize(
    ("forget", "retain", "rank", "expected"),
    [
        (np.diag([2.0, 1.0]), np.diag([2.0, 1.0]), 1, 4 / np.sqrt(17)),
        (np.diag([2.0, 1.0]), np.diag([2.0, 1.0]), 2, 1),
        (np.eye(3), np.eye(3), None, 1),
        (np.array([[0.0, 1.0]]), E1, None, 0),
        (np.array([[1.0, 1.0]]), E1, None, 0.707107),
        (np.diag([2.0, 1.0]), E1, None, 0.970143),
        (np.array([[1.0, 1, 0], [0, 0, 2]]), np.diag([3.0, 2, 1]), None, 0.447214),
        (np.array([[1.0, 1, 0], [0, 0, 2]]), np.diag([3.0, 2, 1]), 2, 0.447214),
        (np.array([[1.0, 1, 0], [0, 0, 2]]), np.diag([3.0, 2, 1]), 3, 1),
        (UNCENTRED_FORGET, UNCENTRED, None, 0.999201),
    ],
    ids=["D1 k=1", "D1 k=2", "D2", "D3", "D4", "D5", "D6", "D6 k=2", "D6 k=3", "D8"],
)
def test_dimensional_alignment_has_the_golden_values(forget, retain, rank, expected):
    value = dimensional_alignment(forget, retain, rank=rank)
    assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("forget", "retain", "expected"),
    [
        (np.diag([2.0, 1.0]), E1, 0.894427),
        (np.array([[1.0, 1, 0], [0, 0, 2]]), np.diag([3.0, 2, 1]), 0.577350),
    ],
    ids=["D5", "D6"],
)
def test_the_feature_form_has_the_golden_values(forget, retain, expected):
    value = dimensional_alignment(forget, retain, variant="feature")
    assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("rounding", "rank"), [("half_up", 2), ("floor", 1), ("ceil", 2)])
def test_the_rank_is_rounded_as_asked_for(rounding, rank):
    features = np.diag([2.0, 1.0])  # E2: effective rank 1.649385
    assert principal_basis(features, rounding=rounding).shape == (2, rank)
    expected = dimensional_alignment(features, features, rank=rank)
    assert dimensional_alignment(features, features, rounding=rounding) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [({"rounding": "up"}, "half_up, floor, ceil, got 'up'"), ({"variant": "x"}, "got 'x'")],
)
def test_an_unknown_option_of_alignment_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        dimensional_alignment(np.eye(2), np.eye(2), **options)


def test_dimensional_alignment_is_not_centred():
    assert effective_rank(UNCENTRED) == pytest.approx(1.135270, abs=1e-6)
    assert principal_basis(UNCENTRED).shape == (3, 1)
    centred = UNCENTRED - UNCENTRED.mean(axis=0), UNCENTRED_FORGET - UNCENTRED_FORGET.mean(axis=0)
    assert principal_basis(centred[0]).shape == (3, 2)
    assert dimensional_alignment(centred[1], centred[0]) == pytest.approx(1, abs=1e-9)


def test_the_gradient_of_the_alignment_loss_is_the_golden_one():
    forget = torch.tensor([[1.0, 1.0]], dtype=torch.float64, requires_grad=True)
    loss = alignment_loss(forget, torch.tensor([[1.0], [0.0]], dtype=torch.float64))
    loss.backward()
    assert loss.item() == pytest.approx(-0.707107, abs=1e-6)
    assert forget.grad.numpy() == pytest.approx(np.array([[-0.353553, 0.353553]]), abs=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 12), d=st.integers(2, 8), data=st.data())
@QUICK
def test_dimensional_alignment_equals_equation_1_and_the_loss_is_its_negative(seed, n, d, data):
    rank = data.draw(st.integers(1, min(n + 1, d)))
    forget, retain = draw(seed, n, d), draw(seed + 1, n + 1, d)
    value = dimensional_alignment(forget, retain, rank=rank)
    assert value == pytest.approx(reference_alignment(forget, retain, rank), abs=1e-9)
    assert dimensional_alignment(forget, retain) == pytest.approx(
        reference_alignment(forget, retain), abs=1e-9
    )
    basis = torch.from_numpy(principal_basis(retain, rank=rank))
    assert alignment_loss(torch.from_numpy(forget), basis).item() == pytest.approx(-value, abs=1e-9)


def test_dimensional_alignment_ignores_duplication_scale_order_and_rotation():
    forget, retain = draw(0, 6, 5), draw(1, 9, 5)
    value = dimensional_alignment(forget, retain)
    rotation, _ = np.linalg.qr(draw(2, 5, 5))
    shuffled = np.random.default_rng(3).permutation(9)
    assert dimensional_alignment(np.repeat(forget, 5, axis=0), retain) == pytest.approx(value)
    assert dimensional_alignment(forget, np.repeat(retain, 5, axis=0)) == pytest.approx(value)
    assert dimensional_alignment(7 * forget, 3 * retain) == pytest.approx(value)
    assert dimensional_alignment(forget[::-1], retain[shuffled]) == pytest.approx(value)
    assert dimensional_alignment(forget @ rotation, retain @ rotation) == pytest.approx(value)
    assert 0 < value < 0.99  # so that the invariance means something


def test_zero_forget_features_have_alignment_zero():
    assert dimensional_alignment(np.zeros((2, 3)), np.eye(3)) == 0


@pytest.mark.parametrize(
    ("forget", "retain", "rank", "message"),
    [
        (np.ones(3), np.ones((2, 3)), None, "`forget_features` must have shape"),
        (np.ones((2, 3)), np.ones((0, 3)), None, "`retain_features` must have shape"),
        (np.ones((2, 3)), np.ones((2, 4)), None, "same number of features, got 3 and 4"),
        (np.full((2, 3), np.nan), np.ones((2, 3)), None, "6 non-finite values"),
        (np.ones((2, 3)), np.ones((2, 3)), 0, "`rank` must be a whole number from 1 to 3, got 0"),
        (np.ones((2, 3)), np.ones((2, 3)), 4, "`rank` must be a whole number from 1 to 3, got 4"),
    ],
)
def test_dimensional_alignment_names_the_bad_argument(forget, retain, rank, message):
    with pytest.raises(ValueError, match=message):
        dimensional_alignment(forget, retain, rank=rank)
