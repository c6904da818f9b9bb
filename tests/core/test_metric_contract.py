"""What every metric keeps to. A metric that is registered joins these tests by itself."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.networks import small_resnet
from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import to_device
from unlearn_core.engine.probes import compare_layers
from unlearn_core.metrics import METRICS, NO_COST, Cost, Evidence, evaluate
from unlearn_core.metrics.attacks import cross_entropies, two_sample_accuracy
from unlearn_core.metrics.base import OF_RUN, of_scope, register_metric
from unlearn_core.metrics.clustering import cluster_features, forget_cluster_scores
from unlearn_core.metrics.probing import linear_probe_accuracy
from unlearn_core.models import initialise
from unlearn_core.records import Records, Sets, TokenRecords

N, CLASSES = 120, 4
every_metric = pytest.mark.parametrize("name", METRICS)
of_one_run = pytest.mark.parametrize("name", [spec.name for spec in of_scope(OF_RUN)])


def make_records(seed, *, sharp=3.0):
    random = np.random.default_rng(seed)
    labels = np.arange(N) % CLASSES
    features = random.normal(size=(N, 6)) + 2 * np.eye(CLASSES, 6)[labels]
    logits = sharp * np.eye(CLASSES)[labels] + random.normal(size=(N, CLASSES))
    return Records(
        example_ids=np.arange(N),
        labels=labels,
        is_train=np.arange(N) < 80,
        logits=logits.astype(np.float32),
        features=features.astype(np.float32),
    )


def make_texts(seed):
    """The same examples as texts, of which a language model answers each token."""
    random, n_tokens = np.random.default_rng(seed), 1 + np.arange(N) % 5
    tokens = TokenRecords(
        n_tokens=n_tokens,
        losses=random.gamma(2.0, size=n_tokens.sum()).astype(np.float32),
        entropies=random.uniform(0.1, 2, N).astype(np.float32),
    )
    return replace(make_records(seed), logits=np.zeros((N, 0), np.float32), tokens=tokens)


def make_written():
    """Evidence of language models."""
    return make_evidence(
        records=make_texts(0),
        original=make_texts(1),
        retrained=make_texts(2),
        answer_distances={"l1": 0.5, "l2": 0.25},
        random_probabilities=None,
    )


def is_of_tokens(name):
    return name.startswith("perplexity")


def make_sets(chosen, *, split_test=True):
    train = np.arange(N) < 80
    test_part = chosen & ~train if split_test else np.zeros(N, dtype=bool)
    return Sets(
        forget=chosen & train,
        retain=~chosen & train,
        forget_test=test_part,
        retain_test=~train & ~test_part,
    )


def make_evidence(**changes):
    parts = {
        "records": make_records(0),
        "original": make_records(1),
        "retrained": make_records(2),
        "sets": make_sets(np.arange(N) % CLASSES == 1),
        "cost": Cost(
            seconds=1.7, steps=5, samples_seen=40, trainable_parameters=7, peak_memory_bytes=2**20
        ),
        "retrained_cost": Cost(
            seconds=100.0,
            steps=50,
            samples_seen=800,
            trainable_parameters=9,
            peak_memory_bytes=None,
        ),
        "layer_distances": {"original/forget": 0.5, "retrained/forget": 0.25},
        "triggered": make_records(3, sharp=0.0),
        "target": 1,
        "confused": (0, 2),
        "subclass_labels": np.arange(N) % (2 * CLASSES),
    }
    if "random_probabilities" not in changes:
        n_forget = int({**parts, **changes}["sets"].forget.sum())
        parts["random_probabilities"] = np.full((n_forget, CLASSES), 1 / CLASSES)
    return Evidence(**{**parts, **changes})


def constant(records, *, features=1.0, logits=0.0):
    return replace(
        records,
        features=np.full_like(records.features, features),
        logits=np.full_like(records.logits, logits),
    )


def extremes():
    """Evidence at the edges of what a run can leave behind, by name."""
    plain, broken = make_records(0), make_records(0)
    broken.logits[5], broken.features[5] = np.nan, np.inf
    certain = replace(plain, logits=1000 * np.eye(CLASSES, dtype=np.float32)[plain.labels])
    ids = np.arange(N)
    return {
        "class": make_evidence(),
        "chosen examples": make_evidence(sets=make_sets(ids < 10, split_test=False)),
        "one forget example": make_evidence(sets=make_sets(ids == 5, split_test=False)),
        "all but one class": make_evidence(sets=make_sets(ids % CLASSES != 1)),
        "no retrained model": make_evidence(
            retrained=None, retrained_cost=None, layer_distances={}
        ),
        "the original": make_evidence(cost=NO_COST),
        "a system that does not tell its memory": make_evidence(
            cost=replace(make_evidence().cost, peak_memory_bytes=None)
        ),
        "constant outputs": make_evidence(records=constant(plain)),
        "zero features": make_evidence(records=constant(plain, features=0.0)),
        "huge features": make_evidence(records=constant(plain, features=1e18)),
        "language models": make_written(),
        "certain outputs": make_evidence(records=certain),
        "broken model": make_evidence(
            records=broken,
            layer_distances={"original/forget": math.nan, "retrained/forget": math.inf},
        ),
    }


@pytest.fixture(scope="module")
def results():
    return {name: evaluate(evidence) for name, evidence in extremes().items()}


@every_metric
def test_a_metric_tells_what_it_is(name):
    spec = METRICS[name]
    low, high = spec.bounds
    assert spec.name == name
    assert spec.label
    assert spec.group
    assert spec.source
    assert len(spec.definition) > 20
    assert spec.ideal in ("higher", "lower", "reference")
    assert spec.unit in ("fraction", "number", "seconds", "ratio", "count", "bytes")
    assert spec.tolerance > 0
    assert spec.scope in ("run", "seeds", "relearning")
    assert (spec.least_seeds > 1) == (spec.scope == "seeds")
    assert low is None or high is None or low < high


@pytest.mark.parametrize("case", extremes())
@every_metric
def test_a_value_lies_within_its_bounds_or_is_missing_with_a_reason(name, case, results):
    values, reasons = results[case]
    value = values[name]
    if value is None:
        assert reasons[name]
        return
    assert name not in reasons
    low, high = METRICS[name].bounds
    assert type(value) is float
    assert math.isfinite(value)
    assert low is None or value >= low
    assert high is None or value <= high + 1e-9


@of_one_run
def test_a_metric_repeats_and_ignores_the_order_of_examples(name, results):
    order = np.random.default_rng(0).permutation(N)
    make, case = make_evidence, "class"
    if is_of_tokens(name):
        make, case = make_written, "language models"
    start = make()
    shuffled = make_evidence(
        records=start.records.where(order),
        original=start.original.where(order),
        retrained=start.retrained.where(order),
        subclass_labels=start.subclass_labels[order],
        sets=Sets(**{k: getattr(start.sets, k)[order] for k in start.sets.__dataclass_fields__}),
    )
    expected = results[case][0][name]
    assert METRICS[name].compute(make()) == expected
    # attacks and k-means draw examples by position, everything else sees the same ones
    tolerance = 0.1 if name.startswith(("mia_", "cluster_")) else 1e-6
    assert METRICS[name].compute(shuffled) == pytest.approx(expected, abs=tolerance)


def test_every_metric_applies_to_an_ordinary_class_request(results):
    values, reasons = results["class"]
    assert set(values) == set(METRICS)
    left_out = {n for n in reasons if METRICS[n].scope == OF_RUN and not is_of_tokens(n)}
    assert not {n for n in left_out if "subclass" not in n and "backdoor" not in n}, reasons


def test_of_language_models_perplexities_features_and_attacks_by_loss_and_entropy_are_known(
    results,
):
    values, reasons = results["language models"]
    known = {name for name, value in values.items() if value is not None}
    assert {n for n in METRICS if is_of_tokens(n)} <= known
    assert {"dimensional_alignment", "linear_probe_forget", "cluster_f1", "cka_retrained"} <= known
    assert {"mia_rfa", "mia_scrub", "mia_starter", "mia_prunelora"} <= known
    assert values["activation_distance_l1"] == 0.5
    of_pictures = {"backdoor_asr", "backdoor_asr_all", "triggered_accuracy"}  # which are made up
    assert not {name for name in known - of_pictures if "accuracy" in name}
    assert "answers with tokens" in reasons["zrf"]


def test_a_metric_that_does_not_apply_says_why(results):
    reasons = results["chosen examples"][1]
    assert "forget_test is empty" in reasons["forget_test_accuracy"]
    assert "forget_test is empty" in reasons["linear_probe_forget"]
    reasons = results["no retrained model"][1]
    for name in ("activation_distance_l2", "speedup", "rel_cost"):
        assert "no retrained model" in reasons[name]
    assert "no layers of two models were compared" in reasons["feature_distance_retrained"]
    for name in ("forget_accuracy", "dimensional_alignment", "cluster_f1", "mia_rfa"):
        assert "not finite" in results["broken model"][1][name]
    assert "no unlearning steps" in results["the original"][1]["speedup"]
    assert "one class" in results["all but one class"][1]["linear_probe_retain"]


def test_accuracies_are_those_of_their_sets(results):
    evidence, (values, _) = make_evidence(), results["class"]
    right = evidence.records.predictions == evidence.records.labels
    sets = evidence.sets
    for name, mask in {
        "retain_accuracy": sets.retain,
        "forget_accuracy": sets.forget,
        "retain_test_accuracy": sets.retain_test,
        "forget_test_accuracy": sets.forget_test,
        "test_accuracy": sets.test,
    }.items():
        assert values[name] == pytest.approx(right[mask].mean()), name
    assert values["unlearning_accuracy"] == pytest.approx(1 - right[sets.forget].mean())


def test_probes_are_trained_and_scored_on_the_sets_that_the_paper_names(results):
    evidence, (values, _) = make_evidence(), results["class"]
    f, y, s = evidence.records.features, evidence.records.labels, evidence.sets
    train = s.forget | s.retain
    forget = linear_probe_accuracy(f[train], y[train], f[s.forget_test], y[s.forget_test])
    retain = linear_probe_accuracy(f[s.retain], y[s.retain], f[s.retain_test], y[s.retain_test])
    assert values["linear_probe_forget"] == forget
    assert values["linear_probe_retain"] == retain
    assert 0 < forget < 1
    assert forget != retain


def test_cost_is_reported_both_ways(results):
    values = results["class"][0]
    assert values["speedup"] == pytest.approx(58.823529, abs=1e-6)
    assert values["rel_cost"] == pytest.approx(0.017, abs=1e-9)
    assert values["unlearn_seconds"] == 1.7
    assert values["trainable_parameters"] == 7
    assert values["unlearn_steps"] == 5
    assert values["samples_seen"] == 40
    assert values["peak_memory_bytes"] == 2**20


def test_unknown_memory_is_a_reason_and_never_a_number(results):
    values, reasons = results["a system that does not tell its memory"]
    assert values["peak_memory_bytes"] is None
    assert "memory" in reasons["peak_memory_bytes"]
    assert values["samples_seen"] == 40


def test_the_retrained_model_is_at_no_distance_from_itself():
    same = make_records(2)
    values, _ = evaluate(make_evidence(records=same, retrained=same))
    assert values["activation_distance_l2"] == values["activation_distance_l1"] == 0


def test_a_metric_is_registered_once():
    with pytest.raises(ValueError, match="Two metrics are registered as 'cluster_f1'"):
        register_metric("cluster_f1", label="F1", group="x", source="x")(lambda _e: 0.0)


def test_the_order_of_examples_does_not_change_clusters_without_structure():
    random = np.random.default_rng(0)
    features = random.normal(size=(300, 5))
    forget = random.random(300) < 0.1
    scores = []
    for _ in range(3):
        order = random.permutation(300)
        scores.append(forget_cluster_scores(cluster_features(features[order], 10), forget[order]))
    assert scores[0] == scores[1] == scores[2]


def test_outputs_that_are_not_finite_are_no_backdoor_and_no_clean_accuracy():
    broken = replace(make_records(3), logits=np.full((N, CLASSES), np.nan, dtype=np.float32))
    values, reasons = evaluate(make_evidence(triggered=broken, records=broken))
    for name in ("backdoor_asr", "backdoor_asr_all", "triggered_accuracy", "clean_accuracy"):
        assert values[name] is None
        assert reasons[name] == "the model's outputs are not finite"


@pytest.mark.parametrize("where", ["forget", "retain", "forget_test", "retain_test"])
def test_one_output_that_is_not_finite_never_ends_the_evaluation(where):
    evidence = make_evidence()
    row = np.flatnonzero(getattr(evidence.sets, where))[0]
    evidence.records.logits[row, 0] = np.inf
    values, reasons = evaluate(evidence)
    assert {name for name, value in values.items() if value is None} == set(reasons)


def test_an_attack_on_chosen_examples_looks_at_test_examples_of_their_classes():
    chosen = np.isin(np.arange(N), np.flatnonzero(np.arange(N) % CLASSES == 1)[:15])
    evidence = make_evidence(sets=make_sets(chosen, split_test=False))
    assert not evidence.sets.forget_test.any()
    evidence.records.logits[(np.arange(N) % CLASSES != 1) & ~evidence.records.is_train] = 0
    same = np.flatnonzero(evidence.sets.test & (np.arange(N) % CLASSES == 1))
    expected = two_sample_accuracy(
        cross_entropies(evidence.records.where(chosen)),
        cross_entropies(evidence.records.where(np.isin(np.arange(N), same))),
        n_splits=5,
    )
    assert METRICS["mia_scrub"].compute(evidence) == expected


def test_layers_of_a_model_that_broke_down_are_missing_and_others_are_not(small_dataset):
    net = small_resnet(ModelConfig(width=2))
    initialise(net, torch.Generator().manual_seed(0))
    broken = copy.deepcopy(net)
    with torch.no_grad():
        broken.layer3[0].conv1.weight.fill_(3e38)  # finite, and its products are not
    examples = to_device(small_dataset, small_dataset.is_train, torch.device("cpu"))
    rows = compare_layers(broken, {"original": net}, {"forget": examples})
    values = {row["layer"]: row for row in rows}
    assert values["layer1.0.conv1"]["distance"] == 0
    assert values["layer1.0.conv1"]["cka"] == pytest.approx(1)
    for name in ("distance", "relative_distance", "cka"):
        assert math.isnan(values["layer4.0.conv1"][name])
    alone = compare_layers(net, {"original": net}, {"forget": examples.take(torch.tensor([0]))})
    assert all(row["distance"] == 0 and math.isnan(row["cka"]) for row in alone)


def test_features_of_zero_have_no_alignment():
    empty = replace(make_records(0), features=np.zeros((N, 6), dtype=np.float32))
    values, reasons = evaluate(make_evidence(records=empty))
    assert values["dimensional_alignment"] is None
    assert "all features are zero" in reasons["dimensional_alignment"]
    assert values["effective_rank"] == 0
