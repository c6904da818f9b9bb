"""Where audits disagree: ranks, Kendall's tau, and which metrics each trick fools."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearn_core.metrics import METRICS
from unlearn_core.metrics.spread import Reference
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.disagreement import agreement, agreements, disagreement, fooled, ranks
from unlearn_core.runs.report import report
from unlearn_core.runs.store import Store
from unlearn_core.views import audits

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
TRICKS = ("Forget bias (trick)", "Head-only finetune (trick)")


@pytest.fixture(scope="module")
def lesson():
    """The report of the shipped comparison on a class of digits."""
    store = Store(Path(__file__).resolve().parents[2] / "cache", demo=True)
    return report(
        next(
            c for c in comparisons(store)
            if c.config.data.name == "digits" and c.config.forget.kind == "class"
        )
    )  # fmt: skip


def summary(**columns):
    """Three methods and a trick, with the means of metrics; the retrained value is 0.5."""
    labels = ["A", "B", "C", "Trick"]
    methods = ["a", "b", "c", "trick_x"]
    rows = [
        {"label": label, "method": method, "metric": name, "mean": value}
        for name, values in columns.items()
        for label, method, value in zip(labels, methods, values, strict=True)
    ]
    table = pd.DataFrame(rows).assign(retrained=0.5, original=0.9)
    return table.assign(distance=table["mean"] - table["retrained"])


def test_kendalls_tau_has_the_golden_value():
    assert agreement([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(0.666667, abs=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(3, 9))
@QUICK
def test_kendalls_tau_counts_pairs(seed, n):
    a, b = np.random.default_rng(seed).integers(0, 4, size=(2, n)).astype(float)
    signs = [
        (np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i in range(n) for j in range(i + 1, n)
    ]
    in_a, in_b = (sum(1 for pair in signs if pair[side]) for side in (0, 1))
    if not in_a or not in_b:
        assert math.isnan(agreement(a, b))
        return
    expected = sum(x * y for x, y in signs) / math.sqrt(in_a * in_b)
    assert agreement(a, b) == pytest.approx(expected, abs=1e-12)
    assert agreement(np.append(a, math.nan), np.append(b, 1)) == pytest.approx(expected, abs=1e-12)


def test_two_methods_have_no_agreement_worth_telling():
    assert math.isnan(agreement([1, 2], [1, 2]))
    assert math.isnan(agreement([1, 1, 1], [1, 2, 3]))


def test_methods_are_ranked_by_the_distance_to_retrained_or_by_the_value():
    table = ranks(
        summary(
            forget_accuracy=[0.5, 0.1, 0.6, 0.4],  # as near as possible to 0.5
            tow=[0.2, 0.9, 0.1, 0.8],  # higher is better
            klom_forget=[3.0, 1.0, 2.0, math.nan],  # lower is better
            unlearn_seconds=[1, 2, 3, 4],  # a cost
            cluster_f1=[math.nan] * 4,
        )
    )
    assert table.columns.tolist() == ["forget_accuracy", "tow", "klom_forget"]
    assert table["forget_accuracy"].tolist() == [1, 4, 2.5, 2.5]
    assert table["tow"].tolist() == [3, 1, 4, 2]
    assert table["klom_forget"].tolist()[:3] == [3, 1, 2]
    assert math.isnan(table.loc["Trick", "klom_forget"])
    taus = agreements(table)
    assert np.diag(taus) == pytest.approx(1)
    assert taus.loc["tow", "forget_accuracy"] == taus.loc["forget_accuracy", "tow"] < 0


def test_a_metric_is_fooled_by_a_trick_that_matches_it_and_blind_where_the_original_does():
    table = summary(
        forget_accuracy=[0, 0, 0, 0.51],
        cluster_f1=[0, 0, 0, 0.88],
        mia_rfa=[0, 0, 0, 0.5],
        unlearn_seconds=[0, 0, 0, 0.5],
        zrf=[0, 0, 0, math.nan],
    )
    table.loc[table["metric"] == "mia_rfa", "original"] = 0.52
    found = fooled(table, within(0.05))
    assert set(found["label"]) == {"Trick"}
    assert dict(zip(found["metric"], found["found"], strict=True)) == {
        "forget_accuracy": "fooled",
        "cluster_f1": "found",
        "mia_rfa": "blind",
    }


def test_a_metric_counts_against_a_trick_as_in_its_verdict():
    # original and retrained lie two deviations apart, not three: it tells where most is left
    table = summary(cluster_f1=[0, 0, 0, 0.94], cluster_nmi=[0, 0, 0, 0.7])
    table["original"] = 0.95
    found = fooled(table, within(0.5, deviation=0.2))
    assert dict(zip(found["metric"], found["found"], strict=True)) == {
        "cluster_f1": "found",
        "cluster_nmi": "blind",
    }


def within(width, deviation=0.01):
    """Return what a retrained model at 0.5 says of every metric."""
    known = Reference(mean=0.5, deviation=deviation, within=width, n_models=2)
    return dict.fromkeys(METRICS, known)


def test_the_shipped_tricks_fool_the_accuracy_and_not_the_features(lesson):
    told = lesson.disagreement
    for trick in TRICKS:
        assert "forget_accuracy" in told["tricks"][trick]["fooled"]
        assert "dimensional_alignment" in told["tricks"][trick]["found"]
    methods = {run["label"] for run in lesson.runs} - {"Original", "Retrained"}
    assert set(told["ranks"]["forget_accuracy"]) == methods
    assert told["kendall"]["forget_accuracy"]["forget_accuracy"] == pytest.approx(1)
    assert told == disagreement(lesson.summary, lesson.reference)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_the_text_names_every_method_metric_and_trick(lesson):
    text = audits.text(lesson)
    for name in lesson.disagreement["ranks"]:
        assert METRICS[name].label in text
    for run in lesson.runs:
        assert run["label"] in text or run["method"] in ("original", "retrain")
    assert "Kendall's tau" in text
    assert "fooled" in text
    nothing = summary(forget_accuracy=[0, 0, 0, 0]).assign(method="retrain")
    assert ranks(nothing).empty
