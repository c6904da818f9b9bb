"""Every page on a comparison of language models: nothing fails, and what cannot be said is told."""

import pytest

from tests.pages.reading import figures, opened, texts

pytestmark = pytest.mark.page
PAGES = (
    "overview", "manifolds", "alignment", "gamma", "metrics", "privacy", "layers", "predictions",
    "bring_back", "samples", "backdoor", "fooling", "incremental", "methods", "runs", "unlearn",
    "grid",
)  # fmt: skip


@pytest.fixture
def asked(explained, monkeypatch):
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
    [text] = [element.value for element in app.text]
    assert text.startswith("Why does the ")


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
