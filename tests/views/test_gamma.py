from dataclasses import replace
from pathlib import Path

import pytest

from unlearn_core.config import ForgetConfig, ModelConfig, RunConfig
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.gamma_sweep import GAMMAS, sweep_configs, sweeps
from unlearn_core.views.gamma import gamma_figure, gamma_rows, sweep_title

CLASS = RunConfig(model=ModelConfig(width=8), forget=ForgetConfig(kind="class", values=(3,)))
RANDOM = replace(CLASS, forget=ForgetConfig(kind="random", values=(64,)))
SETTINGS = {"gamma": 0.5, "rank": 8}


def artefact(config, unusual=None):
    folder = Path(config.key())
    manifest = {"changed": unusual or {}, "settings": config.settings}
    return RunArtefact(folder=folder, config=config, manifest=manifest)


def rfa(start, value, **unusual):
    settings = {**SETTINGS, "gamma": value, **unusual}
    return artefact(replace(start, method="rfa", settings=settings), {"gamma": value, **unusual})


def compare(start, *runs):
    references = [artefact(start.original()), artefact(start.retrained())]
    every = (*references, *runs)
    values = {
        run.key: {
            "values": {
                "forget_accuracy": 0.1 * number,
                "retain_accuracy": 0.9,
                "test_accuracy": None,
                "feature_distance_original": 5.0 * number,
                "feature_distance_retrained": 3.0,
            },
            "reasons": {},
        }
        for number, run in enumerate(every)
    }
    return Comparison(key=start.comparison_key(), runs=every, measured=values)


@pytest.fixture
def all_sweeps():
    full = compare(CLASS, *(rfa(CLASS, g) for g in GAMMAS))
    partial = compare(RANDOM, rfa(RANDOM, 0.5), rfa(RANDOM, 1.0), rfa(RANDOM, 0.0, rank=4))
    other = compare(replace(CLASS, model=ModelConfig(width=16)))
    return sweeps([full, partial, other], CLASS)


def test_sweeps_are_those_of_the_same_recipe_the_fullest_first(all_sweeps):
    assert [(sweep.kind, len(sweep.runs)) for sweep in all_sweeps] == [("class", 5), ("samples", 2)]


def test_runs_that_differ_in_more_than_gamma_do_not_count(all_sweeps):
    assert all_sweeps[0].missing == []
    assert all_sweeps[1].missing == [0.0, 0.25, 0.75]
    assert sweep_title(all_sweeps[1], "64 random examples") == "64 random examples (2 of 5 points)"


def test_points_carry_the_retrained_models_value(all_sweeps):
    rows = gamma_rows(all_sweeps)
    accuracy = rows[(rows["kind"] == "class") & (rows["metric"] == "forget_accuracy")]
    assert list(accuracy["gamma"]) == list(GAMMAS)
    assert set(accuracy["retrained"]) == {0.1}
    assert rows[rows["metric"] == "test_accuracy"]["value"].isna().all()


def test_one_more_seed_of_one_value_does_not_count():
    runs = [rfa(CLASS, g) for g in GAMMAS]
    again = rfa(replace(CLASS, seed=1), 0.5)
    [sweep] = sweeps([compare(CLASS, *runs, again)], CLASS)
    assert len(sweep.runs) == len(GAMMAS) + 1
    assert set(gamma_rows([sweep])["seed"]) == {0}
    part = replace(sweep, runs=(runs[0], again))  # no seed has both: all are shown
    assert set(gamma_rows([part])["seed"]) == {0, 1}


def test_missing_points_are_planned_with_their_references_once_each():
    defaults = {"gamma": 0.5, "rank": 4}
    wanted = sweep_configs(CLASS, RANDOM.forget, SETTINGS, defaults, (0.0, 0.5), seeds=(0, 1))
    methods = [config.method for config in wanted]
    assert sorted(methods) == ["original"] * 2 + ["retrain"] * 2 + ["rfa"] * 4
    assert {config.forget for config in wanted} == {RANDOM.forget}
    settings = {config.settings["rank"]: config.settings for config in wanted if config.settings}
    assert list(settings) == [8]  # what is at its default is not part of a config
    gammas = [config.settings.get("gamma") for config in wanted if config.method == "rfa"]
    assert sorted(gammas, key=str) == [0.0, 0.0, None, None]


def test_figure_draws_both_kinds_and_the_retrained_lines(all_sweeps):
    figure = gamma_figure(gamma_rows(all_sweeps))
    lines = [trace.name for trace in figure.data if trace.line.dash == "dot"]
    assert len(lines) == 2 * 3  # two accuracies and definition 1, for each kind
    assert not [trace for trace in figure.data if trace.name == "FD to retrained, retrained"]


def test_one_kind_alone_has_its_accuracies_beside_its_distances(all_sweeps):
    figure = gamma_figure(gamma_rows(all_sweeps[:1]))
    assert not figure.layout.annotations
    assert {trace.xaxis for trace in figure.data} == {"x", "x2"}  # accuracies beside distances
    assert figure.layout.yaxis.title.text == "accuracy"
    assert figure.layout.yaxis2.title.text.startswith("feature distance")
