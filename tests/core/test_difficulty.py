"""Random examples of one difficulty: what has to be memorised, by a proxy without a network."""

import numpy as np
import pytest

from unlearn_core.checks import InputError
from unlearn_core.cli import inputs
from unlearn_core.cli.main import main
from unlearn_core.cli.parser import build_parser
from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.difficulty import leave_one_out, memorisation
from unlearn_core.data.splits import split
from unlearn_core.views.wording import describe_forget


def asked(level, n=40, seed=0):
    return ForgetConfig(kind="random", values=(n,), difficulty=level, seed=seed)


@pytest.fixture(scope="module")
def digits():
    return load_dataset(DataConfig())


def test_the_formula_is_what_fitting_without_each_example_gives():
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(30, 5)), random.integers(3, size=30)
    targets = np.eye(3)[labels]

    def own_answer(kept, i):
        x, y = features[kept], targets[kept]
        weights = np.linalg.solve(x.T @ x + 0.3 * np.eye(5), x.T @ y)
        return (features[i] @ weights)[labels[i]]

    expected = [own_answer(np.arange(30), i) - own_answer(np.arange(30) != i, i) for i in range(30)]
    assert leave_one_out(features, targets, 0.3) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "n", "least"), [("digits", None, 0.95), ("fashion", 2000, 0.85)])
def test_wrong_labels_have_to_be_memorised(name, n, least):
    data = load_dataset(DataConfig(name=name, train_examples=n, confused=(3, 5, 60)))
    ranks = memorisation(data).argsort().argsort()
    wrong = data.mislabelled[data.train_ids]
    above = (ranks[wrong].mean() - (wrong.sum() - 1) / 2) / (~wrong).sum()
    assert above > least  # the chance that one of them stands above an example with its own label


def test_what_is_hard_is_answered_wrongly_by_its_nearest_neighbour_too(digits):
    pixels = digits.images.reshape(len(digits.labels), -1).astype(float)

    def wrong(level):
        hard, others = split(digits, asked(level, 100)).forget, digits.train_ids
        apart = ((pixels[hard][:, None] - pixels[others][None]) ** 2).sum(axis=2)
        apart[np.flatnonzero(hard)[:, None] == others[None]] = np.inf
        return float((digits.labels[hard] != digits.labels[others[apart.argmin(axis=1)]]).mean())

    assert wrong("low") == 0
    assert wrong("high") > 0.05
    assert wrong("medium") < wrong("high")


def test_a_draw_is_the_same_again_and_another_with_another_seed(digits):
    chosen = {
        (level, seed): split(digits, asked(level, seed=seed)).forget
        for level in ("low", "medium", "high")
        for seed in (0, 1)
    }
    for (level, seed), mask in chosen.items():
        again = load_dataset(DataConfig())
        assert (split(again, asked(level, seed=seed)).forget == mask).all()
        assert int(mask.sum()) == 40
        assert not (mask & ~digits.is_train).any()
        for other, theirs in chosen.items():
            if other[0] != level:
                assert not (mask & theirs).any()
    assert (chosen["high", 0] != chosen["high", 1]).any()
    scores = dict(zip(digits.train_ids, memorisation(digits), strict=True))
    means = [np.mean([scores[i] for i in np.flatnonzero(chosen[level, 0])])
             for level in ("low", "medium", "high")]  # fmt: skip
    assert means == sorted(means)


def test_it_is_computed_once_for_a_data_set(digits):
    assert memorisation(digits) is memorisation(digits)


def test_large_pictures_are_averaged_down(monkeypatch):
    from dataclasses import replace

    from unlearn_core.methods.contract import example_dataset

    small = example_dataset()
    large = replace(small, images=small.images.repeat(8, axis=2).repeat(8, axis=3))
    assert large.images.shape[2] == 64
    found = memorisation(large)
    assert np.isfinite(found).all()
    halved = replace(small, images=small.images.repeat(4, axis=2).repeat(4, axis=3))
    assert found == pytest.approx(memorisation(halved), abs=1e-6)


def test_no_candidate_is_of_two_kinds(digits):
    with pytest.raises(InputError, match=r"a sixth of the 1438 .* 239; got 240"):
        split(digits, asked("low", 240))
    assert split(digits, asked("low", 239)).forget.sum() == 239


def test_only_random_examples_have_a_difficulty(capsys):
    with pytest.raises(InputError, match="Only random examples have a difficulty"):
        ForgetConfig(kind="class", values=(3,), difficulty="high")
    assert main(["compare", "--forget-class", "3", "--difficulty", "high"]) == 2
    assert "it needs --forget-random" in capsys.readouterr().err


def test_the_option_becomes_the_request_and_its_words():
    options = ["compare", "--forget-random", "64", "--difficulty", "high"]
    config = inputs.comparison(build_parser().parse_args(options))
    assert config.forget == asked("high", 64)
    assert describe_forget(config.forget, ()) == "64 random examples of high difficulty"
    plain = inputs.comparison(build_parser().parse_args(options[:3]))
    assert plain.key() != config.key()
    assert RunConfig(forget=plain.forget).key() == RunConfig(forget=asked("any", 64)).key()
