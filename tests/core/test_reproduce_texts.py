"""RFA's tables on texts: what stands behind their rows, and the numbers beside the printed ones."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax

from tests import explanations
from tests.reviews import write_reviews
from unlearn_core.cli.main import main
from unlearn_core.config import ForgetConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.engine.probes import layer_examples
from unlearn_core.engine.readable import readable
from unlearn_core.engine.request import dataset_of
from unlearn_core.methods import resolve_settings
from unlearn_core.models import build_model
from unlearn_core.papers.experiments import Experiment, experiments
from unlearn_core.papers.reproduce import reproduce

TABLES = {"III": "imdb", "IV": "eli5_category", "VI": "eli5_category", "VIII": "eli5_category"}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Both data sets, small, and nothing else."""
    root = tmp_path / "data"
    root.mkdir()
    write_reviews(root)
    explanations.write_explanations(root)
    monkeypatch.setenv("UNLEARN_DATA", str(root))
    dataset_of.cache_clear()
    yield root
    dataset_of.cache_clear()


@pytest.mark.parametrize("scale", ["smoke", "small"])
@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_measured_on_its_own_data_with_its_own_kind_of_network(table, scale, data):
    for found in experiments("rfa", table, scale):
        assert not found.reason
        [start] = found.starts
        assert start.data.name == TABLES[table] == found.rows["dataset"].iloc[0]
        assert start.model.name == found.rows["model"].iloc[0]
        assert start.same_start
        assert start.data.train_examples == (120 if table == "III" else 90)
        assert any("from scratch" in note for note in found.notes)


def test_reviews_with_a_word_are_forgotten_and_their_share_is_told(data):
    alone, word = experiments("rfa", "III", "smoke")
    assert alone.starts[0].forget == ForgetConfig(kind="random", values=(6,))
    assert "6 single texts in place of 128" in alone.notes
    assert word.starts[0].forget == ForgetConfig(kind="keyword", keyword="comedy")
    assert "10% of all training texts contain 'comedy'" in word.notes


def test_the_papers_category_is_forgotten_where_the_files_have_it(data, tmp_path, monkeypatch):
    other = experiments("rfa", "IV", "smoke")[1]
    assert other.starts[0].forget == ForgetConfig(kind="class", values=(0,))
    assert "the category Biology in place of Earth Science, which is not in these files" in (
        other.notes
    )
    renamed = {"Biology": ("leaf", "cell"), "Earth Science": ("rock", "sea")}
    monkeypatch.setattr(explanations, "CATEGORIES", renamed)
    root = tmp_path / "renamed"
    root.mkdir()
    monkeypatch.setenv("UNLEARN_DATA", str(explanations.write_explanations(root)))
    dataset_of.cache_clear()
    own = experiments("rfa", "IV", "smoke")[1]
    assert own.starts[0].forget == ForgetConfig(kind="class", values=(1,))
    assert not any("in place of Earth" in note for note in own.notes)


def test_methods_have_the_presets_of_the_data(data):
    found = experiments("rfa", "IV", "small")[1]
    chosen = resolve_settings("rfa", found.settings["rfa", ""])
    assert chosen == resolve_settings("rfa", preset="eli5")
    assert chosen != resolve_settings("rfa")


def test_the_papers_size_goes_on_from_published_weights_in_batches_of_32(data):
    found = experiments("rfa", "IV", "full")[0]
    [start] = found.starts
    assert (start.model.pretrained, start.model.width, start.model.layers) == (True, 768, 6)
    assert (start.training.batch_size, start.training.learning_rate) == (32, 5e-5)
    assert start.data.train_examples is None
    scrub = resolve_settings("scrub", found.settings["scrub", ""])
    assert (scrub.forget_batch_size, scrub.retain_batch_size) == (32, 32)
    assert resolve_settings("rfa", found.settings["rfa", ""]).batch_size == 32


def test_only_sums_over_tokens_say_that_they_are(data):
    told = {t: [" ".join(e.notes) for e in experiments("rfa", t, "smoke")] for t in TABLES}
    assert all("sums over a text's tokens" in notes for notes in told["VI"])
    assert not any("sums over" in notes for t in ("III", "IV", "VIII") for notes in told[t])


@pytest.fixture
def measured(explained, monkeypatch):
    """Measure rows of a method on the tiny comparison of language models."""
    monkeypatch.setenv("UNLEARN_DATA", str(explained.data))
    dataset_of.cache_clear()

    def measure(method, *metrics):
        rows = pd.DataFrame({"method": method, "metric": metrics}).assign(
            paper="rfa", table="VI", dataset="eli5_category", model="distilgpt2", scenario="class",
            kind="class", variant="", value=1.0, unit="number", erratum="",
        )  # fmt: skip
        settings = {("neggrad", ""): dict(explained.runs["neggrad"].config.settings)}
        experiment = Experiment(
            rows=rows, scale="smoke", starts=(explained.config,), settings=settings
        )
        return reproduce(experiment, store=explained.store, execute=lambda _config: None)

    yield measure
    dataset_of.cache_clear()


def test_perplexities_and_layers_are_those_of_the_run(measured, explained):
    names = ("perplexity@forget", "perplexity@test", "feature_distance_retrained@retain")
    table = measured("neggrad", *names)
    content = explained.runs["neggrad"].metrics()
    values, layers = content["values"], content["layers"]
    distances = [
        row["distance"]
        for row in layers
        if (row["reference"], row["set"]) == ("retrained", "retain")
    ]
    assert table["measured"].tolist() == pytest.approx(
        [values["perplexity_forget"], values["perplexity_retain_test"], sum(distances)]
    )


def test_answers_are_as_far_apart_as_their_tokens_together_text_by_text(measured, explained):
    config = explained.config
    data, _ = readable(load_dataset(config.data), config, explained.store)
    nets = []
    for name in ("neggrad", "retrain"):
        model = build_model(config.model, 0, 3, torch.Generator())
        model.load_state_dict(explained.runs[name].weights())
        nets.append(model.eval())
    expected = []
    for part in ("forget", "retain_test"):
        sums = []
        for row in layer_examples(split(data, config.forget))[part]:
            tokens = torch.from_numpy(data.tokens.take(np.array([row])).flat)[None]
            with torch.no_grad():
                a, b = (softmax(net(tokens)[0, :-1].double().numpy(), axis=1) for net in nets)
            sums.append(np.abs(a - b).sum())
        expected.append(np.mean(sums))
    table = measured(
        "neggrad", "activation_distance_l1@forget", "activation_distance_l1@retain_test"
    )
    assert table["measured"].tolist() == pytest.approx(expected, rel=1e-4)
    assert expected[0] > 2  # more than one answer's distance can be
    same = measured("retrain", "activation_distance_l1@forget")
    assert same["measured"].tolist() == [0]


def test_models_without_weights_are_a_reason(measured, monkeypatch):
    monkeypatch.setattr("unlearn_core.papers.token_answers.weights_of", lambda *_: None)
    table = measured("neggrad", "activation_distance_l1@forget", "perplexity@forget")
    assert table["reason"].tolist() == ["the weights of the models are not here", ""]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store that the tables share, as most of them are about the same runs."""
    return tmp_path_factory.mktemp("kept")


@pytest.mark.slow
@pytest.mark.parametrize("table", ["3", "4", "6", "8"])
def test_smoke_measures_every_row_of_the_table(table, data, kept, monkeypatch, no_maps, capsys):
    out = data.parent / "table.json"
    monkeypatch.setenv("UNLEARN_CACHE", str(kept))
    command = ["reproduce", "--paper", "rfa", "--table", table, "--json", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert " / " in printed
    assert "differs: " in printed
    for experiment in json.loads(out.read_text())["experiments"]:
        assert [row for row in experiment["rows"] if row["measured"] is None] == []
        assert {run["config"]["method"] for run in experiment["runs"]} == {
            "original", "retrain", "neggrad", "finetune", "badt", "scrub", "rfa",
        }  # fmt: skip


def test_data_that_is_missing_is_one_line_and_bad_input(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    assert main(["reproduce", "--paper", "rfa", "--table", "4", "--scale", "small"]) == 2
    error = capsys.readouterr().err
    assert "'eli5_category' is not in" in error
    assert error.count("\n") == 1
