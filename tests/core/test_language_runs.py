"""A comparison of language models, from the trained model to verdicts on methods."""

import json
import shutil
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import torch

from unlearn_core.checks import InputError
from unlearn_core.config import RelearnConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.probes import record
from unlearn_core.engine.readable import readable
from unlearn_core.engine.remeasure import measure_again
from unlearn_core.engine.request import validate
from unlearn_core.models import build_model
from unlearn_core.runs.artefact import NO_CLASS, TOKENIZER
from unlearn_core.runs.change import change_of
from unlearn_core.runs.comparison import gather
from unlearn_core.runs.store import Store
from unlearn_core.tasks import LANGUAGE_MODELLING

CPU = torch.device("cpu")
SETS = ("forget", "retain", "forget_test", "retain_test")
PERPLEXITIES = tuple(f"perplexity_{name}" for name in SETS)
MEASURED = (
    *PERPLEXITIES, "dimensional_alignment", "effective_rank", "linear_probe_forget",
    "linear_probe_retain", "cluster_f1", "cluster_nmi", "activation_distance_l1",
    "activation_distance_l2", "feature_distance_original", "feature_distance_retrained",
    "cka_retrained", "mia_rfa", "mia_scrub", "mia_starter", "prototype_forget",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _where_the_data_is(explained, monkeypatch):
    monkeypatch.setenv("UNLEARN_DATA", str(explained.data))


def values(explained, method):
    return explained.runs[method].metrics()["values"]


@pytest.mark.parametrize("method", ["original", "retrain", "neggrad", "rfa"])
def test_every_metric_that_has_a_meaning_is_measured(method, explained):
    found = values(explained, method)
    assert [name for name in MEASURED if found[name] is None] == []
    assert all(1 < found[name] < 300 for name in PERPLEXITIES)


def test_a_metric_of_classes_says_that_a_language_model_answers_with_none(explained):
    content = explained.runs["rfa"].metrics()
    for name in ("forget_accuracy", "retain_test_accuracy", "mia_muda", "zrf", "rf_jsd"):
        assert content["values"][name] is None
        assert "answers with tokens" in content["reasons"][name]


def test_a_classifier_has_no_perplexity_and_says_why(questions):
    content = questions.runs["rfa"].metrics()
    assert content["values"]["perplexity_forget"] is None
    assert content["reasons"]["perplexity_forget"] == (
        "the network answers with a class, not with tokens"
    )


def test_perplexities_are_those_of_the_stored_losses(explained):
    run = explained.runs["neggrad"]
    records, config = run.records(), explained.config
    forgotten = records.is_train & (records.labels == config.forget.values[0])
    losses = np.concatenate([records.tokens.of(row) for row in np.flatnonzero(forgotten)])
    found = values(explained, "neggrad")["perplexity_forget"]
    assert found == pytest.approx(np.exp(losses.astype(np.float64).mean()))


def test_learning_shows_the_retrained_model_never_saw_the_category(explained):
    before, retrained = values(explained, "original"), values(explained, "retrain")
    assert before["perplexity_forget"] < 0.8 * retrained["perplexity_forget"]
    assert before["perplexity_forget_test"] < 0.9 * retrained["perplexity_forget_test"]


def test_distances_of_answers_are_those_of_the_models_and_within_their_bounds(explained):
    assert values(explained, "retrain")["activation_distance_l1"] == 0
    for method in ("original", "rfa"):
        found = values(explained, method)
        assert 0 < found["activation_distance_l2"] < sqrt(2)
        assert found["activation_distance_l2"] < found["activation_distance_l1"] < 2


def test_layers_are_compared_block_by_block(explained):
    layers = explained.runs["rfa"].metrics()["layers"]
    assert {row["layer"] for row in layers} == {
        f"transformer.h.{block}.{part}"
        for block in (0, 1)
        for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    }
    assert all(row["distance"] is not None for row in layers)


def test_verdicts_rest_on_perplexity(explained):
    comparison = gather([run for name, run in explained.runs.items() if name != "base"])
    verdict = comparison.verdict(explained.runs["neggrad"])
    assert verdict.word in ("matched", "partly matched", "pretends", "remembers", "broken")
    because = comparison.verdict(explained.runs["rfa"]).sentence
    assert "PPL(D" in because or "features" in because
    assert comparison.verdict(explained.runs["retrain"]).word == "reference"


def test_the_base_keeps_a_tokenizer_of_bytes_and_its_weights_answer_as_recorded(explained):
    base = explained.runs["base"]
    assert json.loads(base.read(TOKENIZER))["model"]["type"] == "BPE"
    config = explained.config
    data, _ = readable(load_dataset(config.data), config, explained.store)
    model = build_model(config.model, 0, 3, torch.Generator())
    model.load_state_dict(base.weights())
    again = record(model, to_device(data, data.is_test, CPU), data, LANGUAGE_MODELLING)
    before = base.records().where(~base.records().is_train)
    assert (again.example_ids == before.example_ids).all()
    assert np.abs(again.tokens.losses - before.tokens.losses).max() < 1e-5


def test_no_logits_of_the_vocabulary_are_stored(explained):
    run = explained.runs["rfa"]
    assert run.records().logits.shape[1] == 0
    assert (run.predictions().predictions == NO_CLASS).all()
    assert run.predictions().sureness == pytest.approx(np.exp(-run.records().losses))
    n_texts = len(run.records())
    assert max(array.size for array in run.records().to_arrays().values()) < 30 * n_texts


def test_how_far_a_model_moved_is_kept(explained):
    found = change_of(explained.runs["neggrad"])
    assert 0 < found.answers < 1
    assert found.features > 0


def test_the_course_of_a_run_has_perplexities(explained):
    history = explained.runs["rfa"].history()
    assert {f"probe/{name}" for name in PERPLEXITIES} <= set(history)
    assert not any("accuracy" in name for name in history)


def test_the_same_config_gives_the_same_weights(explained, store):
    again = execute(explained.config.base(), store=store, device="cpu")
    first = explained.runs["base"].weights()
    assert all(torch.equal(weight, first[name]) for name, weight in again.weights().items())


def test_metrics_are_computed_again_from_what_is_kept(explained, tmp_path):
    shutil.copytree(explained.store.root, tmp_path / "cache")
    copied = Store(tmp_path / "cache")
    assert measure_again(copied, explained.runs["rfa"].key, CPU) == "as before"


def test_what_has_no_meaning_for_a_language_model_is_refused_before_anything_is_made(explained):
    with pytest.raises(InputError, match="ssd does not apply to language modelling: it weighs"):
        validate(replace(explained.config, method="ssd"))
    asked = replace(explained.config, method="rfa", relearn=RelearnConfig(examples=(1,)))
    with pytest.raises(InputError, match="distilgpt2 answers with tokens"):
        validate(asked)
