"""The lesson's answers: true of the numbers of each shipped comparison, and where these differ."""

import math
import re

import pandas as pd
import pytest

from tests.stores import SHIPPED
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.runs import kept_labels
from unlearn_core.runs.comparison import survey
from unlearn_core.runs.incremental import nearest_classes
from unlearn_core.runs.report import report
from unlearn_core.runs.store import Store
from unlearn_core.views import fooling, lesson
from unlearn_core.views import lesson_answers as answers
from unlearn_core.views.history import history_rows
from unlearn_core.views.overview import VerdictCard
from unlearn_core.views.predictions import answered_shares
from unlearn_core.views.wording import describe_forget

NAN = math.nan
CLOTHES, DIGITS, RANDOM = "class Sandal", "class 3", "64 random examples"
PHOTOGRAPHS, TEXTS = "class automobile", "class lost or stolen phone"
BACKDOOR, LANGUAGE = "the backdoor to class 7", "class Engineering"
NO_GAMMA = ["One setting, two goals"]
NO_TRIGGER = ["The trigger"]
LEFT_OUT = {  # it has no runs for, or no numbers
    CLOTHES: NO_TRIGGER,
    DIGITS: NO_TRIGGER,
    RANDOM: [*NO_TRIGGER, "The trick"],
    PHOTOGRAPHS: [*NO_TRIGGER, *NO_GAMMA],
    TEXTS: [*NO_TRIGGER, *NO_GAMMA],
    BACKDOOR: NO_GAMMA,
    LANGUAGE: [*NO_TRIGGER, "Accuracy is not enough", "The trick", *NO_GAMMA],
}
MOST_LETTERS = 900  # what the bar has room for at 1280 by 720
ALL_STOPS = [stop.title for stop in lesson.LESSON]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """What the lessons of the shipped comparisons are written from, by what is forgotten."""
    root = tmp_path_factory.mktemp("lesson")
    (root / "demo").symlink_to(SHIPPED)
    store = Store(root, demo=True)
    comparisons = survey(store).comparisons
    found = [material(comparison, comparisons, store) for comparison in comparisons]
    return {describe_forget(m.comparison.config.forget, m.class_names): m for m in found}


def material(comparison, comparisons, store):
    data = comparison.config.data
    dataset = kept_labels.load(store, data) or load_dataset(data)  # which may not be here
    sets = split(dataset, comparison.config.forget)
    by_key = {run.key: run for run in comparison.runs}
    return lesson.Material(
        comparison=comparison,
        report=report(comparison),
        class_names=dataset.class_names,
        comparisons=comparisons,
        histories=lambda: history_rows(comparison.runs),
        nearest=lambda key: nearest_classes(by_key[key], dataset, sets),
        answered=lambda key: answered_shares(by_key[key], sets, dataset.class_names),
        report_of=report,
    )


def answer(material, title):
    return next(s for s in lesson.stops(material) if s.title == title).answer(material)


@pytest.mark.parametrize("what", [CLOTHES, DIGITS, RANDOM, PHOTOGRAPHS, TEXTS, BACKDOOR, LANGUAGE])
def test_each_shipped_comparison_has_a_lesson_whose_every_stop_answers(shipped, what):
    stops = lesson.stops(shipped[what])
    assert [stop.title for stop in stops] == [
        title for title in ALL_STOPS if title not in LEFT_OUT.get(what, ())
    ]
    for stop in stops:
        told = stop.answer(shipped[what])
        assert len(told) < MOST_LETTERS, stop.title
        assert re.search(r"\d", told), stop.title
        assert "nan" not in told, stop.title
        assert told.strip().endswith((".", "here.")), stop.title


@pytest.mark.parametrize("what", [CLOTHES, DIGITS, RANDOM, PHOTOGRAPHS, TEXTS])
def test_the_count_of_right_accuracies_is_that_of_the_table(shipped, what):
    told, table = answer(shipped[what], "Accuracy is not enough"), shipped[what].report.summary
    there = table[table["metric"] == "forget_accuracy"].set_index("label")
    within = shipped[what].report.comparison["matched_within"]["forget_accuracy"]
    original, retrained = there.loc["Original", ["mean", "retrained"]]
    if abs(original - retrained) <= within:
        assert "accuracy tells nothing at all" in told
        return
    usual = [card.label for card in lesson.verdict_cards(shipped[what].comparison,
                                                         shipped[what].report)]  # fmt: skip
    n_alike = int((there.loc[usual, "distance"].abs() <= within).sum())
    assert f"**{n_alike} of {len(usual)}** methods are right" in told


def test_single_images_are_said_to_hide_where_a_class_shows(shipped):
    by_class, single = (answer(shipped[what], "Before and after") for what in (DIGITS, RANDOM))
    assert "Who never learned from them sees them less as one kind." in by_class
    assert re.search(r"\d+% of them lie nearest to \d", by_class)
    assert "Retrained models may well differ by as much" in single
    assert "nearest to" not in single


def test_where_no_features_ship_the_answers_say_what_is_most_alike(shipped):
    told = answer(shipped[PHOTOGRAPHS], "Before and after")
    assert "less as one kind, though they still look alike." in told
    assert re.search(r"The retrained model takes 7\d% of them for truck, \d+% for ", told)


def test_a_method_that_stays_is_among_the_curves(shipped):
    stop = next(s for s in lesson.stops(shipped[PHOTOGRAPHS]) if s.title.startswith("Forgetting"))
    assert "BadT" in stop.choices(shipped[PHOTOGRAPHS])["curve_methods"]
    assert "Further off than the original itself end BadT" in stop.answer(shipped[PHOTOGRAPHS])


def test_other_kinds_of_requests_on_other_data_come_first(shipped):
    told = answer(shipped[PHOTOGRAPHS], "Your own request")
    assert "forget 64 random examples" in told
    assert "forget the backdoor" in told


def test_the_trick_that_edits_the_head_alone_is_said_to_keep_the_features(shipped):
    told = answer(shipped[DIGITS], "The trick")
    assert "are still the original's" in told
    assert told.count("fools **") == 3


@pytest.mark.parametrize("what", [CLOTHES, DIGITS, PHOTOGRAPHS])
def test_the_table_shows_the_methods_that_the_answer_counts_and_what_it_says_of_one(shipped, what):
    stop = lesson.stops(shipped[what])[1]
    told, choices = stop.answer(shipped[what]), stop.choices(shipped[what])
    assert f"**{len(choices['metric_methods'])} of " in told
    assert f"**{choices['metric_methods'][0]}**, for one" in told
    assert {"Accuracy", "Features"} <= set(choices["metric_groups"])


@pytest.mark.parametrize("what", [CLOTHES, DIGITS, PHOTOGRAPHS])
def test_the_tricks_are_counted_as_the_table_below_shows_them(shipped, what):
    told = answer(shipped[what], "The trick")
    rows = fooling.found_rows(shipped[what].report)
    page = fooling.fooled_html(rows, everything=False)
    n_fooled = sum(int(n) for n in re.findall(r"fools \*\*(\d+) of", told))
    assert n_fooled == page.count(">fooled")
    n_told = sum(int(n) for n in re.findall(r"of (\d+)\*\* audits of this table", told))
    assert n_told == page.count(">fooled") + page.count(">not fooled")


def test_requests_on_the_same_data_are_told_beside_each_other(shipped):
    told = answer(shipped[RANDOM], "Your own request")
    assert told.index("64 random examples") < told.index("class 3")
    assert "Sandal" not in told
    alone = answer(shipped[CLOTHES], "Your own request")
    assert "So far only this was tried" in alone
    assert "On other data:\n- **" in alone


def test_what_is_retrained_alike_is_never_called_forgotten():
    assert "alone cannot show" in answers.heaps_text(0.4, 0.42, 0.1, {})
    assert "the other way round" in answers.heaps_text(0.4, 0.9, 0.1, {})
    assert "was not measured" in answers.heaps_text(NAN, 0.9, 0.1, {})


def test_only_classes_that_images_lie_near_to_are_named():
    told = answers.heaps_text(1.0, 0.5, 0.1, {"8": 0.3, "9": 0.7, "1": 0.0})
    assert told.endswith("70% of them lie nearest to 9, 30% to 8: what is most like them.")


def card(label, word):
    return VerdictCard(label=label, method=label, word=word, because=f"{label} is so",
                       agreement="", numbers=(), speedup="–", more=0)  # fmt: skip


def test_accuracy_is_said_to_be_enough_where_it_was():
    cards = [card("a", "matched"), card("b", "remembers")]
    told = answers.accuracy_text(cards, {"a": "matched", "b": "under"}, 1.0, 0.0, 0.05)
    assert "**1 of 2**" in told
    assert "here accuracy was enough" in told


def test_a_method_that_pretends_is_named_with_its_reason():
    cards = [card("a", "matched"), card("b", "partly matched"), card("c", "pretends")]
    told = answers.accuracy_text(cards, dict.fromkeys("abc", "matched"), 1.0, 0.0, 0.05)
    assert "1 looks like a network that never saw it, 1 comes close, 1 only pretends" in told
    assert told.endswith("**c**, for one: c is so.")
    assert [c.label for c in answers.answering_alike(cards, dict.fromkeys("abc", "matched"))] == [
        *("c", "b", "a")
    ]
    nobody = answers.accuracy_text(cards, dict.fromkeys("abc", "under"), 1.0, 0.0, 0.05)
    assert "**0 of 3**" in nobody
    assert "for one" not in nobody


def curve(label, *values):
    rows = [(label, 0, step, value) for step, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["label", "seed", "step", "value"])


def test_curves_are_said_to_arrive_to_stay_and_to_turn_back():
    rows = pd.concat([curve("A", 0.7, 0.95), curve("B", 0.7, 0.72), curve("C", 0.7, 0.99, 0.8)])
    told = answers.steps_text(rows, 0.7, 1.0, 0.02)
    assert "Nearer to it than to the second end A (0.950)." in told
    assert "Nearer to the original stay B (0.720), C (0.800)." in told
    assert told.endswith("And one turns back: C was at 0.990 on its way and ended at 0.800.")


def test_seeds_that_end_far_apart_and_one_that_turns_back_alone_are_named():
    first, second = curve("A", 0.7, 0.75, 0.99), curve("A", 0.7, 0.9, 0.75)
    told = answers.steps_text(pd.concat([first, second.assign(seed=1)]), 0.7, 1.0, 0.02)
    assert "end A (0.870; its seeds 0.750 to 0.990)." in told
    assert told.endswith(
        "And one turns back: A with seed 1 was at 0.900 on its way and ended at 0.750."
    )
    assert "turn" not in told.replace("And one turns back", "")


def test_where_no_curve_turns_back_it_is_said():
    told = answers.steps_text(curve("A", 0.7, 0.95), 0.7, 1.0, 0.02)
    assert told.endswith("None of them turns back.")
    assert "None that is drawn reaches the first." in told
    told = answers.steps_text(curve("A", 0.7, 0.99), 0.7, 1.0, 0.02)
    assert "As near to the first as retrained models are to one another: A (0.990)." in told
    assert "Nearer to it" not in told  # named once
    assert "None that is drawn reaches" in answers.steps_text(
        curve("A", 0.7, 0.99), 0.7, 1.0, 0.02, {"A"}
    )
    assert "seeds" not in told


def test_a_curve_of_a_method_that_broke_the_rest_is_said_so():
    told = answers.steps_text(curve("A", 0.7, 0.95), 0.7, 1.0, 0.02, {"A"})
    assert "end A (0.950, but broken)." in told


def test_a_curve_that_goes_past_the_retrained_model_is_said_so():
    told = answers.steps_text(curve("A", 0.7, 0.95), 0.7, 0.9, 0.02)
    assert "Nearer to it than to the second end A (0.950, past it)." in told


def test_a_curve_that_ends_in_the_middle_is_nearer_to_neither():
    told = answers.steps_text(curve("A", 0.7, 0.852), 0.7, 1.0, 0.02)
    assert "About half way end A (0.852)." in told
    assert "Nearer to the original" not in told


def test_a_curve_that_leaves_the_original_the_other_way_has_not_turned_back():
    rows = pd.concat([curve("A", 0.9, 0.78), curve("B", 0.9, 0.95, 0.6), curve("C", 0.9, 0.9)])
    told = answers.steps_text(rows, 0.9, 1.0, 0.02)
    assert "Nearer to the original stay C (0.900)." in told
    assert "Further off than the original itself end A (0.780), B (0.600)." in told
    assert told.endswith("And one turns back: B was at 0.950 on its way and ended at 0.600.")


def test_curves_between_lines_that_agree_tell_nothing():
    told = answers.steps_text(curve("A", 0.7, 0.9), 0.7, 0.71, 0.02)
    assert "cannot tell who has forgotten" in told
    assert "no line" in answers.steps_text(curve("A", 0.7), NAN, 0.7, 0.02)


def test_no_curve_that_arrives_is_said_so():
    told = answers.steps_text(curve("A", 0.7, 0.71), 0.7, 1.0, 0.02)
    assert "reaches the first. Nor does any end nearer to it than to the second." in told


def gamma(metric, values, retrained):
    rows = [("class", g, 0, metric, v, 0.0, retrained) for g, v in zip((0, 1), values, strict=True)]
    return pd.DataFrame(
        rows, columns=["kind", "gamma", "seed", "metric", "value", "original", "retrained"]
    )


def test_gamma_is_said_to_have_one_best_value_only_where_it_has():
    kept = gamma("retain_accuracy", (1.0, 0.98), 1.0)
    answers_best_at_0 = gamma("forget_accuracy", (0.0, 0.9), 0.0)
    apart = [answers_best_at_0, gamma("feature_distance_original", (1.0, 9.0), 8.0), kept]
    told = answers.gamma_text(pd.concat(apart))
    assert "right on the examples to forget **0.0%** and **90.0%** (retrained 0.0%)" in told
    assert "is gamma 0 in answers, but gamma 1 in how far features move (by 9.000, where" in told
    alike = [gamma("forget_accuracy", (0.0, 0.0), 0.0), *apart[1:]]
    told = answers.gamma_text(pd.concat(alike))
    assert "in answers and in how far features move, is gamma 1 (by 9.000, where" in told
    alike[1] = gamma("feature_distance_original", (7.0, 9.0), 8.0)
    assert "features move, is gamma 0 or 1." in answers.gamma_text(pd.concat(alike))
    same = [answers_best_at_0, gamma("feature_distance_original", (7.0, 9.0), 7.0), kept]
    told = answers.gamma_text(pd.concat(same))
    assert "is gamma 0 (by 7.000, where retraining moves them by 7.000)." in told


def test_features_that_move_as_far_but_elsewhere_are_told():
    parts = [
        gamma("forget_accuracy", (0.0, 0.9), 0.0),
        gamma("feature_distance_original", (7.0, 9.0), 7.0),
        gamma("retain_accuracy", (1.0, 0.98), 1.0),
    ]
    elsewhere = gamma("feature_distance_retrained", (8.0, 6.0), 0.0)
    told = answers.gamma_text(pd.concat([*parts, elsewhere]))
    assert "by 7.000). But nearest to the retrained model's own features is gamma 1: how" in told
    there = gamma("feature_distance_retrained", (6.0, 8.0), 0.0)
    assert "But nearest" not in answers.gamma_text(pd.concat([*parts, there]))


def test_a_gamma_that_breaks_what_is_to_be_kept_is_no_choice():
    far = gamma("feature_distance_original", (7.0, 9.0), 9.0)
    parts = [
        gamma("forget_accuracy", (0.0, 0.0), 0.0),
        far,
        gamma("retain_accuracy", (1.0, 0.66), 1.0),
    ]
    told = answers.gamma_text(pd.concat(parts))
    assert "Gamma 1 costs too much of what is to be kept." in told
    assert "in answers and in how far features move, is gamma 0 (by 7.000, where" in told


def tried(kind, *words):
    return answers.Tried(what=kind, kind=kind, cards=[card(word, word) for word in words])


def test_which_kind_of_request_is_easier_is_answered_from_both():
    by_class = tried("class", "matched", "pretends", "remembers")
    told = answers.requests_text([by_class], [tried("random", "matched", "matched")])
    assert told.startswith(
        "Of whole classes **1 of 3** tries and of single examples **2 of 2** tries listed here "
        "look like a network that never saw them.\n"
    )
    untold = answers.requests_text([by_class, tried("ids", "nothing to tell")], [])
    assert untold.startswith("Where it can be told, of whole classes **1 of 3** tries")
    assert "them; nothing can be told of **1 of 1** on single examples." in untold
    few = tried("class", "matched", "too few to tell", "unknown")
    either = answers.requests_text([few, tried("random", "remembers")], [])
    assert "**1 of 1** tries and of single examples **0 of 1** tries" in either
    assert "nothing can be told of **2 of 3** on whole classes." in either
    alone = answers.requests_text([by_class], [tried("backdoor", "remembers")])
    assert alone.startswith("So far only this was tried")


def test_a_trick_that_fails_at_its_own_aim_is_said_so(shipped):
    told = answer(shipped[CLOTHES], "The trick")
    assert "**Calibration (trick)** does not even answer as the retrained model does" in told
    assert "**Forget bias (trick)** fools" in told


def test_every_trick_is_told_by_whether_its_features_are_the_originals():
    tricks = {"A": (0.7, 0.7), "B": (0.75, 0.71), "C": (0.9, 0.7), "D": (NAN, 0.7), "E": (0.8, NAN)}
    told = answers.features_text(tricks, 0.3, 0.05)
    assert "the original's after A (0.700, before 0.700), B (0.750, before 0.710): what" in told
    assert told.endswith("Features have moved after C (0.900, before 0.700).")
    assert answers.features_text({"A": (NAN, 0.7)}, 0.3, 0.05) == ""
    for way in (0.04, NAN):  # DA tells nothing here
        assert answers.features_text(tricks, way, 0.05) == ""


def test_where_poisoned_images_have_gone_is_told_of_what_is_mostly_so():
    assert "answers **94%** of images with it rightly" in answers.truly_text(0.938)
    assert answers.truly_text(0.3) == answers.truly_text(NAN) == ""
