"""Grids: which runs they are, what bounds them, and what is read of them afterwards."""

from dataclasses import replace

import pytest

from tests.views.test_gamma import CLASS, artefact, compare
from unlearn_core.checks import InputError
from unlearn_core.config import ForgetConfig
from unlearn_core.runs.grid import combinations, variants, varied
from unlearn_core.runs.plan import run_configs, variant_configs


def test_every_combination_is_a_run_and_references_are_made_once():
    points = combinations("rfa", {"gamma": [0.0, 0.5], "rank": [4, 8, 16]})
    configs = variant_configs(CLASS, {"rfa": points, "scrub": [{}]}, seeds=(0, 1))
    methods = [config.method for config in configs]
    counts = {name: methods.count(name) for name in methods}
    assert counts == {"original": 2, "retrain": 2, "rfa": 12, "scrub": 2}
    assert len({config.key() for config in configs}) == len(configs)
    assert {tuple(c.settings.values()) for c in configs if c.method == "rfa"} == {
        (gamma, rank) for gamma in (0.0, 0.5) for rank in (4, 8, 16)
    }


def test_equal_combinations_are_one_run():
    configs = variant_configs(CLASS, {"rfa": [{"rank": 4}, {"rank": 4}]})
    assert [config.method for config in configs] == ["original", "retrain", "rfa"]


def test_one_setting_each_is_the_plan_of_a_comparison():
    methods = {"rfa": {"rank": 4}, "muda": {}}
    assert run_configs(CLASS, methods) == variant_configs(
        CLASS, {"rfa": [methods["rfa"]], "muda": [{}]}
    )


def test_a_grid_that_would_fill_the_queue_is_refused_before_it_is_spread_out():
    many = list(range(1000))
    with pytest.raises(InputError, match=r"at most 500 combinations, got 1000 x 1000 = 1,000,000"):
        combinations("rfa", {"epochs": many, "rank": many})
    assert len(combinations("rfa", {"epochs": many[:25], "rank": many[:20]})) == 500


def test_settings_that_all_share_do_not_vary():
    several = [{"a": 1, "b": [1], "c": True}, {"a": 1, "b": [2], "c": True}]
    assert varied(several) == ["b"]
    assert varied(several[:1]) == []


def test_variants_are_of_methods_that_ran_with_several_settings():
    def run(method, rank, **more):
        config = replace(CLASS, method=method, settings={"rank": rank}, **more)
        return artefact(config, {"rank": rank})

    runs = [run("rfa", 4), run("rfa", 8), run("rfa", 8, seed=1), run("muda", 4)]
    runs += [run("neglora", rank) for rank in (1, 2, 3)]
    found = variants(compare(CLASS, *runs))
    assert {method: len(of_method) for method, of_method in found.items()} == {
        "neglora": 3,
        "rfa": 2,
    }
    assert next(iter(found)) == "neglora"


def test_the_request_is_the_same_for_every_combination():
    start = replace(CLASS, forget=ForgetConfig(kind="class", values=(5,)))
    configs = variant_configs(start, {"rfa": combinations("rfa", {"rank": [1, 2]})})
    assert {config.comparison_key() for config in configs} == {start.comparison_key()}
