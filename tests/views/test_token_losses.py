"""The shade behind each token tells how little a model expected it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from unlearn_core.records import TokenRecords
from unlearn_core.views import token_losses


def run(label, losses):
    tokens = TokenRecords(
        n_tokens=np.array([1, len(losses)]),
        losses=np.array([9.0, *losses], np.float32),
        entropies=np.zeros(2, np.float32),
    )
    recorded = SimpleNamespace(example_ids=np.array([4, 2]), tokens=tokens)
    return SimpleNamespace(label=label, predictions=lambda: recorded)


def test_every_token_has_its_loss_in_every_model():
    runs = [run("Original", [0.5, 0.25]), run("RFA", [1.0, 3.0])]
    rows = token_losses.token_rows(runs, 2, ["why", " not"])
    expected = pd.DataFrame({"token": ["why", " not"], "Original": [0.5, 0.25], "RFA": [1.0, 3.0]})
    pd.testing.assert_frame_equal(rows, expected)
    assert token_losses.perplexity_text(rows, "RFA") == "perplexity 7"


def test_where_the_text_is_not_here_a_blank_stands_for_each_token():
    rows = token_losses.token_rows([run("RFA", [1.0, 3.0])], 2, None)
    assert rows["token"].tolist() == [token_losses.BLANK] * 2
    assert rows["RFA"].tolist() == [1.0, 3.0]


def test_tokens_of_another_tokenizer_are_refused():
    with pytest.raises(ValueError, match="the 2 tokens of example 2 that RFA was recorded with"):
        token_losses.token_rows([run("RFA", [1.0, 3.0])], 2, ["why"])


def test_a_surprising_token_is_darker_and_its_number_is_told():
    rows = pd.DataFrame({"token": ["a", "<b>", "c"], "RFA": [0.0, 5.0, 50.0]})
    text = token_losses.losses_html(rows, "RFA")
    assert text.count("<span") == 3
    for shade in ("0.00", "0.38", "0.75"):
        assert f", {shade})" in text
    assert "&lt;b&gt;" in text
    assert 'title="5.00 nats, 1 in 148"' in text
    assert "100 %" in token_losses.scale_html()
