"""The retrained models of all seeds are the measure, and one of them is judged like a method."""

from dataclasses import dataclass, field, replace

import pytest

from tests.core.test_verdict import BADT, ORIGINAL, RETRAINED, SIZES
from unlearn_core.checks import InputError
from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.runs.comparison import LEFT_OUT_LABEL, Comparison
from unlearn_core.runs.plan import reference_configs
from unlearn_core.runs.report import about

REQUEST = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))


@dataclass(frozen=True, eq=False)
class Run:
    """A stored run, of which only the config and the metrics are known."""

    method: str
    seed: int
    values: dict
    settings: dict = field(default_factory=dict)
    class_names: tuple = ()

    @property
    def config(self):
        return replace(REQUEST, method=self.method, seed=self.seed)

    @property
    def key(self):
        return f"{self.method}{self.seed}"

    @property
    def label(self):
        return self.method

    def metrics(self):
        return {"values": self.values, "reasons": {}, "sizes": SIZES}


def compared(retrained, **methods):
    """Return a comparison of retrained models, given by what differs, and of methods."""
    runs = [Run("original", seed, ORIGINAL) for seed in range(len(retrained))]
    runs += [Run("retrain", seed, {**RETRAINED, **each}) for seed, each in enumerate(retrained)]
    runs += [
        Run(method, seed, {**RETRAINED, **each})
        for method, seeds in methods.items()
        for seed, each in enumerate(seeds)
    ]
    return Comparison(key="k", runs=tuple(runs))


def verdicts_of(comparison):
    return {entry["label"]: entry for entry in about(comparison)["verdicts"]}


def test_the_retrained_model_of_the_last_seed_is_a_row_of_its_own():
    found = about(compared([{}, {}, {}]))
    words = {entry["label"]: entry["word"] for entry in found["verdicts"]}
    assert words["retrain"] == "reference"
    assert words[LEFT_OUT_LABEL] == "matched"
    assert (found["left_out_seed"], found["unreliable"]) == (2, [])


def test_one_retrained_model_alone_is_not_left_out():
    found = about(compared([{}]))
    assert found["left_out_seed"] is None
    assert [entry["label"] for entry in found["verdicts"]] == ["original", "retrain"]


def test_the_mean_of_the_others_is_the_measure():
    models = [{"mia_rfa": 0.2}, {"mia_rfa": 0.4}, {"mia_rfa": 0.9}]
    there = about(compared(models))["reference"]["mia_rfa"]
    assert there["mean"] == pytest.approx(0.3)
    assert there["n_models"] == 2


def test_a_number_that_tells_the_left_out_model_from_the_others_decides_nothing():
    models = [{}, {}, {}, {}, {"cluster_nmi": 0.95}]
    half = {"cluster_nmi": 0.8}
    reliable = verdicts_of(compared([{}] * 5, muda=[half]))
    assert reliable["muda"]["word"] == "partly matched"
    comparison = compared(models, muda=[half])
    assert about(comparison)["unreliable"] == ["cluster_nmi"]
    found = verdicts_of(comparison)
    assert found["muda"]["word"] == "matched"
    assert found[LEFT_OUT_LABEL]["word"] != "matched"  # which is why


def test_a_variant_has_the_word_in_the_middle_of_its_seeds():
    far = {"forget_accuracy": 0.9}
    found = verdicts_of(compared([{}, {}, {}], muda=[far, {}, {}], badt=[BADT, BADT, BADT]))
    assert (found["muda"]["word"], found["muda"]["agreement"]) == ("matched", "2 of 3 seeds")
    assert found["muda"]["because"].startswith("seed 1: ")
    assert (found["badt"]["word"], found["badt"]["agreement"]) == ("pretends", "3 of 3 seeds")


def test_of_an_even_number_of_seeds_the_worse_word_counts():
    far = {"forget_accuracy": 0.9}
    found = verdicts_of(compared([{}, {}], muda=[far, {}]))
    assert (found["muda"]["word"], found["muda"]["agreement"]) == ("remembers", "1 of 2 seeds")


def test_an_edit_far_off_on_one_seed_changes_no_word():
    """By the mean of five, one seed that is left at 100 % is 20 % of the forgotten class known."""
    left = {"forget_accuracy": 1.0}
    found = verdicts_of(compared([{}] * 5, muda=[{}, {}, left, {}, {}]))
    assert (found["muda"]["word"], found["muda"]["agreement"]) == ("matched", "4 of 5 seeds")


def test_retrained_models_can_be_asked_for_alone():
    configs = reference_configs(REQUEST, 16)
    assert [config.seed for config in configs] == list(range(16))
    assert {config.role for config in configs} == {"reference"}
    with pytest.raises(InputError, match="must not be negative, got -1"):
        reference_configs(REQUEST, -1)
