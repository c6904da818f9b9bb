"""Losses and metrics against NumPy, SciPy or scikit-learn on random inputs, where no other file is.

docs/golden.md lists every loss and metric with the test that does it.
"""

import math
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.metrics import confusion_matrix, log_loss

from tests.golden.regressions import called_members, probe, told_apart
from unlearn_core.data.batches import Batch, Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.methods.averages import average_feature, class_frequencies
from unlearn_core.methods.losses import average_label, residual_alignment_loss
from unlearn_core.methods.neggrad_plus import distance_squared, joint_objective
from unlearn_core.methods.rfa_losses import task_loss
from unlearn_core.metrics.attacks import two_sample_accuracy
from unlearn_core.metrics.backdoor import attack_success_rate
from unlearn_core.metrics.clustering import cluster_features
from unlearn_core.metrics.cost import speedup
from unlearn_core.metrics.membership import membership_rate
from unlearn_core.metrics.perplexity import perplexity
from unlearn_core.metrics.probing import linear_probe_accuracy
from unlearn_core.metrics.spread import FLOOR_MODELS, FLOORS, reference
from unlearn_core.metrics.zrf import zero_retrain_forgetting

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)


def double(values):
    return torch.from_numpy(np.asarray(values, dtype=np.float64))


# Losses ---------------------------------------------------------------------------------------


@given(seed=seeds, forget=st.lists(st.booleans(), min_size=1, max_size=8), k=st.integers(2, 6))
@QUICK
def test_the_average_label_is_the_share_of_each_class_among_the_retained(seed, forget, k):
    forget = np.array([False, *forget])
    labels = np.random.default_rng(seed).integers(0, k, len(forget))
    shares = np.bincount(labels[~forget], minlength=k) / (~forget).sum()
    value = average_label(torch.from_numpy(labels), torch.from_numpy(forget), k)
    assert value.numpy() == pytest.approx(shares, abs=1e-6)


@given(seed=seeds, forget=st.lists(st.booleans(), min_size=1, max_size=8), k=st.integers(2, 6))
@QUICK
def test_the_task_loss_of_rfa_is_scikit_learns_log_loss_with_two_kinds_of_labels(seed, forget, k):
    random, forget = np.random.default_rng(seed), np.array(forget)
    logits, labels = 2 * random.normal(size=(len(forget), k)), random.integers(0, k, len(forget))
    expected, p = 0.0, softmax(logits, axis=1)
    if not forget.all():
        expected += 0.7 * log_loss(labels[~forget], p[~forget], labels=range(k))
        average = np.eye(k)[labels[~forget]].mean(axis=0)
        if forget.any():
            expected += 1.3 * -(average * np.log(p[forget])).sum(axis=1).mean()
    batch = Batch(
        inputs=torch.zeros(len(forget), 1, 1, 1),
        labels=torch.from_numpy(labels),
        example_ids=torch.arange(len(forget)),
        is_forget=torch.from_numpy(forget),
    )
    value = task_loss(double(logits), batch, retain_weight=0.7, forget_weight=1.3)
    assert value.item() == pytest.approx(expected, abs=1e-6)


def size(difference, norm):
    """An example's norm, by plain autograd."""
    squares = (difference**2).flatten(1)
    if norm == "mse":
        return squares.mean(dim=1)
    return squares.sum(dim=1) if norm == "sq" else squares.sum(dim=1).sqrt()


@given(
    seed=seeds,
    forget=st.lists(st.booleans(), min_size=1, max_size=6),
    norm=st.sampled_from(["mse", "l2", "sq"]),
    use_teacher=st.booleans(),
    use_given=st.booleans(),
)
@QUICK
def test_residual_alignment_has_the_values_and_gradients_of_plain_autograd(
    seed, forget, norm, use_teacher, use_given
):
    random, gone = np.random.default_rng(seed), torch.tensor([False, *forget])
    shapes = [(len(gone), 3), (len(gone), 2, 2, 2)]
    residuals, own, teacher = ([double(random.normal(size=s)) for s in shapes] for _ in range(3))
    given = [double(random.normal(size=s[1:])) for s in shapes] if use_given else None
    again = [r.clone().requires_grad_(True) for r in residuals]
    residuals = [r.requires_grad_(True) for r in residuals]
    expected = torch.zeros((), dtype=torch.float64)
    for k, residual in enumerate(again):
        target = teacher[k] if use_teacher else own[k]
        moved = own[k] + residual - target
        average = given[k] if use_given else target[~gone].mean(dim=0)
        expected = expected + 0.7 * size(moved[~gone], norm).mean()
        if gone.any():
            gaps = average - target[gone]
            expected = expected + 1.3 * size(moved[gone] - gaps, norm).mean()
    value = residual_alignment_loss(
        residuals,
        own,
        gone,
        norm=norm,
        alpha=0.7,
        beta=1.3,
        teacher=teacher if use_teacher else None,
        averages=given,
    )
    value.backward()
    expected.backward()
    assert value.item() == pytest.approx(expected.item())
    for found, wanted in zip(residuals, again, strict=True):
        assert found.grad.numpy() == pytest.approx(wanted.grad.numpy(), abs=1e-9)


@given(seed=seeds, forget=st.lists(st.booleans(), min_size=1, max_size=8))
@QUICK
def test_average_features_and_class_frequencies_are_numpys(seed, forget):
    random, forget = np.random.default_rng(seed), np.array([False, *forget])
    features, labels = random.normal(size=(len(forget), 3, 2)), random.integers(0, 4, len(forget))
    value = average_feature(double(features), torch.from_numpy(forget))
    assert value.numpy() == pytest.approx(features[~forget].mean(axis=0))
    examples = Examples.of(
        ImageInputs(
            images=torch.zeros((len(forget), 1, 1, 1), dtype=torch.uint8),
            mean=torch.zeros(1, 1, 1),
            std=torch.ones(1, 1, 1),
        ),
        torch.from_numpy(labels),
        4,
        is_forget=torch.from_numpy(forget),
    )
    shares = np.eye(4)[labels].mean(axis=0)
    assert class_frequencies(examples).numpy() == pytest.approx(shares, abs=1e-6)


@given(seed=seeds, alpha=st.floats(0, 1))
@QUICK
def test_neggrad_plus_adds_the_losses_and_the_way_from_the_start(seed, alpha):
    random = np.random.default_rng(seed)
    keep, ascent = random.random(2)
    value = joint_objective(torch.tensor(keep), torch.tensor(ascent), alpha)
    assert value.item() == pytest.approx(alpha * keep - (1 - alpha) * ascent, abs=1e-6)
    net = torch.nn.Linear(3, 2).double()
    start = [double(random.normal(size=p.shape)) for p in net.parameters()]
    now = [p.detach().numpy() for p in net.parameters()]
    expected = sum(((a - b.numpy()) ** 2).sum() for a, b in zip(now, start, strict=True))
    assert distance_squared(net, start).item() == pytest.approx(expected)


# Metrics of arrays ----------------------------------------------------------------------------


@given(seed=seeds, sizes=st.tuples(*[st.integers(5, 40)] * 3))
@QUICK
def test_the_unbalanced_attacks_equal_their_references(seed, sizes):
    random = np.random.default_rng(seed)
    scores = [random.normal(mean, size=n) for mean, n in zip((0, 1.5, 1), sizes, strict=True)]
    for attack in ("svc", "logistic"):
        value = membership_rate(*scores, attack=attack, balanced=False)
        assert value == pytest.approx(called_members(*scores, attack), abs=1e-9)


@given(seed=seeds, n=st.integers(5, 40), m=st.integers(1, 20))
@QUICK
def test_the_balanced_attacks_on_sides_of_one_size_need_no_draw(seed, n, m):
    random = np.random.default_rng(seed)
    scores = [random.normal(mean, size=size) for mean, size in ((0, n), (1.5, n), (1, m))]
    for attack in ("svc", "logistic"):
        value = membership_rate(*scores, attack=attack)
        assert value == pytest.approx(called_members(*scores, attack), abs=1e-9)


@given(seed=seeds, a=st.integers(10, 40), b=st.integers(10, 40), seed_of_splits=st.integers(0, 9))
@QUICK
def test_two_sample_accuracy_equals_own_regressions_over_the_same_splits(
    seed, a, b, seed_of_splits
):
    random = np.random.default_rng(seed)
    scores = random.normal(size=a), random.normal(1, size=b)
    value = two_sample_accuracy(*scores, n_splits=3, seed=seed_of_splits)
    assert value == pytest.approx(told_apart(*scores, 3, seed_of_splits), abs=1e-9)


@given(seed=seeds, n=st.integers(1, 8), k=st.integers(2, 5))
@QUICK
def test_the_official_zrf_averages_the_reversed_divergences_over_all_elements(seed, n, k):
    p, q = softmax(3 * np.random.default_rng(seed).normal(size=(2, n, k)), axis=-1)
    middle = (p + q) / 2
    expected = 1 - (middle * np.log(middle**2 / (p * q))).mean() / 2
    value = zero_retrain_forgetting(p, q, variant="official")
    assert value == pytest.approx(expected, abs=1e-9)


@given(seed=seeds, n=st.integers(1, 6), length=st.integers(1, 6), vocabulary=st.integers(2, 9))
@QUICK
def test_perplexity_is_the_inverse_geometric_mean_of_the_counted_probabilities(
    seed, n, length, vocabulary
):
    random = np.random.default_rng(seed)
    p = softmax(random.normal(size=(n, length, vocabulary)), axis=2)[..., 0]
    counted = random.random((n, length)) < 0.7
    counted[0, 0] = True
    expected = np.prod(p[counted]) ** (-1 / counted.sum())
    assert perplexity(-np.log(p), is_counted=counted) == pytest.approx(expected)


@given(seed=seeds, n=st.integers(8, 30), d=st.integers(1, 4), k=st.integers(3, 4))
@QUICK
def test_the_linear_probe_equals_own_multinomial_regression(seed, n, d, k):
    random = np.random.default_rng(seed)
    labels = np.arange(2 * n) % k
    features = random.normal(size=(2 * n, d)) + labels[:, None]
    parts = features[:n], labels[:n], features[n:], labels[n:]
    assert linear_probe_accuracy(*parts) == pytest.approx(probe(*parts), abs=1e-9)


@given(seed=seeds, n=st.integers(10, 40), k=st.integers(2, 5))
@QUICK
def test_k_means_ends_where_no_example_and_no_mean_would_move(seed, n, k):
    features = np.random.default_rng(seed).normal(size=(n, 3))
    found = cluster_features(features, k)
    means = np.stack([features[found == c].mean(axis=0) for c in range(k)])
    distances = ((features[:, None] - means) ** 2).sum(axis=2)
    assert (distances.argmin(axis=1) == found).all()
    other = KMeans(k, n_init=10, random_state=seed % 1000).fit(features)
    assert distances.min(axis=1).sum() <= 1.1 * other.inertia_


@given(seed=seeds, n=st.integers(5, 30), k=st.integers(2, 5))
@QUICK
def test_attack_success_is_read_off_the_confusion_matrix(seed, n, k):
    random = np.random.default_rng(seed)
    labels, predictions = np.arange(n) % k, random.integers(0, k, n)
    table = confusion_matrix(labels, predictions, labels=range(k))
    others = np.arange(k) != 1
    expected = table[others, 1].sum() / table[others].sum()
    assert attack_success_rate(predictions, labels, 1) == pytest.approx(expected)
    value = attack_success_rate(predictions, labels, 1, include_target=True)
    assert value == pytest.approx(table[:, 1].sum() / n)


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=6), n=st.integers(1, 500))
@QUICK
def test_what_counts_as_matched_is_three_deviations_pooled_with_the_floor(values, n):
    floor, count = FLOORS["forget_accuracy"], len(values)
    mean = statistics.fmean(values)
    drawn = FLOOR_MODELS * [floor**2] + [(value - mean) ** 2 for value in values]
    pooled = math.fsum(drawn) / (len(drawn) - 1)
    share = (mean * n + 2) / (n + 4)
    by_chance = share * (1 - share) / (n + 4)
    there = reference("forget_accuracy", values, n)
    assert there.mean == pytest.approx(mean)
    expected = min(1.0, 3 * math.sqrt(pooled + pooled / count + by_chance))
    assert there.within == pytest.approx(expected, abs=1e-9)
    assert there.deviation == pytest.approx(math.sqrt(pooled * (1 + 1 / count) + by_chance))


@given(seconds=st.floats(1e-3, 1e6), retraining=st.floats(1e-3, 1e6))
@QUICK
def test_speedup_says_how_often_the_method_fits_into_retraining(seconds, retraining):
    assert speedup(seconds, retraining) * seconds == pytest.approx(retraining)
