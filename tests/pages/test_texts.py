"""Every page on a comparison whose examples are texts: nothing fails, and the texts are seen."""

import html
import re

import pytest

from tests.pages.reading import opened
from unlearn_core.config import DataConfig
from unlearn_core.data import load_dataset

pytestmark = pytest.mark.page
PAGES = (
    "overview", "manifolds", "alignment", "gamma", "metrics", "privacy", "layers", "predictions",
    "bring_back", "samples", "backdoor", "fooling", "incremental", "methods", "runs", "unlearn",
)  # fmt: skip


@pytest.fixture
def asked(questions, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(questions.store.root))
    return load_dataset(questions.config.data)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_texts_opens(page, asked):
    opened(page)


def test_a_sample_is_shown_with_its_whole_text(asked):
    chosen = int(asked.train_ids[5])
    app = opened("samples", example=str(chosen))
    [whole] = [e.proto.body for e in app.get("html") if '"mu-whole">' in e.proto.body]
    assert f'"mu-whole">{html.escape(asked.texts[chosen])}<' in whole


def test_the_network_is_told_by_what_it_has(asked):
    told = "".join(each.value for each in opened("samples").caption)
    assert "distilbert, width 16, layers 1, heads 2, length 24" in told
    assert "norm" not in told


def test_tables_of_examples_have_a_column_of_texts(asked):
    tables = [f.value for f in opened("predictions").dataframe if "more" in f.value]
    rows = tables[0]
    assert rows["image"].tolist() == [asked.texts[i] for i in rows["id"]]


def choose_questions():
    app = opened("unlearn")
    app.selectbox(key="dataset").set_value("banking77").run()
    assert not app.exception
    return app


def test_only_networks_that_read_texts_are_offered_for_texts(asked):
    app = choose_questions()
    assert app.selectbox(key="model").options == ["DistilBERT", "DistilGPT2"]
    app.selectbox(key="dataset").set_value("digits").run()
    assert not app.exception
    assert "DistilBERT" not in app.selectbox(key="model").options
    assert app.selectbox(key="model").value == "resnet18"


def test_requests_are_those_that_make_sense_for_the_data(asked):
    app = choose_questions()
    offered = app.segmented_control(key="forget_kind").options
    assert "Texts with a word" in offered
    assert "A backdoor" not in offered
    app.selectbox(key="dataset").set_value("digits").run()
    offered = app.segmented_control(key="forget_kind").options
    assert "A backdoor" in offered
    assert "Texts with a word" not in offered


def ask_for_a_word(word):
    app = choose_questions()
    app.segmented_control(key="forget_kind").set_value("keyword").run()
    return app.text_input(key="forget_keyword").set_value(word).run()


def test_how_many_texts_have_the_word_is_said_before_anything_is_launched(asked):
    app = ask_for_a_word(" Visa")
    assert not app.exception
    part = app.number_input(key="part_banking77").value  # of the comparison that is shown
    whole = load_dataset(DataConfig(name="banking77", train_examples=part))
    has = [bool(re.search(r"\bvisa\b", text.lower())) for text in whole.texts]
    n_train = sum(has[i] for i in whole.train_ids)
    told = "\n".join(caption.value for caption in app.caption)
    assert f"{n_train:,} of {len(whole.train_ids):,} training texts" in told
    assert app.button(key="launch").disabled is False


@pytest.mark.parametrize(
    ("word", "told"),
    [("  ", "Write a word"), ("zzyzx", "No training text contains the word 'zzyzx'.")],
)
def test_a_word_that_nobody_wrote_is_one_line(asked, word, told):
    app = ask_for_a_word(word)
    assert not app.exception
    assert any(told in error.value for error in app.error)


def test_the_overview_has_the_words_of_what_is_forgotten_and_no_tiny_pictures(asked):
    [table] = [e.proto.body for e in opened("overview").get("html") if "mu-words" in e.proto.body]
    forgotten = asked.train_ids[asked.labels[asked.train_ids] == 11]
    assert all(f"{html.escape(asked.texts[i])}</span>" in table for i in forgotten)
    assert "<img" not in table
    answers = re.findall(r'<td[^>]*title="([^"]+), probability [^>]*>(.*?)</td>', table)
    assert answers
    for name, shown in answers:  # a long name of a class has two lines, and is not cut after one
        assert shown == (name if len(name) <= 12 else f'<span class="mu-long">{name}</span>')
