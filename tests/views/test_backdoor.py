"""Words for what is left of a trigger, pictures of it and answers to it, on numbers by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from unlearn_core.config import ForgetConfig
from unlearn_core.records import Records
from unlearn_core.runs.comparison import LEFT_OUT_LABEL
from unlearn_core.views import backdoor

NAN = float("nan")


def entry(metric="backdoor_asr", **changes):
    return {
        "label": "A", "method": "a", "metric": metric, "mean": 0.5, "retrained": 0.01,
        "original": 0.99, "side": "under", **changes,
    }  # fmt: skip


def rows_of(*entries):
    return backdoor.success_rows(SimpleNamespace(summary=pd.DataFrame(entries)))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mean": 0.02, "side": "matched"}, "gone"),
        ({"mean": 0.0, "side": "over"}, "gone"),
        ({"mean": 0.1, "side": "matched"}, "nearly gone"),
        ({"mean": 0.3}, "weaker"),
        ({"mean": 0.6}, "still works"),
        ({"mean": 0.4, "original": 0.02, "side": "off"}, "still works"),
        ({"mean": 0.03, "original": 0.04, "side": "matched"}, "nothing to undo"),
        (
            {"method": "original", "mean": 0.04, "original": 0.04, "side": "matched"},
            "never learned",
        ),
        ({"mean": NAN, "side": ""}, "not measured"),
        ({"retrained": NAN, "side": ""}, "not measured"),
        ({"label": "Retrained", "method": "retrain", "mean": 0.01, "side": "matched"}, "the aim"),
        ({"label": LEFT_OUT_LABEL, "method": "retrain", "mean": 0.01, "side": "matched"}, "gone"),
        ({"label": "Original", "method": "original", "mean": 0.99}, "still works"),
    ],
)
def test_a_word_says_what_is_left_of_the_triggers_power(changes, word):
    assert backdoor.trigger_word(entry(**changes)) == word


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mean": 0.94, "side": "matched"}, "kept"),
        ({"mean": 0.99, "side": "over"}, "kept"),
        ({"mean": 0.80}, "15 points lost"),
        ({"mean": NAN, "side": ""}, "not measured"),
        ({"label": "Original", "method": "original", "mean": 0.95}, "before"),
        ({"label": LEFT_OUT_LABEL, "method": "retrain", "mean": 0.80}, "15 points lost"),
    ],
)
def test_a_word_says_what_it_cost(changes, word):
    assert backdoor.clean_word(entry("clean_accuracy", **{"retrained": 0.95, **changes})) == word


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mean": 0.88, "side": "matched"}, "as retrained"),
        ({"mean": 0.58}, "32 points short"),
        ({"label": "Original", "method": "original", "mean": 0.0}, "before"),
    ],
)
def test_a_word_says_whether_images_with_the_trigger_are_answered_right(changes, word):
    row = entry("triggered_accuracy", **{"retrained": 0.9, "original": 0.0, **changes})
    assert backdoor.righted_word(row) == word


def test_a_trigger_without_power_whose_images_are_answered_wrongly_is_named():
    found = rows_of(
        *(entry(label=name, mean=0.0, side="matched") for name in "AB"),
        entry("triggered_accuracy", label="A", mean=0.58, retrained=0.9, original=0.0),
        entry("triggered_accuracy", label="B", mean=0.9, retrained=0.9, side="matched"),
        *(entry("clean_accuracy", label=name, mean=0.9, side="matched") for name in "AB"),
    )
    told = backdoor.answer_text(found, "0")
    assert "Gone is not right again" in told
    assert "(A: 58%; retrained not known)" in told
    figure = backdoor.success_figure(found, "0")
    assert len(figure.data) == 6  # bars, and beside them what they say
    without = found.assign(righted=NAN)  # runs of before it was measured
    assert len(backdoor.success_figure(without, "0").data) == 4


def test_rows_begin_with_the_references_and_then_go_by_what_is_left():
    methods = {"Retrained": ("retrain", 0.01), "B": ("b", 0.9), "Original": ("original", 0.99)}
    found = rows_of(
        *(entry(label=name, method=m, mean=v) for name, (m, v) in methods.items()),
        entry(label="C", method="c", mean=0.0, side="matched"),
        entry("clean_accuracy", label="C", method="c", mean=0.5, retrained=0.95),
        entry("accuracy"),
    )
    assert found["label"].tolist() == ["Original", "Retrained", "C", "B"]
    assert found["clean_word"].tolist()[2] == "45 points lost"
    told = backdoor.answer_text(found.fillna({"clean_word": ""}), "0")
    assert "**Original** gives the attacker's answer **0** on **99.0%**" in told
    assert "gone in **1** (C); still works in **1** (B)" in told
    assert "accuracy fell (C: 45 points lost)" in told


def test_a_trigger_that_the_original_never_learned_is_not_said_to_be_gone():
    start = {"mean": 0.04, "original": 0.04, "side": "matched"}
    found = rows_of(
        entry(label="Original", method="original", **start), entry(**start),
        *(entry("clean_accuracy", label=name) for name in ("Original", "A")),
    )  # fmt: skip
    told = backdoor.answer_text(found, "0")
    assert "never learned what the trigger means" in told
    assert "gone" not in told


def test_a_long_list_of_methods_is_cut():
    entries = [entry(label=f"M{n}", method=f"m{n}", mean=0.9) for n in range(8)]
    entries += [entry("clean_accuracy", label=f"M{n}", method=f"m{n}") for n in range(8)]
    assert "(M0, M1, M2, M3, M4, M5 and 2 more)" in backdoor.answer_text(rows_of(*entries), "0")


def test_answers_to_the_trigger_are_read_by_id_and_missing_ones_stay_missing(small_dataset):
    records = Records(
        example_ids=np.array([3, 5]),
        labels=np.array([0, 0]),
        is_train=np.zeros(2, dtype=bool),
        logits=np.array([[np.nan, 0, 0, 0], [0, 0, 9, 0]], dtype=np.float32),
        features=np.zeros((2, 0), dtype=np.float32),
    )
    run = SimpleNamespace(has=lambda _: True, arrays=lambda _: records.to_arrays())
    answers = {
        "A": backdoor.triggered_answers(run),
        "B": backdoor.triggered_answers(SimpleNamespace(has=lambda _: False)),
    }
    table = backdoor.triggered_table(answers, [5, 3], small_dataset)
    assert table["A"].tolist()[0] == small_dataset.class_names[2]
    assert pd.isna(table["A"][1])
    assert "B" not in table


def test_what_is_still_known_of_the_poisoned_images_is_said():
    def told(side):
        rows = [
            entry(label="A", mean=0.0, side="matched"),
            entry("forget_accuracy", label="A", mean=0.17, retrained=0.04, side=side),
        ]
        return backdoor.still_labelled_text(
            SimpleNamespace(summary=pd.DataFrame(rows)), rows_of(*rows)
        )

    assert "(A: 17%; retrained 4%)" in told("under")
    assert told("matched") == ""


def test_poisoned_pictures_say_what_they_truly_show():
    clean = SimpleNamespace(labels=np.array([1, 2]), class_names=("cat", "dog", "cow"))
    poisoned = SimpleNamespace(labels=np.array([0, 0]))
    assert backdoor.poisoned_captions(clean, poisoned, [1]) == ["cow, labelled cat"]


def test_a_poisoned_diamond_has_the_colour_of_its_given_label():
    names = ("cat", "dog")
    told = backdoor.poisoned_note(ForgetConfig(kind="backdoor", values=(1,)), names)
    assert "the label that they were given, dog" in told
    assert backdoor.poisoned_note(ForgetConfig(kind="class", values=(1,)), names) == ""
