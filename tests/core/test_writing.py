"""What language models write after a beginning: computed again text by text, without padding."""

import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from tests.explanations import SHAPE
from unlearn_core import continuations as written_by_own
from unlearn_core.checks import InputError
from unlearn_core.config import ModelConfig
from unlearn_core.data.prompts import WRITTEN, prompt_of
from unlearn_core.data.tokens import decoded, encode, train_byte_pairs
from unlearn_core.engine.answering import answer
from unlearn_core.engine.writing import written
from unlearn_core.models import build_model
from unlearn_core.runs.artefact import TOKENIZER
from unlearn_core.runs.continuations import continuations, prompt_for

MODEL = ModelConfig(name="distilgpt2", **{**SHAPE, "length": 64})
PROMPTS = [[1, 40, 7], [1, 9, 12, 55, 200, 31, 8, 8, 90], [1, 17], [1, 120, 121, 122, 123]]
TEXTS = ["Why is grass green?\nBecause of its leaves, and the light.", "One line, nothing else."]


@pytest.fixture(scope="module")
def model():
    built = build_model(MODEL, 0, 3, torch.Generator().manual_seed(2)).eval()
    for weight in built.parameters():  # larger than fresh ones, so that it has much to say
        if weight.dim() > 1:
            weight.data *= 10
    built.transformer.wpe.weight.data *= 4  # else a tied head repeats itself
    return built


@pytest.fixture(scope="module")
def tokenizer():
    return train_byte_pairs(TEXTS * 20, 300)


def by_hand(model, prompt, n_tokens):
    """Go on with one beginning alone: no other text, no padding, a plain loop."""
    tokens = list(prompt)
    for _ in range(n_tokens):
        with torch.no_grad():
            logits = model(torch.tensor([tokens]))[0, -1].numpy()
        tokens.append(1 + int(np.argmax(logits[1:])))  # token 0 is padding
    return tokens[len(prompt) :]


def test_each_text_goes_on_with_the_likeliest_token_as_if_it_were_alone(model):
    together = written(model, PROMPTS, 20)
    assert together == [by_hand(model, prompt, 20) for prompt in PROMPTS]
    assert len({tuple(text) for text in together}) == len(PROMPTS)
    assert len({token for text in together for token in text}) > 8


def test_other_texts_and_their_order_change_nothing(model):
    together = written(model, PROMPTS, 12)
    assert written(model, PROMPTS[::-1], 12) == together[::-1]
    for prompt, text in zip(PROMPTS, together, strict=True):
        assert written(model, [prompt], 12) == [text]
        assert written(model, [prompt], 5) == [text[:5]]


def test_the_librarys_own_writing_is_the_same(model):
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=97, n_positions=40, n_embd=16, n_layer=2, n_head=2, initializer_range=0.5,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    other = GPT2LMHeadModel(config).eval()
    prompts = [[0, 5, 9], [33, 2, 0, 0, 71, 4]]
    expected = [
        other.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), do_sample=False,
            max_new_tokens=25, pad_token_id=0,
        )[0, len(prompt):].tolist()
        for prompt in prompts
    ]  # fmt: skip
    assert written_by_own(other, prompts, n_tokens=25) == expected
    assert not other.training


def test_a_text_ends_where_the_model_says_so(model):
    [whole] = written(model, PROMPTS[:1], 20)
    end = whole[7]
    assert written(model, PROMPTS[:1], 20, end=end) == [whole[: whole.index(end)]]


class Favours(nn.Module):
    """Finds token 0 likeliest after everything, and token 4 next."""

    def forward(self, tokens):
        return torch.tensor([9.0, 0, 0, 0, 5.0]).expand(*tokens.shape, 5).clone()


def test_padding_is_never_written():
    assert written(Favours(), [[3]], 2) == [[4, 4]]
    assert written_by_own(Favours(), [[3]], n_tokens=2, padding=0) == [[4, 4]]
    assert written_by_own(Favours(), [[3]], n_tokens=2) == [[0, 0]]


@pytest.mark.parametrize(
    ("prompts", "n_tokens", "message"),
    [
        ([], 3, "must hold a beginning"),
        ([[1], []], 3, "each a token, got none"),
        ([[1]], 0, "`n_tokens` must be at least 1, got 0"),
        ([[1] * 60], 9, "has to read 69 at most"),
        ([[7000]], 2, "CausalLanguageModel cannot write 2 tokens"),
    ],
)
def test_what_cannot_be_gone_on_with_is_told_in_one_line(model, prompts, n_tokens, message):
    with pytest.raises(InputError, match=message) as error:
        written_by_own(model, prompts, n_tokens=n_tokens)
    assert "\n" not in str(error.value)


def test_a_classifier_is_refused():
    with pytest.raises(InputError, match=r"logits \(B, longest, n_kinds\), got \(1, 4\)"):
        written_by_own(nn.Sequential(nn.Embedding(9, 2), nn.Flatten(), nn.Linear(2, 4)), [[1]])


def test_the_question_is_the_first_line_and_the_rest_is_how_the_text_goes_on(tokenizer):
    prompt = prompt_of(tokenizer, TEXTS[0], 64)
    assert prompt.text == "Why is grass green?\n"
    assert prompt.rest == TEXTS[0].removeprefix(prompt.text)
    [whole] = [encode(tokenizer, TEXTS[:1], 64).flat.tolist()]
    assert list(prompt.tokens) == whole[: len(prompt.tokens)]
    assert prompt.n_tokens == min(WRITTEN, 64 - len(prompt.tokens))


def test_of_one_line_and_of_a_question_too_long_half_is_left_out(tokenizer):
    prompt = prompt_of(tokenizer, TEXTS[1], 64)
    assert TEXTS[1] == prompt.text + prompt.rest
    assert prompt.rest.startswith(" ")  # no word is cut in two
    n_tokens = len(encode(tokenizer, TEXTS[1:], 64).flat) - 1
    assert 1 < len(prompt.tokens) <= 1 + n_tokens // 2
    short = prompt_of(tokenizer, TEXTS[0], 5)
    assert TEXTS[0].startswith(short.text + short.rest)
    assert len(short.tokens) + short.n_tokens == 5
    assert 1 < len(short.tokens) <= 3


def test_where_no_word_begins_half_of_the_tokens_are_left_out(tokenizer):
    prompt = prompt_of(tokenizer, "ababababab", 64)
    n_tokens = len(encode(tokenizer, ["ababababab"], 64).flat) - 1
    assert len(prompt.tokens) == 1 + n_tokens // 2


def test_nothing_is_left_of_a_text_of_one_token(tokenizer):
    assert prompt_of(tokenizer, "a", 64) is None


def test_a_long_text_is_compared_over_as_many_tokens_as_are_written(tokenizer):
    long = "Why is grass green?\n" + "Because of its leaves, and the light. " * 20
    prompt = prompt_of(tokenizer, long, 200)
    assert prompt.n_tokens == WRITTEN
    assert long.startswith(prompt.text + prompt.rest)
    assert len(encode(tokenizer, [prompt.rest], 200).flat) == 1 + WRITTEN


def test_signs_of_several_bytes_are_whole_again(tokenizer):
    text = "Où est-ce?\nLà, naïve 漢字."
    prompt = prompt_of(tokenizer, text, 64)
    assert (prompt.text, prompt.rest) == ("Où est-ce?\n", "Là, naïve 漢字.")
    assert decoded(tokenizer, prompt.tokens[:-1]) == "Où est-ce?"


class InProcess:
    """Answers at once, with what the process would answer."""

    def __init__(self, store):
        self.store, self.loaded = store, OrderedDict()

    def ask(self, runs, about, question):
        root, keys = str(self.store.root), [run.key for run in runs]
        told = {**question, "about": about, "root": root, "keys": keys}
        found = answer(json.loads(json.dumps(told)), self.loaded)
        return {run.label: found["models"][run.key] for run in runs}


def test_stored_models_write_what_their_weights_write(explained):
    base = explained.runs["base"]
    runs = [explained.runs[name] for name in ("retrain", "neggrad", "rfa")]
    text = "Why does the bolt turn?\nThe bolt and the gear turn so a bridge."
    prompt = prompt_for(base, text)
    found = continuations(InProcess(explained.store), runs, base, prompt)
    tokenizer = base.read(TOKENIZER).decode()
    model = build_model(explained.config.model, 0, 3, torch.Generator())
    for run in runs:
        model.load_state_dict(run.weights())
        expected = by_hand(model.eval(), prompt.tokens, prompt.n_tokens)
        assert found[run.label] == decoded(tokenizer, expected)
    assert len(set(found.values())) > 1
