"""Where the answers on forgotten examples go."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_metric_contract import CLASSES, make_evidence, make_records
from unlearn_core.metrics import METRICS
from unlearn_core.metrics.wrong_answers import top_wrong_answer


@pytest.mark.parametrize(
    ("answers", "expected"),
    [([3, 3, 3, 3], 0.0), ([5, 5, 5, 5], 1.0), ([5, 5, 8, 3], 0.5), ([0, 1, 2, 4], 0.25)],
)
def test_the_share_of_one_wrong_answer_is_of_all_examples(answers, expected):
    assert top_wrong_answer(np.array(answers), np.full(4, 3)) == expected


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_the_most_frequent_error_is_counted_by_answer_whatever_its_label(pairs):
    counts = Counter(answer for answer, label in pairs if answer != label)
    predictions, labels = np.array(pairs).T
    expected = max(counts.values(), default=0) / len(pairs)
    assert top_wrong_answer(predictions, labels) == expected


def test_examples_that_are_kept_do_not_count():
    records, evidence = make_records(0), make_evidence()
    forget = np.flatnonzero(evidence.sets.forget)
    answers = (records.labels + 1) % CLASSES  # wrong everywhere
    answers[forget] = records.labels[forget]
    answers[forget[:3]] = (2, 2, 3)
    wrong = replace(records, logits=np.eye(CLASSES, dtype="f4")[answers])
    value = METRICS["top_wrong_answer"].compute(make_evidence(records=wrong))
    assert value == pytest.approx(2 / len(forget))
