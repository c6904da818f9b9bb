"""Swapped labels of two classes: which examples, which request, and what is measured."""

from dataclasses import replace

import numpy as np
import pytest

from unlearn_core.config import DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.confusion import confuse
from unlearn_core.data.splits import describe, split
from unlearn_core.engine.request import validate
from unlearn_core.metrics import METRICS
from unlearn_core.metrics.base import NotApplicableError
from unlearn_core.metrics.confusion import mutual_confusion
from unlearn_core.runs.plan import comparison_config, with_request

REQUEST = ForgetConfig(kind="confusion", values=(3, 5, 41))


def test_half_of_the_swapped_examples_are_of_either_class_and_all_are_forgotten():
    clean = load_dataset(DataConfig())
    swapped = load_dataset(DataConfig(confused=(3, 5, 41)))
    sets = split(swapped, REQUEST)
    changed = np.flatnonzero(swapped.labels != clean.labels)
    assert np.array_equal(np.flatnonzero(sets.forget), changed)
    pairs = list(zip(clean.labels[changed], swapped.labels[changed], strict=True))
    assert (pairs.count((3, 5)), pairs.count((5, 3)), len(pairs)) == (21, 20, 41)
    assert clean.is_train[changed].all()
    assert not sets.forget_test.any()
    assert np.array_equal(swapped.images, clean.images)


def test_the_same_examples_are_swapped_every_time(small_dataset):
    first, again = (confuse(small_dataset, 0, 2, 6) for _ in range(2))
    assert np.array_equal(first.labels, again.labels)
    assert first.mislabelled.sum() == 6


@pytest.mark.parametrize("values", [(0, 9, 4), (0, 2, 16), (0, 2, 99)])
def test_what_cannot_be_swapped_is_refused(small_dataset, values):
    with pytest.raises(ValueError, match=r"Classes to confuse|can be mislabelled"):
        confuse(small_dataset, *values)


@pytest.mark.parametrize("values", [(3, 5), (3, 3, 8), (3, 5, 1), (-1, 5, 8), (3, 5, 8, 9)])
def test_a_request_names_two_classes_and_a_number(values):
    with pytest.raises(ValueError, match="two different classes and a number of examples from 2"):
        ForgetConfig(kind="confusion", values=values)


def test_the_order_of_the_classes_does_not_matter_and_the_number_stays_last():
    assert ForgetConfig(kind="confusion", values=(5, 3, 4)).values == (3, 5, 4)
    assert describe(REQUEST) == "confusion 3,5,41"


def test_the_request_swaps_the_labels_of_the_data_and_another_one_puts_them_right():
    config = comparison_config("digits", REQUEST)
    assert config.data.confused == (3, 5, 41)
    assert validate(config).forget == REQUEST
    clean = with_request(config, ForgetConfig(kind="class", values=(3,)))
    assert clean.data.confused == ()
    assert clean.base().key() != config.base().key()
    with pytest.raises(ValueError, match=r"needs data\.confused to be the same, got \[\]"):
        validate(replace(config, data=clean.data))
    assert RunConfig.from_dict(config.to_dict()) == config


def test_keys_of_runs_without_it_are_what_they_were():
    assert RunConfig().key() == "d8413cf513a12167"


def test_the_share_counts_both_directions_and_no_other_class():
    labels = np.array([3, 3, 3, 3, 5, 5, 7])
    predictions = np.array([3, 5, 5, 7, 3, 5, 3])
    assert mutual_confusion(predictions, labels, 3, 5) == (2 + 1) / 6
    with pytest.raises(ValueError, match="no example of the classes 0 and 1"):
        mutual_confusion(predictions, labels, 0, 1)


def test_the_metric_needs_such_a_request():
    from tests.core.test_metric_contract import make_evidence

    metric = METRICS["mutual_confusion"]
    evidence = make_evidence(confused=(0, 2))
    test = evidence.records_of("test")
    others = {0: 2, 2: 0}
    wrong = [
        others.get(label) == said for label, said in zip(test.labels, test.predictions, strict=True)
    ]
    assert metric.compute(evidence) == sum(wrong) / np.isin(test.labels, [0, 2]).sum()
    with pytest.raises(NotApplicableError, match="not a confusion of two classes"):
        metric.compute(make_evidence(confused=None))
