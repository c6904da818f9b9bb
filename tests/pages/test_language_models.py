"""Every page on a comparison of language models: nothing fails, and what cannot be said is told."""

import html
import re
from collections import OrderedDict

import pytest
import torch

from tests.pages.reading import figures, opened, texts
from tests.stores import fill_store
from unlearn_core.data import load_dataset
from unlearn_core.data.tokens import decoded
from unlearn_core.engine.answering import answer
from unlearn_core.engine.writing import written
from unlearn_core.models import build_model
from unlearn_core.runs.answerer import Answerer
from unlearn_core.runs.artefact import MODEL, TOKENIZER, RunArtefact
from unlearn_core.runs.continuations import prompt_for
from unlearn_core.views.token_losses import BLANK

pytestmark = pytest.mark.page
PAGES = (
    "overview", "manifolds", "alignment", "gamma", "metrics", "privacy", "layers", "predictions",
    "bring_back", "samples", "backdoor", "fooling", "incremental", "methods", "runs", "unlearn",
    "grid",
)  # fmt: skip


@pytest.fixture
def asked(explained, monkeypatch):
    """A server whose models answer in this process, instead of one that waits for torch."""
    loaded = OrderedDict()
    monkeypatch.setattr(Answerer, "_told", lambda _self, question: answer(question, loaded))
    monkeypatch.setenv("UNLEARN_CACHE", str(explained.store.root))
    monkeypatch.setenv("UNLEARN_DATA", str(explained.data))
    return explained


@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_language_models_opens(page, asked):
    opened(page)


@pytest.mark.parametrize("page", ["predictions", "bring_back"])
def test_a_page_that_asks_for_classes_says_why_there_are_none(page, asked):
    app = opened(page)
    assert "they answer with the next word" in app.info[-1].value
    assert not figures(app)


def test_the_attacker_looks_at_losses_and_entropies_and_at_no_class(asked):
    app = opened("privacy")
    options = app.segmented_control(key="score").options
    assert options == ["Loss", "Entropy"]
    assert len(figures(app)) == 2


def test_the_table_of_metrics_has_perplexities_and_no_accuracies(asked):
    app = opened("metrics")
    assert app.pills(key="metric_groups").value == ["Perplexity", "Features", "Attacker's success"]
    [table] = [e.proto.body for e in app.get("html") if "<table" in e.proto.body]
    assert "PPL(D<sub>f</sub>)" in table
    assert "Acc(" not in table


def test_maps_offer_no_highlight_that_needs_a_right_answer(asked):
    options = opened("manifolds").selectbox(key="highlight").options
    assert "Forget set" in options
    assert not {"Correctly forgotten", "Still recognised", "Collateral"} & set(options)


def test_a_sample_shows_how_surprised_each_model_is_by_every_token(asked):
    app = opened("samples", example="4")
    shaded = [e.proto.body for e in app.get("html") if "rgba(230, 159, 0" in e.proto.body]
    models = ("Original", "Retrained", "NegGrad", "RFA")
    assert len(shaded) == len(models) + 1  # and the scale
    assert len(set(shaded)) == len(shaded)
    written = texts(app)
    assert written.count("perplexity ") == len(models)
    [question] = [element.value for element in app.text]
    [whole] = [e.proto.body for e in app.get("html") if '"mu-whole">' in e.proto.body]
    assert question.startswith("Why does the ")
    assert f'"mu-whole">{html.escape(question)}' in whole


def test_what_ships_without_its_texts_is_shown_on_every_page(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(fill_store(tmp_path / "shipped", "eli5_category")))
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "none"))
    app = opened("overview")
    for page in PAGES:
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, (page, app.exception)
        assert not app.warning, (page, [each.value for each in app.warning])
    app = opened("samples")
    told = texts(app)
    assert BLANK in told
    assert "A blank stands for each token" in told
    assert "The models write where the texts" in told


def cards(app):
    """Return what each card says, by its title."""
    [page] = [e.proto.body for e in app.get("html") if "What a person wrote" in e.proto.body]
    found = re.findall(r"<(?:em|strong)>([^<]*)</\w+><div[^>]*>(.*?)</div>", page, re.DOTALL)
    return {title: re.sub(r"</?strong>", "", text) for title, text in found}


def test_every_model_writes_after_the_question_beside_what_a_person_wrote(asked):
    told = cards(opened("samples", example="7"))
    holders = {name: asked.runs[name] for name in ("original", "retrain", "neggrad", "rfa")}
    assert set(told) == {"What a person wrote", *(run.label for run in holders.values())}
    text = load_dataset(asked.config.data).texts[7]
    assert told["What a person wrote"] == text.split("\n")[1]
    base, model = asked.runs["base"], build_model(asked.config.model, 0, 3, torch.Generator())
    prompt, tokenizer = prompt_for(base, text), base.read(TOKENIZER).decode()
    for name, run in holders.items():
        model.load_state_dict((base if name == "original" else run).weights())
        [tokens] = written(model, [prompt.tokens], prompt.n_tokens)
        assert html.unescape(told[run.label]) == decoded(tokenizer, tokens).lstrip()


def test_the_next_example_is_gone_on_with_too(asked):
    app = opened("samples", example="7")
    before = cards(app)
    app.button(key="next_example").click().run()
    assert not app.exception
    after = cards(app)
    assert after.keys() == before.keys()
    assert after["What a person wrote"] != before["What a person wrote"]


def test_models_without_weights_say_so_and_can_be_made_here(asked, monkeypatch):
    has, handed = RunArtefact.has, {}
    monkeypatch.setattr(
        RunArtefact, "has",
        lambda run, name: has(run, name) and not (name == MODEL and run.config.method == "rfa"),
    )  # fmt: skip
    monkeypatch.setattr(
        "pages.components.queue.submit",
        lambda configs, **options: handed.update(options, configs=configs),
    )
    app = opened("samples", example="7")
    assert "Shipped without weights, so they cannot answer yet: RFA" in texts(app)
    told = list(cards(app))
    assert told[:3] == ["What a person wrote", "Original", "Retrained"]
    assert len(told) == 4
    app.button(key="weights_run").click().run()
    assert [config.method for config in handed["configs"]] == ["rfa"]
    assert handed["weights"]


def test_weights_that_cannot_be_read_are_told_in_one_line(asked, monkeypatch):
    monkeypatch.setattr(Answerer, "_told", lambda *_: {"error": "model.safetensors is damaged."})
    app = opened("samples", example="7")
    assert [error.value for error in app.error] == ["model.safetensors is damaged."]
    assert "Nearest neighbours" in texts(app)


def test_models_that_answer_with_a_class_write_nothing(questions, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(questions.store.root))
    assert "What each model writes" not in texts(opened("samples"))


def test_a_method_that_does_not_apply_cannot_be_chosen_and_says_why(asked):
    app = opened("unlearn")
    app.selectbox(key="dataset").set_value("eli5_category").run()
    assert not app.exception
    assert app.selectbox(key="model").value == "distilgpt2"
    keys = {box.key for box in app.checkbox}
    assert {"use_rfa", "use_neggrad", "use_badt"} <= keys
    assert not {"use_fisher", "use_ssd", "use_trick_forget_bias"} & keys
    assert "Does not apply to language modelling: it weighs the loss" in texts(app)
    app.selectbox(key="model").set_value("distilbert").run()
    assert "use_fisher" in {box.key for box in app.checkbox}
