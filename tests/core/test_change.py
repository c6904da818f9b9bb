"""A run that hardly changed the original says so, in its log and on the page."""

from dataclasses import replace

import numpy as np
import pytest

from unlearn_core.engine.pipeline import execute
from unlearn_core.records import Records
from unlearn_core.runs.change import HARDLY, Change, change, change_of
from unlearn_core.runs.comparison import gather
from unlearn_core.views.notices import hardly_changed_text


def records(logits, features):
    n = len(logits)
    return Records(
        example_ids=np.arange(n),
        labels=np.zeros(n, np.int64),
        is_train=np.ones(n, bool),
        logits=np.log(np.asarray(logits, np.float32)),
        features=np.asarray(features, np.float32),
    )


def test_it_is_what_moved_on_the_forget_set_alone():
    before = records([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]], [[3, 4], [0, 2], [1, 1]])
    after = records([[0.6, 0.4], [0.5, 0.5], [0.1, 0.9]], [[3, 4], [0, 1], [9, 9]])
    found = change(after, before, np.array([True, True, False]))
    assert found.answers == pytest.approx(0.15)  # of .3 and 0
    assert found.features == pytest.approx(0.25)  # of 0 and a half
    with np.errstate(invalid="ignore"):
        broken = records([[0.9, 0.1]] * 3, [[np.nan, 4]] * 3)
        assert change(broken, before, np.array([True, True, False])) is None


@pytest.mark.parametrize(
    ("answers", "features", "hardly"),
    [(0.019, 0.019, True), (HARDLY, 0, False), (0, HARDLY, False), (0, 0, True)],
)
def test_both_must_be_below_the_threshold(answers, features, hardly):
    assert Change(answers=answers, features=features).is_hardly_any == hardly


def test_a_step_size_for_larger_networks_is_named_and_one_that_forgets_is_not(
    comparison, own, no_maps
):
    tiny = comparison.config
    still, moved = (
        execute(
            replace(tiny, method="rfa", settings={"learning_rate": rate, "epochs": 1}),
            store=own,
            device="cpu",
        )
        for rate in (4e-5, 0.05)
    )
    assert change_of(still).is_hardly_any
    assert not change_of(moved).is_hardly_any
    assert "rfa hardly changed the model: on D_f, " in (still.folder / "log.txt").read_text()
    log = moved.folder / "log.txt"
    assert not log.exists() or "hardly changed" not in log.read_text()

    runs = [comparison.runs["original"], comparison.runs["retrain"], still, moved]
    words = hardly_changed_text(gather(runs))
    assert still.label in words
    assert moved.label not in words
    assert hardly_changed_text(gather([*runs[:2], moved])) == ""


def test_a_trick_that_changes_nothing_is_none_whose_settings_are_too_mild(comparison):
    run = comparison.runs["neggrad"]
    still = {**run.manifest, "facts": {"changed_features": 0.0, "changed_answers": 0.0}}
    mild = replace(run, manifest=still)
    trick = replace(mild, config=replace(run.config, method="trick_head_finetune", settings={}))
    assert change_of(trick).is_hardly_any
    assert mild.label in hardly_changed_text(gather([mild]))
    assert hardly_changed_text(gather([trick])) == ""


def test_runs_made_before_it_was_kept_say_nothing(comparison):
    run = comparison.runs["neggrad"]
    older = replace(run, manifest={**run.manifest, "facts": {}})
    assert change_of(older) is None
    assert hardly_changed_text(gather([older])) == ""
