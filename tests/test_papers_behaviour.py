"""What the papers claim, on the shipped runs of the digits: where each method ends."""

import pytest

from tests.stores import fill_store
from unlearn_core.engine.shipped import DIGITS
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.store import Store

FEATURES = (
    "dimensional_alignment",
    "effective_rank",
    "linear_probe_forget",
    "linear_probe_retain",
    "cluster_f1",
    "cluster_nmi",
)
TRICKS = ("trick_head_finetune", "trick_forget_bias", "trick_calibration")


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    store = Store(fill_store(tmp_path_factory.mktemp("claims")), demo=True)
    [found] = [c for c in comparisons(store) if c.config.forget == DIGITS.forget]
    return {run.config.method: run.metrics()["values"] for run in found.runs if not run.unusual}


def test_the_retrained_model_never_names_the_class_and_aligns_it(values):
    assert values["retrain"]["forget_accuracy"] == 0
    assert (
        values["retrain"]["dimensional_alignment"]
        > values["original"]["dimensional_alignment"] + 0.1
    )


@pytest.mark.parametrize("method", ["rfa", "muda"])
def test_rfa_and_muda_forget_the_class_and_keep_the_rest(values, method):
    assert values[method]["forget_accuracy"] < 0.02
    before = values["original"]["retain_test_accuracy"]
    assert values[method]["retain_test_accuracy"] > before - 0.02


@pytest.mark.parametrize("metric", ["dimensional_alignment", "cluster_f1", "cluster_nmi"])
def test_muda_is_nearer_to_retrained_than_finetune_in_the_features(values, metric):
    target = values["retrain"][metric]
    assert abs(values["muda"][metric] - target) < abs(values["finetune"][metric] - target)


@pytest.mark.parametrize("method", TRICKS)
@pytest.mark.parametrize("metric", FEATURES)
def test_a_trick_leaves_feature_metrics_equal_to_the_last_bit(values, method, metric):
    assert values[method][metric] == values["original"][metric]


def test_the_tricks_fool_what_they_are_meant_to_fool(values):
    assert values["trick_head_finetune"]["forget_accuracy"] == 0
    assert values["trick_forget_bias"]["forget_accuracy"] == 0
    assert values["trick_calibration"]["mia_muda"] < values["original"]["mia_muda"] - 0.5


def test_no_method_collapses_with_its_preset(values):
    before = values["original"]["retain_test_accuracy"]
    kept = {method: v["retain_test_accuracy"] for method, v in values.items()}
    assert {m for m, accuracy in kept.items() if accuracy < before - 0.05} == set()
