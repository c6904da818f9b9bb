"""A stand-in knows everything of a data set but its examples, and nothing is trained on it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from unlearn_core.config import DataConfig
from unlearn_core.data import DataNotFoundError, load_dataset
from unlearn_core.data.loading import as_asked
from unlearn_core.data.stand_in import NO_TEXT, labels_of, stand_in, tile

DIGITS = DataConfig(name="digits")
ASKED = [
    DIGITS,
    replace(DIGITS, train_examples=300),
    replace(DIGITS, poison_target=7, trigger="stripes"),
    replace(DIGITS, confused=(3, 8, 40)),
]


@pytest.fixture
def kept():
    return stand_in(labels_of(load_dataset(DIGITS)))


@pytest.mark.parametrize("config", ASKED, ids=["whole", "a part", "poisoned", "confused"])
def test_a_stand_in_has_the_labels_and_sets_of_the_data_set(kept, config):
    real, stands = load_dataset(config), as_asked(kept, config)
    for name in ("labels", "is_train", "is_test", "poisoned", "mislabelled"):
        expected, found = getattr(real, name), getattr(stands, name)
        assert (expected is None) == (found is None), name
        if expected is not None:
            assert np.array_equal(expected, found), name
            assert expected.dtype == found.dtype, name
    for name in ("class_names", "subclass_names", "mean", "std", "n_classes", "channels"):
        assert getattr(real, name) == getattr(stands, name), name


def test_finer_labels_are_kept_too(small_dataset):
    finer = np.arange(len(small_dataset.labels)) % 6
    named = replace(small_dataset, subclass_labels=finer, subclass_names=tuple(map(str, range(6))))
    stands = stand_in(labels_of(named))
    assert np.array_equal(stands.subclass_labels, finer)
    assert stands.subclass_names == named.subclass_names


def test_its_pictures_are_striped_tiles_which_take_no_memory(kept):
    assert np.array_equal(kept.previews([5])[0], tile(1, 8, 8))
    assert len(np.unique(tile(3, 32, 32))) == 2
    assert kept.images.strides[0] == 0


def test_each_of_its_texts_is_one_line():
    whole = load_dataset(DataConfig(name="banking77"))
    stands = stand_in(labels_of(whole))
    assert stands.previews([0, 13_082]) == (NO_TEXT, NO_TEXT)
    assert np.array_equal(stands.labels, whole.labels)
    assert np.array_equal(stands.is_train, whole.is_train)
    assert stands.class_names == whole.class_names
    assert stands.channels == 0
    with pytest.raises(DataNotFoundError):
        stands.inputs(None, torch.device("cpu"))


def test_nothing_can_be_trained_on_it(kept):
    with pytest.raises(DataNotFoundError):
        kept.inputs(None, torch.device("cpu"))
    with pytest.raises(DataNotFoundError):
        kept.numbers(np.arange(3))


def test_poisoned_labels_are_not_kept_as_those_of_the_data_set():
    with pytest.raises(ValueError, match="as it is"):
        labels_of(load_dataset(ASKED[2]))
