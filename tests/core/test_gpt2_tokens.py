"""Published GPT-2 weights and tokenizer, made small here, with a token for padding in front."""

import json

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import GPT2Config, GPT2LMHeadModel

from unlearn_core.checks import InputError
from unlearn_core.config import PRETRAINED, ModelConfig
from unlearn_core.data.tokens import encode, pieces
from unlearn_core.models import build_model
from unlearn_core.models.gpt2_tokens import END, tokenizer_with_padding
from unlearn_core.models.pretrained import WeightsNotFoundError, published_tokenizer

TEXT = "lost money\nand a card"
PLACE = "models--distilbert--distilgpt2"


def published_gpt2(size):
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=size, n_positions=32, n_embd=16, n_layer=1, n_head=2,
        bos_token_id=size - 1, eos_token_id=size - 1,
    )  # fmt: skip
    return GPT2LMHeadModel(config).eval()


def own_tokenizer():
    """A byte-level tokenizer whose last token ends a text, as GPT-2's."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(
        [TEXT] * 4, BpeTrainer(vocab_size=270, initial_alphabet=alphabet, show_progress=False)
    )
    vocabulary = {**made.get_vocab(), END: made.get_vocab_size()}
    merges = [tuple(pair) for pair in json.loads(made.to_str())["model"]["merges"]]
    again = Tokenizer(models.BPE(vocabulary, merges))
    again.pre_tokenizer, again.decoder = made.pre_tokenizer, made.decoder
    again.add_special_tokens([AddedToken(END, special=True)])
    return again


@pytest.fixture
def hugging_face(tmp_path, monkeypatch):
    """An empty cache of the Hugging Face hub, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "face"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "face"


@pytest.fixture
def small_gpt2(hugging_face, monkeypatch):
    """The files that the hub would have kept, and the network that they are of."""
    tokenizer = own_tokenizer()
    size = tokenizer.get_vocab_size()
    shape = {"width": 16, "layers": 1, "heads": 2, "vocabulary": size + 1}
    monkeypatch.setitem(PRETRAINED, "distilgpt2", shape)
    (hugging_face / PLACE / "refs").mkdir(parents=True)
    (hugging_face / PLACE / "refs" / "main").write_text("abc")
    place = hugging_face / PLACE / "snapshots" / "abc"
    place.mkdir(parents=True)
    network = published_gpt2(size)
    weights = {
        name: weight.contiguous()
        for name, weight in network.state_dict().items()
        if not name.startswith("lm_head")
    }
    weights["transformer.h.0.attn.bias"] = torch.ones(1, 1, 32, 32)
    save_file(weights, place / "model.safetensors")
    (place / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    config = ModelConfig(name="distilgpt2", pretrained=True, length=24, **shape)
    return network, tokenizer, config


def test_the_network_answers_as_the_published_one_one_number_further_on(small_gpt2):
    network, tokenizer, config = small_gpt2
    own = build_model(config, 0, 3, torch.Generator().manual_seed(0)).eval()
    tokens = encode(published_tokenizer("distilgpt2"), [TEXT], 24).flat
    published = torch.tensor(tokenizer.encode(TEXT).ids)
    assert tokens[0] == tokenizer.token_to_id(END) + 1
    assert (tokens[1:] == published.numpy() + 1).all()
    with torch.no_grad():
        theirs = network(torch.cat([torch.tensor([tokenizer.token_to_id(END)]), published])[None])
        ours = own(torch.from_numpy(tokens)[None])
    assert torch.allclose(ours[..., 1:], theirs.logits, atol=1e-5)
    assert not ours[..., 0].any()  # of padding, which has the logit of nothing
    assert "".join(pieces(published_tokenizer("distilgpt2"), TEXT, 24)) == TEXT


def test_a_tokenizer_without_an_end_of_texts_is_none_of_gpt2():
    made = Tokenizer(models.BPE())
    with pytest.raises(InputError, match=r"must have the token <\|endoftext\|>"):
        tokenizer_with_padding(made.to_str())


def test_a_shape_without_published_weights_is_refused():
    with pytest.raises(InputError, match="vocabulary of a pretrained distilgpt2 must be 50258"):
        ModelConfig(name="distilgpt2", pretrained=True, width=768, layers=6, heads=12)


def test_without_a_network_the_file_is_named(hugging_face, monkeypatch):
    shape = {"width": 16, "layers": 1, "heads": 2, "vocabulary": 300}
    monkeypatch.setitem(PRETRAINED, "distilgpt2", shape)
    config = ModelConfig(name="distilgpt2", pretrained=True, length=24, **shape)
    for ask, file in (
        (lambda: build_model(config, 0, 3, torch.Generator()), "model.safetensors"),
        (lambda: published_tokenizer("distilgpt2"), "tokenizer.json"),
    ):
        with pytest.raises(WeightsNotFoundError, match=file) as caught:
            ask()
        assert str(hugging_face / PLACE / "snapshots") in str(caught.value)
