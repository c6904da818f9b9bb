"""A process of its own answers about a picture as the model does that was recorded."""

import os
import signal

import numpy as np
import pytest

from tests.conftest import PATIENCE
from unlearn_core.data import load_dataset
from unlearn_core.engine.packing import slim
from unlearn_core.engine.pipeline import execute
from unlearn_core.runs.answerer import Answerer, NotAnsweredError, weights_of
from unlearn_core.runs.artefact import MODEL
from unlearn_core.runs.own_picture import answers as answers_of
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.slow  # each starts a process that loads torch


@pytest.fixture
def answerer(comparison):
    answerer = Answerer(comparison.store)
    yield answerer
    answerer.close()


def asked(answerer, comparison):
    """Ask three models about the first recorded example."""
    dataset = load_dataset(comparison.config.data)
    example = comparison.runs["original"].records().example_ids[0]
    runs = [comparison.runs[name] for name in ("original", "retrain", "neggrad")]
    return runs, answers_of(answerer, runs, dataset.images[example], dataset)


def test_each_model_answers_what_was_recorded_of_the_same_picture(answerer, comparison):
    runs, answers = asked(answerer, comparison)
    assert list(answers) == [run.label for run in runs]
    for run in runs:
        records, recorded = run.records(), run.predictions()
        answer = answers[run.label]
        np.testing.assert_allclose(answer.probabilities, recorded.probabilities[0], atol=1e-5)
        np.testing.assert_allclose(answer.features, records.features[0], atol=1e-4)


def test_the_process_ends_with_its_server_and_starts_again_when_it_was_ended(
    answerer, comparison, monkeypatch
):
    monkeypatch.setattr("unlearn_core.runs.answerer.SECONDS_TO_END", PATIENCE)
    asked(answerer, comparison)
    first = answerer._process.pid
    os.kill(first, signal.SIGKILL)  # and asked at once: it may not have ended yet
    asked(answerer, comparison)
    second = answerer._process
    assert second.pid != first
    answerer.close()
    assert second.poll() == 0  # by itself, for nobody holds its input any more


def test_damaged_weights_are_named_in_one_line_and_the_next_question_is_answered(own, comparison):
    run = own.load(comparison.runs["neggrad"].key)
    dataset = load_dataset(comparison.config.data)
    answerer = Answerer(own)
    (run.folder / MODEL).write_bytes(b"x" * run.files[MODEL]["bytes"])
    try:
        with pytest.raises(NotAnsweredError, match=MODEL) as error:
            answers_of(answerer, [run], dataset.images[0], dataset)
        assert "\n" not in str(error.value)
        whole = own.load(comparison.runs["retrain"].key)
        assert list(answers_of(answerer, [whole], dataset.images[0], dataset)) == [whole.label]
    finally:
        answerer.close()


def test_a_run_that_shipped_without_weights_is_made_here_only_where_they_are_needed(
    comparison, tmp_path, no_maps
):
    store = Store(tmp_path, demo=True)
    for name, run in comparison.runs.items():
        slim(run, tmp_path / "demo" / "runs", weights=name in ("base", "retrain"), maps=())
    shipped = store.load(comparison.runs["neggrad"].key)
    original = store.load(comparison.runs["original"].key)
    assert weights_of(shipped, store) is None
    assert weights_of(original, store).key == comparison.runs["base"].key
    assert store.is_shipped(execute(shipped.config, store=store, device="cpu").key)
    made = execute(shipped.config, store=store, device="cpu", weights=True)
    assert not store.is_shipped(made.key)
    assert weights_of(made, store).key == made.key
    assert not (store.runs / comparison.runs["retrain"].key).exists()  # it has shipped with them
