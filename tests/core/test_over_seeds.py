"""Metrics of several seeds: golden values, plain loops, and how a comparison has them."""

import json
import math
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import formulas
from tests.core.test_audits import drawn_evidence
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.metrics import METRICS, NO_COST, evaluate
from unlearn_core.metrics.base import ELSEWHERE, OF_RUN, OF_SEEDS, NotApplicableError, of_scope
from unlearn_core.metrics.forgetting_quality import distinguishability, privacy_loss, quality
from unlearn_core.metrics.klom import klom
from unlearn_core.metrics.over_seeds import Answers, Ensemble, label_margins
from unlearn_core.records import Records, Sets
from unlearn_core.runs.artefact import ARRAYS
from unlearn_core.runs.artefact import METRICS as RUN_METRICS
from unlearn_core.runs.comparison import gather
from unlearn_core.runs.over_seeds import metrics_over_seeds
from unlearn_core.runs.report import report

QUICK = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
OVER_SEEDS = ("klom_forget", "klom_retain", "klom_test", "forgetting_quality")


def test_the_margin_has_the_golden_value():
    [margin] = label_margins([[2.0, 1.0, 0.0]], [0])
    p = formulas.softmax(np.array([2.0, 1.0, 0.0]))[0]
    assert margin == pytest.approx(0.686738, abs=1e-6)
    assert margin == pytest.approx(math.log(p) - math.log(1 - p), abs=1e-12)


@given(seed=seeds)
@QUICK
def test_margins_are_log_odds_of_the_label_and_are_clipped(seed):
    random = np.random.default_rng(seed)
    logits, labels = random.normal(size=(30, 4)), random.integers(0, 4, 30)
    p = formulas.softmax(logits)[np.arange(30), labels]
    assert label_margins(logits, labels) == pytest.approx(np.log(p / (1 - p)), abs=1e-9)
    assert set(np.abs(label_margins(1000 * np.eye(4), [0, 1, 2, 0]))) == {100.0}


def test_klom_has_the_golden_values():
    def of(ours, theirs):
        return klom(np.array([ours]).T, np.array([theirs]).T)[0]

    assert of([0, 0, 1, 1, 2], [0, 1, 1, 2, 2]) == pytest.approx(0.138629, abs=1e-6)
    assert of([0, 0, 0.1], [5, 5, 4]) == pytest.approx(11.512925, abs=1e-6)
    assert of([3, 3], [3, 3, 3]) == 0


@given(seed=seeds, n=st.integers(1, 30), m=st.integers(1, 30))
@QUICK
def test_klom_is_the_divergence_of_numpys_histograms(seed, n, m):
    random = np.random.default_rng(seed)
    ours, theirs = random.normal(size=(n, 6)), random.normal(0.5, 2, size=(m, 6))
    expected = []
    for x in range(6):
        both = np.concatenate([ours[:, x], theirs[:, x]])
        p, q = (
            np.histogram(side[:, x], bins=20, range=(both.min(), both.max()))[0] / len(side)
            for side in (ours, theirs)
        )
        expected.append(
            sum(a * math.log(a / max(b, 1e-5)) for a, b in zip(p, q, strict=True) if a > 0)
        )
    assert klom(ours, theirs) == pytest.approx(expected, abs=1e-12)


def test_the_privacy_loss_has_the_golden_value():
    assert privacy_loss(np.array([0.2]), np.array([0.1])) == pytest.approx([2.079429], abs=1e-6)
    assert privacy_loss(np.array([0.1]), np.array([0.2])) == pytest.approx([2.079429], abs=1e-6)


def largest_loss(ours, theirs):
    """Try every interval between margins, inside and outside, as the challenge's attackers."""
    cuts = [-math.inf, *(np.unique(np.concatenate([ours, theirs])) + 1e-9), math.inf]
    best = 0.0
    for low in cuts:
        for high in cuts:
            for inside in (True, False):
                found, wrong = (
                    np.mean(((low < side) & (side < high)) == inside) for side in (ours, theirs)
                )
                fpr, fnr = wrong, 1 - found
                if fpr == 0 and fnr < 1e-12:
                    return 50.0
                if fpr == 0 or fnr < 1e-12:
                    continue
                ratios = [(1 - 1e-5 - fpr) / fnr, (1 - 1e-5 - fnr) / fpr]
                best = max(best, *(math.log(r) for r in ratios if r > 0))
    return best


@given(seed=seeds)
@QUICK
def test_distinguishability_equals_a_loop_over_all_intervals(seed):
    random = np.random.default_rng(seed)
    ours = random.normal(size=(8, 3)).round(1)  # some are equal
    theirs = random.normal([0, 1, 30], 1.5, size=(7, 3)).round(1)
    expected = [largest_loss(ours[:, x], theirs[:, x]) for x in range(3)]
    assert distinguishability(ours, theirs) == pytest.approx(expected, abs=1e-9)


def test_points_halve_with_each_half_of_epsilon():
    whole = (1.0, 1.0)
    scores = [quality([e], whole, whole) for e in (0, 0.49, 0.5, 0.99, 1.0, 2.079429, 50)]
    assert scores == pytest.approx([1, 1, 0.5, 0.5, 0.25, 2**-4, 2**-100])
    assert quality([0.0], (0.9, 1.0), (0.4, 0.5)) == pytest.approx(0.72)


def ensemble(random, shift, *, n_models=32, right=1.0):
    forget, test = np.arange(90) < 30, np.arange(90) >= 60
    none = np.zeros(90, dtype=bool)
    sets = Sets(forget=forget, retain=~forget & ~test, forget_test=none, retain_test=test)
    ours, theirs = random.normal(size=(2, n_models, 90))
    ours[:, forget] += shift
    is_right = np.ones((n_models, 90), dtype=bool)
    ours_right = is_right.copy()
    ours_right[:, : int(90 * (1 - right))] = False
    ours_right[:, 60 : 60 + int(30 * (1 - right))] = False
    return Ensemble(
        unlearned=Answers(margins=ours, is_right=ours_right),
        retrained=Answers(margins=theirs, is_right=is_right),
        sets=sets,
    )


def test_what_still_differs_on_the_forget_set_is_told_there_and_nowhere_else():
    random = np.random.default_rng(0)
    same, other = ensemble(random, 0.0), ensemble(random, 6.0)
    for name in ("klom_retain", "klom_test"):
        values = [METRICS[name].compute(each) for each in (same, other)]
        assert values[0] == pytest.approx(values[1], abs=0.6)
    klom_same, klom_other = (METRICS["klom_forget"].compute(each) for each in (same, other))
    assert klom_other > klom_same + 3
    best, worst = (METRICS["forgetting_quality"].compute(each) for each in (same, other))
    assert best > 20 * worst
    assert 0.05 < best < 0.2  # attackers find something in 32 models by chance, as documented


def test_forgetting_quality_pays_for_lost_accuracy():
    whole, worse = (ensemble(np.random.default_rng(0), 0.0, right=r) for r in (1.0, 0.5))
    values = [METRICS["forgetting_quality"].compute(each) for each in (whole, worse)]
    assert values[1] < 0.6 * values[0]
    never = replace(whole.retrained, is_right=np.zeros_like(whole.retrained.is_right))
    with pytest.raises(NotApplicableError, match="never right"):
        METRICS["forgetting_quality"].compute(replace(whole, retrained=never))


# In a comparison ------------------------------------------------------------------------------


def facts_of(config):
    """What the manifest of a run says besides its config."""
    return {
        "label": {"original": "Original", "retrain": "Retrained"}[config.method],
        "settings": {},
        "changed": {},
        **asdict(NO_COST),
        "facts": {},
        "maps": [],
        "created": float(config.seed),
        "total_seconds": 0.0,
        "environment": {},
        "data_content": "",
    }


def store_run(store, config, sets, random):
    """Store a run as if its model had answered by chance, a little better on what is retained."""
    dataset = load_dataset(config.data)
    ids = np.flatnonzero(dataset.is_train | dataset.is_test)
    sure = 2.0 * np.eye(10)[dataset.labels[ids]] * ~sets.forget[ids, None]
    records = Records(
        example_ids=ids,
        labels=dataset.labels[ids],
        is_train=dataset.is_train[ids],
        logits=(sure + random.normal(size=(len(ids), 10))).astype("f4"),
        features=np.zeros((len(ids), 0), "f4"),
    )
    values = {spec.name: 0.5 for spec in of_scope(OF_RUN)}
    content = {
        "values": {**values, **dict.fromkeys(OVER_SEEDS)},
        "reasons": dict.fromkeys(OVER_SEEDS, ELSEWHERE[OF_SEEDS]),
        "sizes": {},
        "layers": [],
    }
    writer = store.begin(config)
    writer.arrays(ARRAYS, records.to_arrays())
    writer.json(RUN_METRICS, content)
    writer.commit(store.runs, facts_of(config))
    return store.load(config.key())


@pytest.fixture
def four_seeds(store, tiny):
    """Original and retrained runs of four seeds, and the sets."""
    sets = split(load_dataset(tiny.data), tiny.forget)
    random = np.random.default_rng(0)
    configs = [
        config
        for seed in range(4)
        for config in (replace(tiny, seed=seed), replace(tiny, seed=seed).retrained())
    ]
    runs = [store_run(store, config, sets, random) for config in configs]
    return SimpleNamespace(runs=runs, sets=sets)


def test_with_too_few_seeds_they_say_how_many_there_are_and_are_needed(four_seeds):
    chosen = gather(four_seeds.runs)
    for run in chosen.runs:
        content = chosen.metrics(run)
        for name in OVER_SEEDS:
            least = METRICS[name].least_seeds
            assert content["values"][name] is None
            assert content["reasons"][name] == f"it takes models of {least} seeds, there are 4"
        assert content["values"]["forget_accuracy"] is not None


@pytest.fixture
def few_will_do(monkeypatch):
    for name in OVER_SEEDS:
        monkeypatch.setitem(METRICS, name, replace(METRICS[name], least_seeds=4))


@pytest.mark.usefixtures("few_will_do")
def test_a_report_has_the_value_of_all_seeds_together_in_each_run(four_seeds):
    chosen = gather(four_seeds.runs)
    plain = report(chosen)
    records = {(r.config.method, r.config.seed): r.records() for r in four_seeds.runs}
    ids = records["original", 0].example_ids
    forget = four_seeds.sets.forget[ids]
    margins = {
        method: np.stack(
            [label_margins(records[method, s].logits, records[method, s].labels) for s in range(4)]
        )
        for method in ("original", "retrain")
    }
    expected = klom(margins["original"][:, forget], margins["retrain"][:, forget]).mean()
    halves = margins["retrain"][::2], margins["retrain"][1::2]
    floor = klom(*(half[:, forget] for half in halves)).mean()
    for run in plain.runs:
        wanted = {"original": expected, "retrain": floor}[run["method"]]
        assert run["metrics"]["klom_forget"] == pytest.approx(wanted, abs=1e-12)
        assert run["metrics"]["forgetting_quality"] is not None
    summary = plain.summary.set_index(["label", "metric"])
    row = summary.loc[("Original", "klom_forget")]
    assert row["n_seeds"] == 4
    assert math.isnan(row["std"])  # one value, not four
    assert math.isnan(row["low"])
    assert json.loads(json.dumps(plain.plain(), allow_nan=False))


@pytest.mark.usefixtures("few_will_do")
def test_a_seed_that_is_added_changes_the_value(four_seeds):
    runs = {
        m: [r for r in four_seeds.runs if r.config.method == m] for m in ("original", "retrain")
    }
    all_four = metrics_over_seeds(runs["original"], runs["retrain"])
    again = metrics_over_seeds(runs["original"], runs["retrain"])
    assert all_four == again
    fewer = metrics_over_seeds(runs["original"][:3], runs["retrain"])
    assert fewer["klom_forget"] == (None, "it takes models of 4 seeds, there are 3")


def test_a_run_that_lacks_only_what_takes_several_is_measured(four_seeds):
    assert not gather(four_seeds.runs).unmeasured()


def test_evaluate_leaves_out_what_one_run_cannot_tell():
    values, reasons = evaluate(drawn_evidence(0))
    assert values["klom_forget"] is None
    assert "several seeds" in reasons["klom_forget"]
