"""A comparison on texts, from the trained model to the metrics of methods."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, ModelConfig, RelearnConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.probes import record
from unlearn_core.engine.readable import readable, trained
from unlearn_core.engine.remeasure import measure_again
from unlearn_core.engine.request import validate
from unlearn_core.models import build_model
from unlearn_core.runs.artefact import TOKENIZER
from unlearn_core.runs.store import Store

CPU = torch.device("cpu")
MEASURED = (
    "forget_accuracy", "retain_test_accuracy", "dimensional_alignment", "linear_probe_retain",
    "cluster_f1", "cluster_nmi", "activation_distance_l2", "feature_distance_original", "mia_rfa",
    "zrf",
)  # fmt: skip


def test_every_metric_of_pictures_that_has_a_meaning_is_measured_on_texts(questions):
    for method in ("rfa", "muda"):
        values = questions.runs[method].metrics()["values"]
        missing = [name for name in MEASURED if values[name] is None]
        assert missing == []
    assert questions.runs["retrain"].metrics()["values"]["forget_accuracy"] == 0.0


def test_layers_of_texts_are_compared_block_by_block(questions):
    layers = questions.runs["rfa"].metrics()["layers"]
    names = {row["layer"] for row in layers}
    assert "distilbert.transformer.layer.0.ffn.lin1" in names
    assert all(row["distance"] is not None for row in layers)


def test_the_base_keeps_its_tokenizer_and_every_run_reads_it_there(questions):
    base = questions.runs["base"]
    tokenizer = base.read(TOKENIZER).decode()
    assert json.loads(tokenizer)["model"]["type"] == "WordPiece"
    assert TOKENIZER not in questions.runs["retrain"].files
    raw = load_dataset(questions.config.data)
    data, read = readable(raw, questions.runs["muda"].config, questions.store)
    assert read == tokenizer == trained(raw, questions.config.model)
    model = build_model(questions.config.model, 0, 77, torch.Generator())
    model.load_state_dict(base.weights())
    again = record(model.eval(), to_device(data, data.is_test, CPU), data)
    before = base.records().where(~base.records().is_train)
    assert (again.example_ids == before.example_ids).all()
    assert np.abs(again.logits - before.logits).max() < 1e-5


def test_the_same_config_gives_the_same_weights_and_numbers(questions, store):
    again = execute(questions.config.base(), store=store, device="cpu")
    first = questions.runs["base"].weights()
    assert all(torch.equal(weight, first[name]) for name, weight in again.weights().items())


def test_metrics_of_texts_are_computed_again_from_what_is_kept(questions, tmp_path):

    shutil.copytree(questions.store.root, tmp_path / "cache")
    copied = Store(tmp_path / "cache")
    assert measure_again(copied, questions.runs["muda"].key, CPU) == "as before"


def test_a_model_is_taught_forgotten_texts_again(questions, tmp_path):
    """Of three training examples of the intent one can be shown."""
    shutil.copytree(questions.store.root, tmp_path / "cache")
    asked = replace(questions.runs["muda"].config, relearn=RelearnConfig(examples=(1,), steps=2))
    curve = execute(asked, store=Store(tmp_path / "cache"), device="cpu").history()
    assert curve["step"].tolist() == [0, 1, 2]
    assert curve["forget_accuracy"].notna().all()


def test_a_network_and_data_of_other_kinds_do_not_go_together(questions):
    pictures = replace(questions.config, data=DataConfig())
    with pytest.raises(InputError, match=r"distilbert reads texts, and digits has pictures: .*res"):
        validate(pictures)
    wrong = replace(questions.config, model=ModelConfig(width=4))
    with pytest.raises(
        InputError, match=r"resnet18 reads pictures, and banking77 has texts: .*dist"
    ):
        validate(wrong)


def test_heads_must_divide_the_width():
    with pytest.raises(InputError, match="width must be a multiple of the 4 attention heads"):
        ModelConfig(name="distilbert", width=6)
