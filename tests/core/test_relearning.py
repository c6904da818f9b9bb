"""Relearning: which examples are shown and asked, the curves of real runs, and their metrics."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.spatial.distance import cdist
from torch import nn

from tests.core.test_over_seeds import facts_of, store_run
from unlearn_core.checks import InputError
from unlearn_core.config import ForgetConfig, RelearnConfig, RunConfig
from unlearn_core.data.splits import split
from unlearn_core.engine.making import CancelledError
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.relearning import plan_lesson, set_to_means
from unlearn_core.engine.request import dataset_of, validate
from unlearn_core.metrics import METRICS
from unlearn_core.metrics.base import NotApplicableError
from unlearn_core.metrics.relearning import Curve, Curves, area_between
from unlearn_core.runs.artefact import HISTORY, REFILLING
from unlearn_core.runs.comparison import comparisons, gather
from unlearn_core.runs.plan import RELEARNING, parents, relearning_configs, run_configs
from unlearn_core.runs.relearned import FRESH, curves_of, mean_curves, relearning_table
from unlearn_core.runs.report import report
from unlearn_core.runs.tracked import tracked_examples
from unlearn_core.views.bring_back import refilling

QUICK = settings(max_examples=20, deadline=None, derandomize=True)


# The numbers ----------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), n=st.integers(2, 12))
@QUICK
def test_the_area_between_curves_is_scipys(seed, n):
    random = np.random.default_rng(seed)
    steps = np.cumsum(random.integers(1, 5, n))
    mine, theirs = random.random((2, n))
    expected = (trapezoid(mine, steps) - trapezoid(theirs, steps)) / (steps[-1] - steps[0])
    assert area_between(steps, mine, theirs) == pytest.approx(expected, abs=1e-12)
    assert area_between(steps, mine, mine) == 0
    assert area_between([0, 4], [1, 1], [0, 0]) == 1


@pytest.mark.parametrize("steps", [[0], [0, 0], [3, 1]])
def test_steps_that_do_not_rise_are_refused(steps):
    curve = [0.5] * len(steps)
    with pytest.raises(ValueError, match="`steps` must be at least two and rise"):
        area_between(steps, curve, curve)


def curve(*accuracies):
    return Curve(steps=np.arange(len(accuracies)), accuracies=np.array(accuracies))


def test_the_metrics_are_of_five_examples_and_of_the_same_steps():
    own, other = {1: curve(0, 0), 5: curve(0, 1, 1)}, {5: curve(0, 0, 1)}
    both = Curves(own=own, retrained=other)
    assert METRICS["relearn_k"].compute(both) == 1
    assert METRICS["relearn_gap"].compute(both) == pytest.approx(0.5)
    with pytest.raises(NotApplicableError, match="retrained model was not taught"):
        METRICS["relearn_gap"].compute(Curves(own=own, retrained=None))
    with pytest.raises(NotApplicableError, match="fewer than 10 examples"):
        METRICS["relearn_k"].compute(Curves(own={1: curve(0, 0)}, retrained=other))
    with pytest.raises(NotApplicableError, match="other steps"):
        METRICS["relearn_gap"].compute(Curves(own=own, retrained={5: curve(0, 1)}))


def test_the_mean_of_curves_is_over_models_and_of_what_all_were_taught():
    both = mean_curves([{1: curve(0, 1), 5: curve(0, 1)}, {5: curve(1, 0.5)}])
    assert both.keys() == {5}
    assert both[5].accuracies.tolist() == [0.5, 0.75]
    assert both[5].steps.tolist() == [0, 1]


def store_curve(store, config, accuracies):
    """Store a relearning with one curve, of five examples."""
    writer = store.begin(replace(config, relearn=RELEARNING))
    rows = [
        {"network": "model", "examples": 5, "step": step, "forget_accuracy": accuracy}
        for step, accuracy in enumerate(accuracies)
    ]
    writer.table(HISTORY, pd.DataFrame(rows))
    writer.commit(store.runs, facts_of(config))


def test_a_retrained_model_is_compared_with_those_of_other_seeds(store, tiny):
    random, sets = np.random.default_rng(0), split(dataset_of(tiny.data), tiny.forget)
    curves = {0: (0.0, 0.2), 1: (0.2, 0.4), 2: (0.4, 0.6)}
    for seed, accuracies in curves.items():
        original = replace(tiny, seed=seed)
        store_run(store, original, sets, random)
        store_run(store, original.retrained(), sets, random)
        store_curve(store, original, (1.0, 1.0))
        store_curve(store, original.retrained(), accuracies)
    [chosen] = comparisons(store)
    gaps = {
        (run.config.method, run.config.seed): chosen.metrics(run)["values"]["relearn_gap"]
        for run in chosen.runs
    }
    assert gaps == pytest.approx(
        {
            **{("original", seed): 0.9 - 0.2 * seed for seed in curves},
            ("retrain", 0): 0.1 - 0.4,
            ("retrain", 1): 0.3 - 0.3,
            ("retrain", 2): 0.5 - 0.2,
        },
        abs=1e-12,
    )


# What is shown, and what is asked -------------------------------------------------------------


@pytest.mark.parametrize(
    ("forget", "counts", "classes"),
    [
        (ForgetConfig(kind="class", values=(3,)), {1: 1, 5: 5}, [3]),
        (ForgetConfig(kind="class", values=(3, 5)), {1: 2, 5: 10}, [3, 5]),
        (ForgetConfig(kind="random", values=(12,)), {1: 1, 5: 5}, []),
        (ForgetConfig(kind="random", values=(1,)), {}, []),
    ],
)
def test_what_is_shown_is_nested_and_never_asked(tiny, forget, counts, classes):
    dataset = dataset_of(tiny.data)
    sets = split(dataset, forget)
    lesson = plan_lesson(dataset, sets, (20, 5, 1))
    assert {k: int(mask.sum()) for k, mask in lesson.shown.items()} == counts
    assert lesson.classes.tolist() == classes
    forgotten = sets.forget | sets.forget_test
    for mask in lesson.shown.values():
        assert not (mask & ~sets.forget).any()
        assert not (mask & lesson.others).any()
    for smaller, larger in pairwise(lesson.shown.values()):
        assert not (smaller & ~larger).any()
    assert not (lesson.others & ~forgotten).any()
    assert not (lesson.retained_test & ~sets.retain_test).any()
    if forget.kind == "class":
        assert (lesson.others & sets.forget).any()
        assert (lesson.others & sets.forget_test).any()


def test_the_classifier_answers_with_the_class_of_the_largest_cosine():
    random = np.random.default_rng(0)
    features, labels = (
        random.normal(size=(40, 6)),
        random.permutation(np.repeat([0, 1, 3], 14)[:40]),
    )
    classifier = nn.Linear(6, 4)
    set_to_means(classifier, features, labels)
    asked = random.normal(size=(25, 6)).astype(np.float32)
    names = [0, 1, 3]
    means = [features[labels == name].mean(axis=0) for name in names]
    expected = np.array(names)[cdist(asked, means, metric="cosine").argmin(axis=1)]
    answers = classifier(torch.from_numpy(asked)).argmax(dim=1).numpy()
    likeness = cdist(asked, means, metric="cosine").min(axis=1)
    is_like_one = likeness < 1  # else class 2, of which there is no example, has the largest logit
    assert (answers[is_like_one] == expected[is_like_one]).all()
    assert (answers[~is_like_one] == 2).all()
    assert not classifier.bias.any()
    set_to_means(classifier, np.zeros((3, 6)), np.array([0, 1, 2]))
    assert not classifier.weight.any()


# As runs --------------------------------------------------------------------------------------


def test_a_relearning_is_a_run_of_its_own_in_the_same_comparison(tiny):
    taught = replace(tiny, relearn=RELEARNING)
    assert taught.key() != tiny.key()
    assert taught.comparison_key() == tiny.comparison_key()
    assert taught.role == "relearning"
    assert taught.taught() == taught.original() == tiny
    assert [run.role for run in parents(taught)] == ["base", "reference", "original"]
    assert RunConfig.from_dict(taught.to_dict()) == taught
    configs = run_configs(tiny, {"neggrad": {}})
    assert [c.taught() for c in relearning_configs(configs)] == configs
    assert not relearning_configs([tiny.base(), replace(tiny, method="incremental")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "incremental"}, "nothing to be taught again"),
        ({"forget": ForgetConfig()}, "nothing to be taught again"),
        ({"forget": ForgetConfig(kind="random", values=(1,))}, "needs at least 2"),
    ],
)
def test_what_cannot_be_taught_again_is_refused(tiny, change, message):
    with pytest.raises(InputError, match=message):
        validate(replace(tiny, relearn=RelearnConfig(examples=(1,)), **change))


def test_no_examples_at_all_are_no_relearning_and_negative_ones_are_refused():
    assert RunConfig(relearn=RelearnConfig()).role == "base"
    assert RelearnConfig(examples=(5, 1, 5)).examples == (1, 5)
    with pytest.raises(InputError, match="must be from 1"):
        RelearnConfig(examples=(0, 5))


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """Original, retrained and a trick on a class of the digits, each taught again; no maps."""
    from types import SimpleNamespace

    from unlearn_core.runs.plan import comparison_config
    from unlearn_core.runs.store import Store

    absent = SimpleNamespace(util=SimpleNamespace(find_spec=lambda _name: None))
    store = Store(tmp_path_factory.mktemp("taught"))
    start = comparison_config("digits", ForgetConfig(kind="class", values=(3,)), epochs=6, width=8)
    configs = run_configs(start, {"trick_forget_bias": {}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlearn_core.engine.maps.importlib", absent)
        for config in [*configs, *relearning_configs(configs)]:
            execute(config, store=store, device="cpu")
    return SimpleNamespace(store=store, configs=configs)


def test_a_model_that_only_hides_the_class_relearns_as_the_original_does(taught):
    [comparison] = comparisons(taught.store)
    assert [run.config.method for run in comparison.runs] == [
        "original",
        "retrain",
        "trick_forget_bias",
    ]
    assert len(comparison.relearned) == 3
    entries = {run["method"]: run["metrics"] for run in report(comparison).runs}
    assert entries["trick_forget_bias"]["forget_accuracy"] == 0
    for name in ("relearn_k", "relearn_gap"):  # they differ in the classifier alone
        assert entries["trick_forget_bias"][name] == pytest.approx(entries["original"][name])
    assert entries["retrain"]["relearn_gap"] == 0
    assert entries["original"]["relearn_gap"] > 0.1


def test_curves_have_every_step_that_is_asked_at(taught):
    [comparison] = comparisons(taught.store)
    original, retrained, _ = map(comparison.relearning, comparison.runs)
    table = relearning_table(original)
    assert set(table["examples"]) == {1, 5, 20}
    assert set(table["network"]) == {"model"}
    assert table["retain_accuracy"].between(0, 1).all()
    for found in curves_of(original).values():
        assert found.steps[0] == 0
        assert found.steps[-1] == RELEARNING.steps
        assert found.accuracies[-1] > 0.8
    fresh = curves_of(retrained, FRESH)
    assert set(fresh) == {1, 5, 20}
    assert fresh[5].accuracies.mean() < curves_of(original)[5].accuracies.mean()


def test_the_same_examples_are_shown_again_and_give_the_same_curves(taught):
    [comparison] = comparisons(taught.store)
    first = comparison.relearning(comparison.runs[0])
    curves = curves_of(first)
    taught.store.delete(first.key)
    again = execute(first.config, store=taught.store, device="cpu")
    for count, found in curves_of(again).items():
        assert np.array_equal(found.accuracies, curves[count].accuracies)


def test_a_relearning_that_is_cancelled_leaves_nothing_to_be_shown(taught):
    config = replace(taught.configs[0], relearn=RelearnConfig(examples=(1,), steps=7))
    asked = []
    with pytest.raises(CancelledError, match="at 3 steps"):
        execute(
            config,
            store=taught.store,
            device="cpu",
            should_stop=lambda: asked.append(None) or len(asked) > 3,
        )
    assert not taught.store.exists(config.key())
    assert taught.store.state(config.key()) == "cancelled"
    made = execute(config, store=taught.store, device="cpu")
    assert curves_of(made)[1].steps.tolist() == [0, 1, 2, 3, 4, 5, 7]
    [comparison] = comparisons(taught.store)
    assert comparison.relearning(comparison.runs[0]).config.relearn == RELEARNING  # not this one
    taught.store.delete(config.key())


def test_without_a_relearning_its_metrics_say_that_it_is_made_on_request(taught):
    [comparison] = comparisons(taught.store)
    alone = gather(comparison.runs)
    content = alone.metrics(alone.runs[0])
    for name in ("relearn_k", "relearn_gap"):
        assert content["values"][name] is None
        assert "on request" in content["reasons"][name]
    without_target = gather([*comparison.runs, comparison.relearning(comparison.runs[0])])
    content = without_target.metrics(without_target.runs[0])
    assert content["values"]["relearn_k"] is not None
    assert content["reasons"]["relearn_gap"] == "the retrained model was not taught again"


def test_a_model_with_a_map_keeps_how_it_refills(own, comparison, tiny):
    run = comparison.runs["trick_head_finetune"]
    config = replace(run.config, relearn=RelearnConfig(examples=(1, 5), steps=4))
    taught = execute(config, store=own, device="cpu", projection=comparison.projection)
    table = taught.table(REFILLING)
    assert table["step"].unique().tolist() == [0, 1, 5]
    sets = split(dataset_of(config.data), config.forget)
    for _, part in table.groupby("step"):
        assert part["example_id"].tolist() == np.flatnonzero(tracked_examples(sets)).tolist()
        assert np.isfinite(part[["x", "y"]]).all(axis=None)
    before = run.table(run.map_facts["file"]).set_index("example_id")[["x", "y"]]
    first = table[table["step"] == 0].set_index("example_id")[["x", "y"]]
    np.testing.assert_allclose(first, before.loc[first.index], atol=1e-5)
    last = table[table["step"] == 5].set_index("example_id")[["x", "y"]]
    assert (last - first).abs().max(axis=None) > 0.01
    places, curves = refilling(taught)
    assert len(places) == len(table)
    assert curves["step"].tolist() == [1, 5]
    assert curves["probe/forget_accuracy"].between(0, 1).all()


def test_a_model_without_a_map_has_none_that_refills(taught):
    [comparison] = comparisons(taught.store)
    assert refilling(comparison.relearning(comparison.runs[1])) is None


def test_half_precision_gives_nearly_the_same_curves(taught, tmp_path):
    from unlearn_core.engine.relearning import Teacher
    from unlearn_core.models import build_model
    from unlearn_core.seeding import torch_stream

    config = taught.configs[0]
    dataset = dataset_of(config.data)
    sets = split(dataset, config.forget)
    model = build_model(config.model, 1, 10, torch_stream(0, "initial weights"))
    model.load_state_dict(taught.store.load(config.key()).weights())
    ends = []
    for precision in ("fp32", "bf16"):
        teacher = Teacher(
            dataset=dataset,
            sets=sets,
            lesson=plan_lesson(dataset, sets, (5,)),
            recipe=RELEARNING,
            device=torch.device("cpu"),
            precision=precision,
        )
        rows = []
        assert len(list(teacher.teach("model", model, rows))) == teacher.total() == RELEARNING.steps
        ends.append(rows[-1]["forget_accuracy"])
    assert ends[0] == pytest.approx(ends[1], abs=0.1)


def test_compare_with_audits_teaches_every_model_and_prints_where_metrics_disagree(
    taught, tmp_path, monkeypatch, capsys
):
    from unlearn_core.cli.main import main

    monkeypatch.setenv("UNLEARN_CACHE", str(taught.store.root))
    before = taught.store.list()
    asked = ["compare", "--forget-class", "3", "--epochs", "6", "--width", "8", "--device", "cpu"]
    asked += ["--methods", "trick_forget_bias", "--audits", "--json", str(tmp_path / "out.json")]
    assert main(asked) == 0
    assert taught.store.list() == before  # all of it was there
    told = capsys.readouterr().out
    assert "What each metric makes of the tricks" in told
    content = json.loads((tmp_path / "out.json").read_text())
    [trick] = content["disagreement"]["tricks"].values()
    assert "forget_accuracy" in trick["fooled"]
    assert "relearn_gap" in trick["found"]
    entries = {run["method"]: run["metrics"] for run in content["runs"]}
    assert set(entries) == {"original", "retrain", "trick_forget_bias"}
    assert entries["trick_forget_bias"]["relearn_gap"] > 0.1
