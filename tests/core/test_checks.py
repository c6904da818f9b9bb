"""Every public function says in one line what is wrong with its input, naming the argument."""

import re

import numpy as np
import pytest
import torch

from unlearn_core import checks
from unlearn_core.methods import losses
from unlearn_core.metrics.accuracy import accuracy
from unlearn_core.metrics.alignment import dimensional_alignment, effective_rank
from unlearn_core.metrics.attacks import two_sample_accuracy
from unlearn_core.metrics.backdoor import attack_success_rate
from unlearn_core.metrics.clustering import forget_cluster_scores
from unlearn_core.metrics.distance import activation_distance, feature_distance
from unlearn_core.metrics.membership import entropy, membership_rate, modified_entropy
from unlearn_core.metrics.nearest import nearest_class_shares
from unlearn_core.metrics.perplexity import perplexity
from unlearn_core.metrics.probing import linear_probe_accuracy
from unlearn_core.metrics.similarity import linear_cka
from unlearn_core.metrics.zrf import zero_retrain_forgetting

F = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
NAN = np.where(F == 2.0, np.nan, F)
P = np.full((4, 3), 1 / 3)
Y = np.array([0, 1, 2, 1])
Z = torch.zeros(4, 3)
IS_FORGET = torch.tensor([True, False, True, False])

BAD = {
    "rank not whole": (
        lambda: dimensional_alignment(F, F, rank=1.5),
        "`rank` must be a whole number from 1 to 3, got 1.5",
    ),
    "rank a float": (
        lambda: dimensional_alignment(F, F, rank=2.0),
        "`rank` must be a whole number from 1 to 3, got 2.0",
    ),
    "logits of one example": (
        lambda: losses.self_distillation_loss(Z[0], torch.tensor([0])),
        "`logits` and int64 `labels` must have shapes (B, n_classes)",
    ),
    "labels as floats": (
        lambda: losses.self_distillation_loss(Z, torch.zeros(4)),
        "got (4, 3) and torch.float32 (4,)",
    ),
    "a basis of one axis": (
        lambda: losses.alignment_loss(Z, torch.ones(3)),
        "`retain_basis` (n_features, rank), got (4, 3) and (3,)",
    ),
    "one example's logits": (
        lambda: losses.scrub_divergence(Z[0], Z[0], 1.0),
        "`student_logits` must have shape (B, n_classes), got (3,)",
    ),
    "features not numbers": (
        lambda: effective_rank(np.array([["a", "b"]])),
        "`features` must hold numbers, got <U1",
    ),
    "widths differ": (
        lambda: linear_probe_accuracy(F, Y, F[:, :2], Y),
        "`train_features` and `test_features` must have the same number of features, got 3 and 2",
    ),
    "probe sees NaN": (
        lambda: linear_probe_accuracy(F, Y, NAN, Y),
        "`test_features` has 2 non-finite values out of 12",
    ),
    "labels as a column": (
        lambda: linear_probe_accuracy(F, Y[:, None], F, Y),
        "`train_labels` must have shape (4,), got (4, 1)",
    ),
    "half a label": (
        lambda: accuracy(np.array([0.5]), np.array([0])),
        "`predictions` must be whole numbers, got float64 with fractions",
    ),
    "no example": (
        lambda: accuracy(np.array([], dtype=int), np.array([], dtype=int)),
        "`predictions` must have shape (n_examples,) with n_examples > 0, got (0,)",
    ),
    "membership not a flag": (
        lambda: forget_cluster_scores(Y, np.array([0, 1, 2, 1])),
        "`is_forget` must be between 0 and 1, got values from 0 to 2",
    ),
    "logits for probabilities": (
        lambda: activation_distance(P, 5 * F),
        "`probabilities_b` must be probabilities in [0, 1], got values from 0 to 10",
    ),
    "NaN for probabilities": (
        lambda: activation_distance(NAN, P),
        "`probabilities_a` has 2 non-finite values out of 12",
    ),
    "entropy of a vector": (
        lambda: entropy(np.array([0.5, 0.5])),
        "`probabilities` must have shape (n_examples, n_classes), none of them 0, got (2,)",
    ),
    "label out of range": (
        lambda: modified_entropy(P, np.array([0, 1, 3, 1])),
        "`labels` must be between 0 and 2, got values from 0 to 3",
    ),
    "label below zero": (
        lambda: modified_entropy(P, np.array([0, 1, -1, 1])),
        "`labels` must be between 0 and 2, got values from -1 to 1",
    ),
    "too few labels": (
        lambda: modified_entropy(P, np.array([0, 1])),
        "`labels` must have shape (4,), got (2,)",
    ),
    "ZRF of nothing": (
        lambda: zero_retrain_forgetting(P[:0], P[:0]),
        "`probabilities` must have shape (n_examples, n_classes), none of them 0, got (0, 3)",
    ),
    "layer not finite": (
        lambda: feature_distance([F, NAN], [F, F]),
        "`layers_a[1]` has 2 non-finite values out of 12",
    ),
    "layer of another shape": (
        lambda: feature_distance([F], [F[:2]]),
        "`layers_a[0]` and `layers_b[0]` must have the same shape, got (4, 3) and (2, 3)",
    ),
    "layer empty": (
        lambda: feature_distance([F[:0]], [F[:0]]),
        "`layers_a[0]` must not be empty, got shape (0, 3)",
    ),
    "negative likelihood": (
        lambda: perplexity(np.array([-1.0, 1.0])),
        "`negative_log_likelihoods` must be at least 0 nats, got -1",
    ),
    "attack on unequal lists": (
        lambda: attack_success_rate(Y, Y[:2], 0),
        "`predictions` and `true_labels` must have the same shape, got (4,) and (2,)",
    ),
    "scores not finite": (
        lambda: two_sample_accuracy(np.array([1.0, np.inf]), np.array([1.0, 2.0]), n_splits=2),
        "`scores_a` has 1 non-finite values out of 2",
    ),
    "scores of three axes": (
        lambda: membership_rate(np.ones((2, 2, 2)), Y, Y),
        "`retain_scores` must have shape (n,) or (n, d) with n > 0, got (2, 2, 2)",
    ),
    "classes without labels": (
        lambda: nearest_class_shares(F, F, Y[:2]),
        "`class_labels` must have shape (4,), got (2,)",
    ),
    "similarity of NaN": (
        lambda: linear_cka(NAN, F),
        "`features_a` has 2 non-finite values out of 12",
    ),
    "self-distillation of one class": (
        lambda: losses.self_distillation_loss(Z[:, :1], torch.zeros(4, dtype=torch.int64)),
        "n_classes > 1 and (B,), got (4, 1) and torch.int64 (4,)",
    ),
    "self-distillation of an unknown label": (
        lambda: losses.self_distillation_loss(Z, torch.tensor([0, 1, 2, 3])),
        "`labels` must be between 0 and 2, got values from 0 to 3",
    ),
    "alignment of other features": (
        lambda: losses.alignment_loss(Z, torch.eye(4)),
        "`forget_features` must have shape (B, n_features)",
    ),
    "temperature zero": (
        lambda: losses.scrub_divergence(Z, Z, 0.0),
        "`temperature` must be above 0, got 0.0",
    ),
    "teacher of one example": (  # would broadcast
        lambda: losses.scrub_divergence(Z, Z[:1], 1.0),
        "`student_logits` and `teacher_logits` must have the same shape, got (4, 3) and (1, 3)",
    ),
    "one flag for all": (  # would broadcast
        lambda: losses.bad_teacher_loss(Z, Z, Z, IS_FORGET[:1]),
        "`is_forget` must be bool of shape (4,), got torch.bool of shape (1,)",
    ),
    "flags as numbers": (
        lambda: losses.residual_alignment_loss([Z], [Z], IS_FORGET.long()),
        "`is_forget` must be bool of shape (4,), got torch.int64 of shape (4,)",
    ),
    "no layer": (
        lambda: losses.residual_alignment_loss([], [], IS_FORGET),
        "at least one, must be in all lists, got {'residuals': 0, 'frozen': 0}",
    ),
    "teacher of fewer layers": (
        lambda: losses.residual_alignment_loss([Z, Z], [Z, Z], IS_FORGET, teacher=[Z]),
        "got {'residuals': 2, 'frozen': 2, 'teacher': 1}",
    ),
    "teacher of another layer": (  # would broadcast
        lambda: losses.residual_alignment_loss([Z], [Z], IS_FORGET, teacher=[Z[:, :1]]),
        "`target[0]` must have the same shape, got (4, 3) and (4, 3) and (4, 1)",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named_in_one_line(call, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_lists_are_as_good_as_arrays():
    assert effective_rank(F.tolist()) == effective_rank(F)
    assert accuracy([1, 2, 3], [1, 2, 4]) == 2 / 3
    assert forget_cluster_scores([0, 0, 1], [True, True, False]).f1 == 1.0
    assert forget_cluster_scores([0, 0, 1], [1, 1, 0]).f1 == 1.0
    assert membership_rate([0.1] * 5, [0.9] * 5, [0.1]) == 1.0


def test_a_probability_that_rounding_pushed_past_one_is_one():
    nearly = checks.probability_matrix("p", np.array([[1 + 1e-9, -1e-9]]))
    assert nearly.tolist() == [[1.0, 0.0]]


def test_what_is_not_counted_may_be_missing():
    values = np.array([np.nan, np.log(2.0)])
    assert perplexity(values, is_counted=np.array([False, True])) == pytest.approx(2.0)
