"""What retrained models differ by, chance in few examples, and intervals over seeds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unlearn_core.metrics import METRICS
from unlearn_core.metrics.spread import (
    FLOORS,
    chance,
    examples_needed,
    half_width,
    interval,
    reference,
    sampling_deviation,
)

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


@given(values=st.lists(st.floats(-100, 100), min_size=2, max_size=8))
@QUICK
def test_half_width_is_scipys_t_interval(values):
    expected = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
    assert half_width(values) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_half_width_of_one_value_is_unknown():
    assert math.isnan(half_width([1.0]))
    assert half_width([2.0, 2.0]) == 0


def test_an_interval_of_five_seeds_stays_inside_what_a_share_can_be():
    values = [0.0, 0.0, 1.0, 0.0, 0.1]
    found = interval("mia_rfa", values)
    assert (found.low, found.kind) == (0.0, "95 % interval")
    assert found.high == pytest.approx(np.mean(values) + half_width(values))
    assert interval("unlearn_seconds", [1, 2, 3, 4, 5]).high > 4  # which has no upper bound


@pytest.mark.parametrize("values", [[0.9, 0.1], [0.44, 0.92, 0.12], [0.5, 0.5, 0.4, 0.6]])
def test_of_too_few_seeds_for_an_interval_the_range_is_shown(values):
    found = interval("mia_rfa", values)
    assert (found.low, found.high, found.kind) == (min(values), max(values), "range")


def test_one_seed_has_no_range():
    found = interval("mia_rfa", [0.5])
    assert found.kind == ""
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_three_seeds_cannot_forbid_nothing_or_everything():
    apart = reference("mia_rfa", [0.0, 0.5, 1.0], 100)
    assert apart.within <= 1.0  # a share cannot be farther away
    alike = reference("mia_rfa", [0.5, 0.5, 0.5], 100)
    assert alike.within > 3 * FLOORS["mia_rfa"] / 2  # three that agree do not prove no spread


def test_the_floor_alone_speaks_where_there_is_one_retrained_model():
    there = reference("cluster_f1", [0.57])
    assert there.within == pytest.approx(3 * FLOORS["cluster_f1"] * math.sqrt(2))
    assert math.isnan(there.deviations(0.9))
    assert reference("cluster_f1", []) is None


def test_many_retrained_models_speak_for_themselves():
    values = np.random.default_rng(0).normal(0.5, 0.2, 400)
    there = reference("cluster_f1", values)
    assert there.deviation == pytest.approx(0.2, rel=0.1)
    assert there.deviations(0.9) == pytest.approx(2, rel=0.1)


def test_a_metric_without_a_measured_floor_has_half_of_its_tolerance():
    name = next(name for name in METRICS if name not in FLOORS and METRICS[name].tolerance > 0)
    assert reference(name, [0.5]).deviation == pytest.approx(
        METRICS[name].tolerance / 2 * math.sqrt(2)
    )


def test_the_metrics_that_have_a_floor_exist():
    assert FLOORS.keys() <= METRICS.keys()


@given(share=st.floats(0, 1), n=st.integers(20, 400), seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_a_share_is_rarely_off_by_more_than_chance(share, n, seed):
    drawn = np.random.default_rng(seed).binomial(n, share, size=4000) / n
    assert (np.abs(drawn - share) > chance(share, n)).mean() < 0.01


def test_one_image_of_fifty_is_chance_and_five_are_not():
    assert 1 / 50 < chance(1.0, 50) < 5 / 50  # p = 52/54 and n = 54: 3 * .0257


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 1.0])
def test_so_many_examples_are_needed_to_know_a_share_to_a_tenth(share):
    needed = examples_needed(share)
    assert chance(share, needed) <= 0.1 < chance(share, needed - 1)


def test_chance_of_a_share_of_one_is_not_nothing():
    assert sampling_deviation(1.0, 10) == pytest.approx(math.sqrt(12 / 14 * 2 / 14 / 14))
