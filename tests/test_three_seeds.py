"""Where each method ends on the real digits, relative to the original and the retrained model.

Three seeds for a class; one each for another class, single images and a backdoor; all with the
digits presets.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from unlearn_core.engine.shipped import ALL_METHODS
from unlearn_core.methods import METHODS

SCRIPT = Path(__file__).with_name("outcomes.py")
SEEDS = (0, 1, 2)
CLASS, OTHERS = "class:3", ("class:4", "random:50", "backdoor:0")
COLLAPSE = 0.05

GONE = ("retrain", "muda", "rfa", "scrub", "badt", "eu_k", "neggrad_plus", "fisher")
CLIMB = ("neggrad", "partial_neggrad", "neglora", "sparse_neglora", "neggrad_ft")
KEPT = ("cf_k", "finetune")
BEYOND = ("random_label", "salun", "ssd", "delete", "l1_sparse")  # beyond the papers
FEATURES_ALONE = "rfa, features alone"  # as tests/outcomes.py names it
TRICKS = ("trick_head_finetune", "trick_forget_bias", "trick_calibration")


def made(request):
    command = [sys.executable, str(SCRIPT), *map(str, request)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def outcomes():
    """Outcomes by (seed, request), then by method; as many at once as there are cores."""
    requests = [*((seed, CLASS) for seed in SEEDS), *((0, other) for other in OTHERS)]
    with ThreadPoolExecutor(min(len(requests), os.cpu_count() or 1)) as pool:
        return dict(zip(requests, pool.map(made, requests), strict=True))


@pytest.fixture(scope="module")
def over_seeds(outcomes):
    """Return one number of a method on the class request, for each seed."""

    def values(method, name):
        return np.array([outcomes[seed, CLASS][method][name] for seed in SEEDS])

    return values


def test_every_shipped_method_is_expected_to_end_somewhere():
    assert {*GONE, *CLIMB, *KEPT, *BEYOND, *TRICKS} == set(ALL_METHODS)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_no_method_collapses_when_a_class_is_forgotten(method, over_seeds):
    drop = over_seeds("original", "retain_test") - over_seeds(method, "retain_test")
    assert drop.max() <= COLLAPSE


@pytest.mark.slow
@pytest.mark.parametrize("request_", OTHERS)
@pytest.mark.parametrize("method", METHODS)
def test_no_method_collapses_on_another_request(method, request_, outcomes):
    after = outcomes[0, request_]
    assert after[method]["retain_test"] >= after["original"]["retain_test"] - COLLAPSE


@pytest.mark.slow
@pytest.mark.parametrize("method", GONE)
def test_these_forget_the_class_as_retraining_does(method, over_seeds):
    assert over_seeds("original", "forget").min() > 0.98
    assert over_seeds(method, "forget").max() <= 0.02


@pytest.mark.slow
@pytest.mark.parametrize("method", CLIMB)
def test_ascending_the_loss_forgets_much_of_the_class_and_stops_before_it_breaks_the_rest(
    method, over_seeds
):
    assert over_seeds(method, "forget").max() <= 0.75


@pytest.mark.slow
@pytest.mark.parametrize("method", KEPT)
def test_training_on_the_rest_alone_hardly_forgets_the_class(method, over_seeds):
    assert over_seeds(method, "forget").min() >= 0.7


@pytest.mark.slow
def test_retraining_moves_the_class_into_the_subspace_of_the_rest(over_seeds):
    gain = over_seeds("retrain", "alignment") - over_seeds("original", "alignment")
    assert gain.min() > 0.03


@pytest.mark.slow
@pytest.mark.parametrize("method", ["muda", "scrub", "neggrad_plus"])
def test_these_bring_the_features_nearer_to_retraining_than_to_the_original(method, over_seeds):
    ends, original, retrained = (
        over_seeds(name, "alignment").mean() for name in (method, "original", "retrain")
    )
    assert abs(ends - retrained) < abs(ends - original)


@pytest.mark.slow
def test_without_the_average_label_rfa_brings_the_features_most_of_the_way(over_seeds):
    """The paper's objective forgets too, but its average label keeps D_f apart."""
    original, retrained, rfa, alone = (
        over_seeds(name, "alignment") for name in ("original", "retrain", "rfa", FEATURES_ALONE)
    )
    assert over_seeds(FEATURES_ALONE, "forget").max() <= 0.02
    drop = over_seeds("original", "retain_test") - over_seeds(FEATURES_ALONE, "retain_test")
    assert drop.max() <= 0.03
    assert (alone - original > (retrained - original) / 2).all()
    assert (rfa < alone - 0.05).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fisher", "cf_k"])
def test_these_leave_the_features_where_they_were(method, over_seeds):
    moved = over_seeds(method, "alignment") - over_seeds("original", "alignment")
    assert np.abs(moved).max() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("method", TRICKS)
def test_a_trick_leaves_the_alignment_as_it_was_to_the_last_bit(method, over_seeds):
    assert (over_seeds(method, "alignment") == over_seeds("original", "alignment")).all()


@pytest.mark.slow
def test_head_and_bias_tricks_look_perfect_all_the_same(over_seeds):
    assert over_seeds("trick_forget_bias", "forget").max() == 0
    assert over_seeds("trick_head_finetune", "forget").max() <= 0.02
