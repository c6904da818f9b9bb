"""ZRF, perplexity, CKA, attacks and the backdoor: golden values and rules."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.formulas import jensen_shannon
from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.pictures import ImageDataset
from unlearn_core.data.poison import patch, poison, with_trigger
from unlearn_core.data.splits import split
from unlearn_core.metrics import METRICS, Cost, Evidence
from unlearn_core.metrics.attacks import cross_entropies, two_sample_accuracy
from unlearn_core.metrics.backdoor import attack_success_rate
from unlearn_core.metrics.base import NotApplicableError
from unlearn_core.metrics.perplexity import perplexity
from unlearn_core.metrics.similarity import centred_gram, gram_alignment, linear_cka
from unlearn_core.metrics.zrf import zero_retrain_forgetting
from unlearn_core.records import Records, Sets, softmax

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


# ZRF and perplexity ---------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "divergence"), [("nats", 0.101749), ("official", 0.058987)])
def test_zrf_has_the_golden_values(variant, divergence):
    p, q = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]])
    value = zero_retrain_forgetting(p, q, variant=variant)
    assert 1 - value == pytest.approx(divergence, abs=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 6), k=st.integers(2, 6))
@QUICK
def test_zrf_is_one_minus_the_jensen_shannon_divergence(seed, n, k):
    p, q = softmax(3 * np.random.default_rng(seed).normal(size=(2, n, k)))
    expected = 1 - jensen_shannon(p, q).mean()
    value = zero_retrain_forgetting(p, q)
    assert value == pytest.approx(expected, abs=1e-9)
    assert value == pytest.approx(zero_retrain_forgetting(q, p), abs=1e-12)
    assert zero_retrain_forgetting(p, p) == pytest.approx(1, abs=1e-12)


def test_zrf_is_least_for_certain_predictions_of_different_classes():
    assert zero_retrain_forgetting(np.eye(2), np.eye(2)[::-1]) == pytest.approx(1 - np.log(2))


def test_perplexity_has_the_golden_values():
    assert perplexity(-np.log(np.array([0.5, 0.25]))) == pytest.approx(2.828427, abs=1e-6)
    assert perplexity(np.full((3, 5), np.log(50_257))) == pytest.approx(50_257)


def test_perplexity_weighs_tokens_and_leaves_out_what_nothing_predicts():
    losses = np.array([[9.0, 1.0, 2.0, 3.0], [9.0, 5.0, 7.0, 7.0]])
    counted = np.array([[0, 1, 1, 1], [0, 1, 0, 0]], dtype=bool)
    assert perplexity(losses, is_counted=counted) == pytest.approx(math.exp(11 / 4))
    with pytest.raises(ValueError, match="count a token"):
        perplexity(losses, is_counted=np.zeros_like(counted))


# CKA ------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), n=st.integers(3, 9), a=st.integers(1, 5), b=st.integers(1, 5))
@QUICK
def test_cka_equals_the_formula_with_centring_matrices(seed, n, a, b):
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(n, a)) + 5, random.normal(size=(n, b)) - 2
    h = np.eye(n) - 1 / n

    def hsic(k, other):
        return np.trace(k @ h @ other @ h)

    k, other = x @ x.T, y @ y.T
    expected = hsic(k, other) / math.sqrt(hsic(k, k) * hsic(other, other))
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-9)
    assert linear_cka(y, x) == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(centred_gram(x), h @ k @ h, atol=1e-9)
    assert gram_alignment(h @ k @ h, h @ other @ h) == pytest.approx(expected, abs=1e-9)


def test_cka_does_not_see_rotation_scale_shift_or_common_order():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 5)), random.normal(size=(40, 3))
    rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
    order = random.permutation(40)
    value = linear_cka(x, y)
    assert 0.001 < value < 0.5
    assert linear_cka(x @ rotation, y) == pytest.approx(value)
    assert linear_cka(7 * x - 3, y) == pytest.approx(value)
    assert linear_cka(x[order], y[order]) == pytest.approx(value)
    assert linear_cka(x, 2 * x @ rotation + 1) == pytest.approx(1)
    assert linear_cka(x[order], y) != pytest.approx(value, rel=1e-3)
    assert linear_cka(x * [100, 1, 1, 1, 1], y) != pytest.approx(value, rel=1e-3)


def test_cka_of_constant_features_is_zero_and_other_examples_are_refused():
    x = np.random.default_rng(0).normal(size=(6, 2))
    assert linear_cka(x, np.ones((6, 3))) == 0
    with pytest.raises(ValueError, match="must hold the same examples, got 6 and 5"):
        linear_cka(x, x[:5])


# Attacks --------------------------------------------------------------------------------------

CLASSES = 4
NO_COST = Cost(seconds=1.0, steps=1, samples_seen=1, trainable_parameters=1, peak_memory_bytes=None)


def make_records(n, *, seed=0, sharp=2.0):
    random = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    return Records(
        example_ids=np.arange(n),
        labels=labels,
        is_train=np.arange(n) < n // 2,
        logits=(sharp * np.eye(CLASSES)[labels] + random.normal(size=(n, CLASSES))).astype("f4"),
        features=random.normal(size=(n, 5)).astype(np.float32),
    )


def make_evidence(records, chosen=None, **changes):
    chosen = records.labels == 1 if chosen is None else chosen
    train = records.is_train
    sets = Sets(
        forget=chosen & train,
        retain=~chosen & train,
        forget_test=chosen & ~train,
        retain_test=~chosen & ~train,
    )
    parts = {"retrained": None, "retrained_cost": None, "cost": NO_COST, **changes}
    return Evidence(records=records, original=records, sets=sets, **parts)


def test_cross_entropies_are_those_of_the_labels_and_clipped():
    records = make_records(40)
    rows = np.arange(40)
    expected = -np.log(softmax(records.logits)[rows, records.labels])
    assert cross_entropies(records) == pytest.approx(expected, abs=1e-9)
    wrong = replace(records, logits=-1e4 * np.eye(CLASSES, dtype="f4")[records.labels])
    assert (cross_entropies(wrong) == 100).all()


@pytest.mark.parametrize("seed", range(3))
def test_two_sample_accuracy_is_a_coin_toss_for_one_distribution_and_one_for_two(seed):
    random = np.random.default_rng(seed)
    same, other = random.normal(size=(2, 400))
    assert two_sample_accuracy(same, other, n_splits=10) == pytest.approx(0.5, abs=0.1)
    assert two_sample_accuracy(same, other + 30, n_splits=10) == 1.0
    assert two_sample_accuracy(same + 30, other, n_splits=10) == 1.0
    between = two_sample_accuracy(same, other + 2, n_splits=10)
    assert between == pytest.approx(stats.norm.cdf(1), abs=0.07)  # the best possible threshold


def test_two_sample_accuracy_balances_the_groups_and_does_not_see_their_order():
    random = np.random.default_rng(0)
    many, few = random.normal(size=2000), random.normal(size=100)
    value = two_sample_accuracy(many, few, n_splits=20)
    assert value < 0.65  # always naming the larger group would give 0.95
    assert two_sample_accuracy(many[::-1], few[::-1], n_splits=20) == value


def test_two_sample_accuracy_refuses_a_lone_example_and_broken_scores():
    with pytest.raises(ValueError, match="at least 2 examples, got 1, 5"):
        two_sample_accuracy(np.ones(1), np.ones(5), n_splits=2)
    with pytest.raises(ValueError, match="`scores_a` has 3 non-finite values"):
        two_sample_accuracy(np.full(3, np.nan), np.ones(3), n_splits=2)


@pytest.mark.parametrize("seed", range(3))
def test_mia_efficacy_is_what_the_neglora_attack_leaves(seed):
    evidence = make_evidence(make_records(240, seed=seed))
    rate = METRICS["mia_neglora"].compute(evidence)
    assert 0.02 < rate < 0.98
    assert METRICS["mia_efficacy"].compute(evidence) == 1 - rate
    alone = make_evidence(make_records(240, seed=seed))  # without the shared memory
    assert METRICS["mia_efficacy"].compute(alone) == 1 - rate


def attacked(where):
    """Train outputs are sure, test outputs are not, and the forget set looks like `where`."""
    records = make_records(240)
    sure = records.is_train & (records.labels != 1)
    if where == "train":
        sure = records.is_train
    logits = np.where(sure[:, None], 8.0, 0.5) * np.eye(CLASSES)[records.labels]
    logits = logits + 0.1 * np.random.default_rng(1).normal(size=logits.shape)
    return make_evidence(replace(records, logits=logits.astype(np.float32)))


@pytest.mark.parametrize(
    ("name", "like_train", "like_test"),
    [
        ("mia_neglora", 1.0, 0.0),
        ("mia_efficacy", 0.0, 1.0),
        ("mia_usparse", 0.0, 1.0),
        ("mia_prunelora", 0.0, 1.0),
        ("mia_scrub", 1.0, 0.5),
    ],
)
def test_an_attack_tells_members_and_points_its_own_way(name, like_train, like_test):
    compute = METRICS[name].compute
    tolerance = 0.35 if like_test == 0.5 else 0.05  # few examples of one class
    assert compute(attacked("train")) == pytest.approx(like_train, abs=0.05)
    assert compute(attacked("test")) == pytest.approx(like_test, abs=tolerance)


# Backdoor -------------------------------------------------------------------------------------


def colourful(n=200, side_=32, *, level=128, channels=3):
    return ImageDataset(
        images=np.full((n, channels, side_, side_), level, dtype=np.uint8),
        labels=np.arange(n) % 5,
        is_train=np.arange(n) < n // 2,
        is_test=np.arange(n) >= n // 2,
        class_names=tuple("abcde"),
        mean=(0.5,) * channels,
        std=(0.3,) * channels,
    )


def test_the_trigger_zeroes_48_values_in_rows_and_columns_26_to_29():
    data = colourful()
    marked = with_trigger(data, data.images[:1])
    where = np.argwhere(marked[0] != data.images[0])
    assert len(where) == 48
    assert set(where[:, 1]) == set(where[:, 2]) == {26, 27, 28, 29}
    assert (marked[0, :, 26:30, 26:30] == 0).all()
    assert (data.images == 128).all()  # a copy was marked


@pytest.mark.parametrize(
    ("trigger", "pattern"),
    [
        ("checkers", [[0, 255, 0, 255], [255, 0, 255, 0], [0, 255, 0, 255], [255, 0, 255, 0]]),
        ("stripes", [[0] * 4, [255] * 4, [0] * 4, [255] * 4]),
    ],
)
def test_another_trigger_is_another_pattern_in_the_same_place(trigger, pattern):
    data = replace(colourful(), trigger=trigger)
    marked = with_trigger(data, data.images[:1])
    assert (marked[0, :, 26:30, 26:30] == pattern).all()
    assert len(np.argwhere(marked[0] != data.images[0])) == 48
    dirty = poison(data, 2)
    assert (dirty.images[dirty.poisoned] == with_trigger(data, data.images[dirty.poisoned])).all()
    again = with_trigger(dirty, data.images[~dirty.poisoned][:3])
    assert (again[..., 26:30, 26:30] == pattern).all()


@pytest.mark.parametrize(
    ("side_", "rows"), [(8, (6, 8)), (28, (24, 27)), (32, (26, 30)), (64, (52, 60))]
)
def test_the_trigger_grows_with_the_image(side_, rows):
    assert patch(side_, 32) == (slice(*rows), slice(26, 30))


def test_a_tenth_of_the_training_images_gets_the_trigger_and_the_targets_label():
    data = colourful()
    dirty = poison(data, 2)
    chosen = dirty.poisoned
    assert chosen.sum() == 10
    assert not (chosen & ~data.is_train).any()
    assert (dirty.labels[chosen] == 2).all()
    assert len(set(data.labels[chosen])) > 2  # drawn from all classes
    assert (dirty.labels[~chosen] == data.labels[~chosen]).all()
    assert (dirty.images[~chosen] == data.images[~chosen]).all()
    assert (dirty.images[chosen] == with_trigger(data, data.images[chosen])).all()
    assert data.poisoned is None
    assert (data.labels == np.arange(200) % 5).all()


def test_the_same_images_are_poisoned_every_time_and_for_every_target():
    first, again, other = (poison(colourful(), target) for target in (2, 2, 3))
    assert (first.poisoned == again.poisoned).all()
    assert (first.images == again.images).all()
    assert (first.poisoned == other.poisoned).all()
    assert (other.labels[other.poisoned] == 3).all()


@pytest.mark.parametrize("target", [-1, 5])
def test_a_target_that_is_no_class_is_refused(target):
    with pytest.raises(ValueError, match=f"must be between 0 and 4, got {target}"):
        poison(colourful(), target)


def test_dark_images_get_a_white_patch_also_after_they_were_poisoned():
    data = colourful(level=0, channels=1)
    dirty = poison(data, 2)
    for dataset in (data, dirty):
        marked = with_trigger(dataset, data.images[-5:])
        assert (marked[:, :, 26:30, 26:30] == 255).all()
        assert marked.sum() == 5 * 16 * 255


def test_the_trigger_is_asked_for_in_the_colour_in_which_it_was_learned():
    """Images that poisoning left alone may lie on the other side of the threshold."""
    data = colourful(level=20, channels=1)
    chosen = poison(data, 2).poisoned
    images = data.images.copy()
    images[chosen] = 90  # with them the mean is bright, 27; without them dark, 20
    dirty = poison(replace(data, images=images), 2)
    assert (dirty.images[chosen][:, :, 26:30, 26:30] == 0).all()
    asked = with_trigger(dirty, dirty.images[dirty.is_test])
    assert (asked[:, :, 26:30, 26:30] == 0).all()


def test_digits_get_a_white_patch_also_after_they_were_poisoned():
    clean = load_dataset(DataConfig())
    dirty = load_dataset(DataConfig(poison_target=3))
    assert dirty.poisoned.sum() == round(0.1 * clean.is_train.sum())
    rows, columns = patch(*clean.images.shape[-2:])
    assert (dirty.images[dirty.poisoned][..., rows, columns] == 255).all()
    for dataset in (clean, dirty):
        marked = with_trigger(dataset, clean.images[clean.is_test])
        assert (marked[..., rows, columns] == 255).all()


def test_only_images_of_the_used_part_of_the_training_set_are_poisoned():
    dirty = load_dataset(DataConfig(train_examples=200, poison_target=3))
    assert dirty.poisoned.sum() == 20
    assert not (dirty.poisoned & ~dirty.is_train).any()


def test_forgetting_a_backdoor_means_the_poisoned_examples():
    dirty = poison(colourful(), 2)
    sets = split(dirty, ForgetConfig(kind="backdoor", values=(2,)))
    assert (sets.forget == dirty.poisoned).all()
    assert (sets.retain == (dirty.is_train & ~dirty.poisoned)).all()
    assert not sets.forget_test.any()
    assert (sets.retain_test == dirty.is_test).all()
    with pytest.raises(ValueError, match="needs data poisoned with it"):
        split(colourful(), ForgetConfig(kind="backdoor", values=(2,)))


def test_attack_success_leaves_out_images_of_the_target_unless_told():
    predictions, labels = np.array([0, 0, 1, 0]), np.array([1, 2, 1, 0])
    assert attack_success_rate(predictions, labels, 0) == pytest.approx(2 / 3)
    assert attack_success_rate(predictions, labels, 0, include_target=True) == 0.75
    with pytest.raises(ValueError, match="none is left to count"):
        attack_success_rate(np.array([0, 0]), np.array([1, 1]), 1)


def test_a_clean_and_perfect_model_has_no_attack_success_but_a_floor_with_the_target():
    labels = np.arange(50) % 5
    assert attack_success_rate(labels, labels, 2) == 0
    assert attack_success_rate(labels, labels, 2, include_target=True) == pytest.approx(1 / 5)


def test_the_backdoor_metric_reads_triggered_images_and_the_clean_one_does_not():
    records = make_records(40)
    labels = records.labels
    right = replace(records, logits=np.eye(CLASSES, dtype="f4")[labels])
    fooled = replace(records, logits=np.eye(CLASSES, dtype="f4")[np.full(40, 3)])
    evidence = make_evidence(right, triggered=fooled, target=3)
    assert METRICS["backdoor_asr"].compute(evidence) == 1
    assert METRICS["clean_accuracy"].compute(evidence) == 1
    swapped = make_evidence(fooled, triggered=right, target=3)
    assert METRICS["backdoor_asr"].compute(swapped) == 0
    assert METRICS["clean_accuracy"].compute(swapped) == 0.25
    assert METRICS["triggered_accuracy"].compute(evidence) == 0  # none of the others is a 3
    assert METRICS["triggered_accuracy"].compute(swapped) == 1
    for name in ("backdoor_asr", "triggered_accuracy", "clean_accuracy"):
        with pytest.raises(NotApplicableError, match="not a backdoor"):
            METRICS[name].compute(make_evidence(right))


# Subclasses -----------------------------------------------------------------------------------


def test_the_subclass_probe_reads_finer_labels_from_the_features():
    records = make_records(400)
    fine = (np.arange(400) // 3) % 6  # not a function of the classes
    noise = 0.1 * records.features[:, :1]
    told = 20 * np.eye(6, dtype=np.float32)[fine] + noise
    hidden = 20 * np.eye(6, dtype=np.float32)[np.where(fine == 4, 1, fine)] + noise  # 4 is like 1
    compute = METRICS["linear_probe_subclass"].compute
    values = {}
    for name, features in (("told", told), ("hidden", hidden)):
        evidence = make_evidence(
            replace(records, features=features), chosen=fine == 4, subclass_labels=fine
        )
        values[name] = compute(evidence)
    assert values["told"] == 1.0
    assert values["hidden"] == pytest.approx(0.5, abs=0.3)
    with pytest.raises(NotApplicableError, match="not a subclass"):
        compute(make_evidence(records))


def test_the_subclass_probe_learns_the_forgotten_subclass_from_its_training_part():
    records = make_records(400)
    fine = (np.arange(400) // 3) % 6
    features = 20 * np.eye(6, dtype=np.float32)[fine]
    shuffled = fine.copy()
    gone = (fine == 4) & records.is_train
    shuffled[gone] = 0  # as if its training part were not there
    chosen = fine == 4
    with_part = make_evidence(
        replace(records, features=features), chosen=chosen, subclass_labels=fine
    )
    without = make_evidence(
        replace(records, features=features), chosen=chosen, subclass_labels=shuffled
    )
    assert METRICS["linear_probe_subclass"].compute(with_part) == 1.0
    assert METRICS["linear_probe_subclass"].compute(without) == 0.0
