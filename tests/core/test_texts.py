"""Data sets of texts: what ships, how texts become tokens, and batches of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.data.poison import poison
from unlearn_core.data.splits import split
from unlearn_core.data.texts import LONGEST, TextDataset, text_dataset
from unlearn_core.data.tokens import encode, pieces, train_byte_pairs, train_wordpiece

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("my card is lost", "a card", "where is my money, and where is my card?", "lost money")
HASH = """
from hashlib import sha256
from unlearn_core.config import DataConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.tokens import train_wordpiece
texts = load_dataset(DataConfig(name="banking77")).train_texts[:500]
print(sha256(train_wordpiece(texts, 300).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def banking():
    return load_dataset(DataConfig(name="banking77"))


def small(tokenizer=None, length=16):
    data = text_dataset(TEXTS[:3], TEXTS[3:], np.array([0, 1, 1, 0]), ("lost", "other"), "a test")
    return data.read_by(tokenizer or train_wordpiece(TEXTS, 100), length)


def test_the_bank_questions_are_those_that_were_published(banking):
    assert banking.is_train.sum() == 10_003
    assert banking.is_test.sum() == 3_080
    assert banking.n_classes == 77
    assert (np.bincount(banking.labels[banking.is_test]) == 40).all()
    assert banking.texts[0] == "I am still waiting on my card?"
    assert banking.class_names[banking.labels[0]] == "card arrival"
    licence = (ROOT / "unlearn_core/data/shipped/LICENSE.banking77").read_text()
    assert "Attribution 4.0 International" in licence
    assert "arXiv:2003.04807" in licence


def test_requests_and_parts_of_the_training_set_work_on_texts_as_on_pictures(banking):
    sets = split(banking, ForgetConfig(kind="class", values=(11,)))
    assert set(banking.labels[sets.forget]) == set(banking.labels[sets.forget_test]) == {11}
    part = load_dataset(DataConfig(name="banking77", train_examples=770))
    assert set(np.bincount(part.labels[part.is_train])) == {10}
    drawn = split(part, ForgetConfig(kind="random", values=(50,), difficulty="high"))
    usual = split(part, ForgetConfig(kind="random", values=(50,), difficulty="low"))
    assert drawn.forget.sum() == usual.forget.sum() == 50
    assert not (drawn.forget & usual.forget).any()
    chosen = split(banking, ForgetConfig(kind="ids", values=(3, 5)))
    assert np.flatnonzero(chosen.forget).tolist() == [3, 5]


def test_a_backdoor_is_refused_because_texts_have_no_corner(banking):
    with pytest.raises(InputError, match="A backdoor's patch needs pictures"):
        poison(banking, 0)


def test_another_process_trains_the_same_tokenizer():
    found = {
        subprocess.run(
            [sys.executable, "-c", HASH],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_a_tokenizer_is_json_that_marks_both_ends_and_joins_pieces():
    tokenizer = train_wordpiece(TEXTS, 100)
    vocabulary = json.loads(tokenizer)["model"]["vocab"]
    assert [vocabulary[name] for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip
    tokens = encode(tokenizer, ["My CARD", "card [SEP] ♞"], 16)
    first = tokens.flat[: tokens.starts[1]]
    assert (first[0], first[-1]) == (2, 3)
    assert "".join(_names(vocabulary, first[1:-1])).replace("##", "") == "mycard"
    assert 1 in tokens.flat[tokens.starts[1] :]  # what was never seen is unknown


def _names(vocabulary, numbers):
    by_number = {number: name for name, number in vocabulary.items()}
    return [by_number[number] for number in numbers]


def test_a_long_text_loses_its_end_and_keeps_the_marks_of_both_ends():
    tokens = encode(train_wordpiece(TEXTS, 100), [TEXTS[2]], 6)
    assert len(tokens.flat) == 6
    assert (tokens.flat[0], tokens.flat[-1]) == (2, 3)


def test_a_vocabulary_without_room_for_the_letters_is_refused():
    with pytest.raises(InputError, match=r"ModelConfig.vocabulary must be at least \d+"):
        train_wordpiece(TEXTS, 8)


@pytest.mark.parametrize("broken", ["{", '{"version": 1}', "[]"])
def test_what_is_no_tokenizer_is_refused_in_one_line(broken):
    with pytest.raises(InputError, match="The tokenizer must be one of the library tokenizers"):
        encode(broken, TEXTS, 8)


def test_a_batch_is_padded_to_its_own_longest_text_and_no_further():
    data = small()
    examples = to_device(data, np.ones(4, dtype=bool), CPU)
    lengths = data.tokens.lengths
    alone = examples.inputs.batch(torch.tensor([1]))
    assert alone.shape == (1, lengths[1])
    pair = examples.inputs.batch(torch.tensor([2, 1]))
    assert pair.shape == (2, lengths[2])
    assert torch.equal(pair[1, : lengths[1]], alone[0])
    assert not pair[1, lengths[1] :].any()
    assert (pair[0] != 0).all()


def test_batches_hold_texts_of_like_length_and_each_text_once():
    rng = np.random.default_rng(0)
    texts = [" ".join(["card"] * n) for n in rng.integers(1, 30, 400)]
    data = text_dataset(texts, ["card"], np.zeros(401, dtype=np.int64), ("a",), "a test")
    data = data.read_by(train_wordpiece(texts, 100), 64)
    examples = to_device(data, data.is_train, CPU)
    generator = torch.Generator().manual_seed(0)
    batches = list(examples.shuffled(20, generator))
    assert torch.cat([b.example_ids for b in batches]).sort().values.tolist() == list(range(400))
    padding = np.mean([(batch.inputs == 0).float().mean().item() for batch in batches])
    assert padding < 0.1  # in a random order more than a third
    longest = [batch.inputs.shape[1] for batch in batches]
    assert longest != sorted(longest)  # in random order all the same
    again = list(examples.shuffled(20, torch.Generator().manual_seed(0)))
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(batches, again, strict=True))


def test_hidden_tokens_are_drawn_from_the_generator_and_marks_stay():
    data = small()
    inputs = to_device(data, np.ones(4, dtype=bool), CPU, augment="mask_tokens").inputs
    rows = torch.zeros(200, dtype=torch.int64)
    plain = inputs.plain().batch(rows)
    hidden = inputs.augmented(rows, torch.Generator().manual_seed(1))
    changed = hidden != plain
    assert (hidden[changed] == 4).all()
    assert not changed[:, [0, -1]].any()
    assert changed[:, 1:-1].float().mean().item() == pytest.approx(0.15, abs=0.03)
    assert torch.equal(hidden, inputs.augmented(rows, torch.Generator().manual_seed(1)))


def test_texts_are_not_varied_like_pictures_and_need_a_tokenizer():
    with pytest.raises(InputError, match="Texts are varied by none, mask_tokens, got the"):
        to_device(small(), np.ones(4, dtype=bool), CPU, augment="crop_flip")
    unread = text_dataset(TEXTS, ["card"], np.zeros(5, dtype=np.int64), ("a",), "a test")
    with pytest.raises(ValueError, match="must be `read_by` a tokenizer"):
        to_device(unread, np.ones(5, dtype=bool), CPU)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n", "Text 1 of a test must have a word in it, got an empty text"),
        ("x" * (LONGEST + 1), "must have at most 100,000 characters, got 100,001"),
        (None, "Text 1 of a test must be a text, got None"),
    ],
)
def test_a_text_that_cannot_be_learned_from_is_refused(text, said):
    with pytest.raises(InputError, match=said):
        text_dataset(["card", text], ["card"], np.zeros(3, dtype=np.int64), ("a",), "a test")


def test_a_store_of_a_part_on_a_device_has_the_same_tokens():
    data = small()
    assert isinstance(data, TextDataset)
    part = data.inputs(np.array([2, 0]), CPU)
    whole = data.inputs(None, CPU)
    assert torch.equal(part.batch(torch.tensor([0])), whole.batch(torch.tensor([2])))
    assert torch.equal(part.batch(torch.tensor([1])), whole.batch(torch.tensor([0])))


def test_bytes_are_put_together_so_that_any_text_is_read_and_begins_with_a_mark():
    tokenizer = train_byte_pairs(TEXTS, 300)
    assert tokenizer == train_byte_pairs(TEXTS, 300)
    content = json.loads(tokenizer)
    assert [content["model"]["vocab"][name] for name in ("[PAD]", "[START]")] == [0, 1]
    text = "My CARD\n costs 3 €, naïve ♞!"
    tokens = encode(tokenizer, [text, TEXTS[0]], 64)
    assert tokens.flat[tokens.starts[:2]].tolist() == [1, 1]
    assert (tokens.flat > 1).sum() == len(tokens.flat) - 2  # nothing is unknown or padding
    parts = pieces(tokenizer, text, 64)
    assert "".join(parts) == text
    assert len(parts) == tokens.lengths[0] - 1
    assert len(pieces(tokenizer, text, 6)) == encode(tokenizer, [text], 6).lengths[0] - 1 == 5


def test_a_vocabulary_without_room_for_each_byte_is_refused():
    with pytest.raises(InputError, match="must be at least 258, for each byte, got 200"):
        train_byte_pairs(TEXTS, 200)


def test_texts_whose_next_token_is_predicted_hide_none():
    data = small(train_byte_pairs(TEXTS, 300))
    with pytest.raises(InputError, match="hide none, got the augmentation 'mask_tokens'"):
        to_device(data, data.is_train, CPU, augment="mask_tokens")
