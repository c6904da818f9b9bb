"""Golden values that no other file checks (docs/golden.md says where each is)."""

import copy
from dataclasses import fields

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.metrics import METRICS, Cost, Evidence
from unlearn_core.metrics.alignment import effective_rank
from unlearn_core.metrics.clustering import forget_cluster_scores
from unlearn_core.metrics.distance import activation_distance
from unlearn_core.metrics.membership import entropy, membership_rate, modified_entropy
from unlearn_core.models import MODELS
from unlearn_core.models.lora import ADAPTER, attach
from unlearn_core.records import Records, Sets
from unlearn_core.subspace import principal_basis


def evidence(logits, labels, *, forget, is_train, features=None):
    """Evidence of one model alone; what it cost does not matter."""
    n = len(labels)
    records = Records(
        example_ids=np.arange(n),
        labels=labels,
        is_train=is_train,
        logits=logits.astype(np.float32),
        features=np.ones((n, 1), "f4") if features is None else features.astype(np.float32),
    )
    sets = Sets(
        forget=forget & is_train,
        retain=~forget & is_train,
        forget_test=forget & ~is_train,
        retain_test=~forget & ~is_train,
    )
    cost = Cost(**{field.name: 1 for field in fields(Cost)})
    return Evidence(
        records=records,
        original=records,
        retrained=None,
        sets=sets,
        cost=cost,
        retrained_cost=None,
    )


# Effective rank -------------------------------------------------------------------------------


def test_an_effective_rank_of_1_649_is_rounded_to_two_directions():
    assert principal_basis(np.diag([2.0, 1.0])).shape == (2, 2)
    assert principal_basis(np.diag([3.0, 1.0])).shape == (2, 1)  # 1.384


def test_singular_values_in_place_of_eigenvalues_would_give_another_rank():
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(1.384145, abs=1e-6)
    assert effective_rank(np.diag(np.sqrt([3.0, 1.0]))) == pytest.approx(1.754765, abs=1e-6)


# RFA's batches --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_forget", "golden", "tolerance"),
    [(128, 0.719990, 1e-6), (5000, 1.365e-6, 5e-10)],
    ids=["128 chosen", "a class"],
)
def test_batches_lack_forgotten_examples_as_often_as_chance_says(n_forget, golden, tolerance):
    n, batch_size, passes = 50_000, 128, 4
    everything = Examples.of(
        ImageInputs(
            images=torch.zeros((n, 1, 1, 1), dtype=torch.uint8),
            mean=torch.zeros(1, 1, 1),
            std=torch.ones(1, 1, 1),
        ),
        torch.zeros(n, dtype=torch.int64),
        1,
        is_forget=torch.arange(n) < n_forget,
    )
    whole = [
        batch
        for batch in everything.epochs(passes, batch_size, torch.Generator().manual_seed(0))
        if len(batch) == batch_size
    ]
    lacking = np.mean([not batch.is_forget.any() for batch in whole])
    assert stats.hypergeom.pmf(0, n, n_forget, batch_size) == pytest.approx(golden, abs=tolerance)
    spread = np.sqrt(golden * (1 - golden) / len(whole))
    assert lacking == pytest.approx(golden, abs=4 * spread)


# Adapters and parameters ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape", "largest"),
    [
        (nn.Linear(16, 8), (5, 16), 5e-7),
        (nn.Conv2d(4, 8, 3, stride=2, padding=1), (3, 4, 8, 8), 1e-6),
        (nn.Conv2d(4, 8, 1), (3, 4, 8, 8), 5e-7),
    ],
    ids=["linear", "strided 3x3", "1x1"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_merging_rounds_no_more_than_was_measured(layer, shape, largest, dtype):
    draw = torch.Generator().manual_seed(0)
    net = nn.Sequential(copy.deepcopy(layer))
    for parameter in net.parameters():
        parameter.data.normal_(std=0.1, generator=draw)
    made = attach(net, ["0"], rank=2, alpha=4, dropout=0.0, generator=draw)
    made.layers["0"].lora_B[ADAPTER].weight.data.normal_(std=0.1, generator=draw)
    made.model.to(dtype).eval()
    images = torch.randn(shape, generator=draw).to(dtype)
    with torch.no_grad():
        before, plain = made.model(images), made.layers["0"].base_layer(images)
        after = made.merge()(images)
    assert (before - plain).abs().max() > 0.01  # the adapter acts
    limit = largest if dtype == torch.float32 else 1e-12
    assert (before - after).abs().max().item() <= limit


def test_a_class_token_and_learned_positions_are_what_the_vit_of_the_notebooks_lacks():
    from timm.models import create_model

    usual = create_model("vit_small_patch16_224", pretrained=False, num_classes=100)
    config = ModelConfig(name="vit_s", stem="imagenet")
    ours = MODELS["vit_s"].build(config, 3, 100)
    counts = [sum(p.numel() for p in model.parameters()) for model in (usual, ours)]
    assert counts == [21_704_164, 21_628_132]
    assert counts[0] - counts[1] == (1 + 197) * 384


# Clustering -----------------------------------------------------------------------------------


def normalised(clusters, forget):
    """Mutual information and its other normalisations, from the public scores and entropies."""
    shares = [np.bincount(values) / len(values) for values in (clusters, forget.astype(int))]
    sizes = [entropy(share[None])[0] for share in shares]
    information = forget_cluster_scores(clusters, forget).nmi * min(sizes)
    return information, *sizes, information / np.sqrt(np.prod(sizes)), information / max(sizes)


def test_the_parts_of_the_mutual_information_have_the_golden_values():
    clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    forget = np.array([1, 1, 0, 0, 0, 1, 0, 0], dtype=bool)
    golden = (0.184178, 1.082196, 0.661563, 0.217670, 0.170189)
    assert normalised(clusters, forget) == pytest.approx(golden, abs=1e-6)


@pytest.mark.parametrize(
    ("n_classes", "arithmetic", "geometric"),
    [(10, 0.2474, 0.3757), (100, 0.024, 0.110), (200, 0.012, 0.077)],
)
def test_other_normalisations_of_a_perfect_clustering_stay_far_below_one(
    n_classes, arithmetic, geometric
):
    clusters = np.repeat(np.arange(n_classes), 3)
    forget = clusters == 0
    scores = forget_cluster_scores(clusters, forget)
    assert (scores.f1, scores.nmi) == (1, pytest.approx(1, abs=1e-9))
    digits = 4 if n_classes == 10 else 3
    assert round(scores.nmi_arithmetic, digits) == arithmetic
    assert round(normalised(clusters, forget)[3], digits) == geometric


def test_feature_metrics_do_not_see_the_order_of_examples():
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(4), 20)
    parts = {
        "logits": random.normal(size=(80, 4)),
        "labels": labels,
        "forget": labels == 1,
        "is_train": np.arange(80) < 60,
        "features": 9 * np.eye(4, 6)[labels] + random.normal(size=(80, 6)),
    }
    parts["features"][::7] = parts["features"][3]  # so that no clustering is perfect
    order = random.permutation(80)
    shuffled = {name: part[order] for name, part in parts.items()}
    for name in ("dimensional_alignment", "cluster_f1", "cluster_nmi"):
        value = METRICS[name].compute(evidence(**parts))
        assert 0 < value < 1
        assert METRICS[name].compute(evidence(**shuffled)) == pytest.approx(value, abs=1e-12)


# Membership and accuracy ----------------------------------------------------------------------


def test_the_modified_entropy_is_not_the_published_codes():
    value = modified_entropy(np.array([[0.7, 0.2, 0.1]]), np.array([0]))[0]
    assert value == pytest.approx(0.162167, abs=1e-6)
    assert abs(value - 0.659149) > 0.1


def test_the_balanced_logistic_regression_decides_at_0_5498():
    members, others = np.full(40, 0.1), np.full(10, 1.0)
    for shift, rate in ((-0.005, 1), (0.005, 0)):
        score = np.array([0.5498 + shift])
        assert membership_rate(members, others, score, attack="logistic") == rate


def test_one_member_among_five_forgotten_examples_is_a_rate_of_0_2_and_an_efficacy_of_0_8():
    called = np.array([0, 0, 0, 1, 0], dtype=bool)
    sure = np.concatenate([called, np.ones(40, dtype=bool), np.zeros(40, dtype=bool)])
    labels = np.zeros(85, dtype=np.int64)
    logits = np.where(sure[:, None], [4.0, 0.0], [-4.0, 0.0])
    ids = np.arange(85)
    found = evidence(logits, labels, forget=ids < 5, is_train=ids < 45)
    assert METRICS["mia_neglora"].compute(found) == pytest.approx(0.2)
    assert METRICS["mia_efficacy"].compute(found) == pytest.approx(0.8)


def test_an_accuracy_of_0_0558_is_an_unlearning_accuracy_of_0_9442():
    n, labels = 5000, np.zeros(5000, dtype=np.int64)
    logits = np.where(np.arange(n)[:, None] < 279, [1.0, 0.0], [0.0, 1.0])
    everything = np.ones(n, dtype=bool)
    found = evidence(logits, labels, forget=everything, is_train=everything)
    assert METRICS["forget_accuracy"].compute(found) == pytest.approx(0.0558)
    assert METRICS["unlearning_accuracy"].compute(found) == pytest.approx(0.9442)


@pytest.mark.parametrize(("norm", "bound"), [("l2", np.sqrt(2)), ("l1", 2)])
def test_certain_predictions_of_different_classes_reach_the_bound_of_the_activation_distance(
    norm, bound
):
    value = activation_distance(np.eye(3), np.eye(3)[[1, 2, 0]], norm=norm)
    assert value == pytest.approx(bound)
    assert METRICS[f"activation_distance_{norm}"].bounds == (0, pytest.approx(bound))
