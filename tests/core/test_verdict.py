"""Verdicts: every case in which a person would say another word, as numbers."""

from dataclasses import replace

import pytest

from unlearn_core.metrics import METRICS
from unlearn_core.metrics.findings import (
    Standard,
    by_guessing,
    doubts,
    elsewhere,
    findings,
    flattened,
    loss,
    most_lost,
    short,
    side,
)
from unlearn_core.metrics.spread import FLOORS, reference
from unlearn_core.metrics.verdict import WORDS, judge
from unlearn_core.runs.comparison import Comparison, standard_of
from unlearn_core.runs.report import report
from unlearn_core.views.verdicts import evidence_text, targets_text

ORIGINAL = {  # the digits with class 3, seed 0
    "retain_test_accuracy": 0.978,
    "retain_accuracy": 1.0,
    "forget_accuracy": 1.0,
    "forget_test_accuracy": 1.0,
    "dimensional_alignment": 0.755,
    "cluster_f1": 1.0,
    "cluster_nmi": 1.0,
    "linear_probe_forget": 1.0,
    "effective_rank": 8.1,
    "mia_rfa": 0.993,
}
RETRAINED = {
    "retain_test_accuracy": 0.981,
    "retain_accuracy": 1.0,
    "forget_accuracy": 0.0,
    "forget_test_accuracy": 0.0,
    "dimensional_alignment": 0.985,
    "cluster_f1": 0.567,
    "cluster_nmi": 0.405,
    "linear_probe_forget": 0.946,
    "effective_rank": 7.5,
    "mia_rfa": 0.436,
}
SIZES = {"forget": 146, "retain": 1292, "forget_test": 37, "retain_test": 322}
UNCHANGED = ("dimensional_alignment", "cluster_f1", "cluster_nmi", "linear_probe_forget")
UNCHANGED += ("effective_rank",)


def standard(original=ORIGINAL, retrained=RETRAINED, sizes=SIZES, **more):
    """Four retrained models that agree, or those of which `retrained` is a list."""
    models = retrained if isinstance(retrained, list) else [retrained] * 4
    known = {
        name: reference(name, [m[name] for m in models], sizes.get(METRICS[name].share_of))
        for name in models[0]
    }
    return Standard(original=original, reference=known, sizes=sizes, **more)


def word(changed, **more):
    return judge({**RETRAINED, **changed}, standard(**more)).word


BADT = {
    "dimensional_alignment": 0.929, "cluster_f1": 0.973, "cluster_nmi": 0.933,
    "linear_probe_forget": 0.973, "mia_rfa": 0.0,
}  # fmt: skip
RFA = {"cluster_f1": 0.99, "cluster_nmi": 0.969, "mia_rfa": 0.0}


def test_a_tight_cluster_behind_matching_answers_pretends():
    found = judge({**RETRAINED, **BADT}, standard())
    assert found.word == "pretends"
    assert found.because.startswith("answers match; its features still form one cluster: ")
    assert "F1 0.97 against 0.57 ± 0.10" in found.because


def test_what_else_is_off_is_told_of_who_pretends():
    found = judge({**RETRAINED, **BADT, "retain_accuracy": 0.955}, standard())
    assert found.word == "pretends"
    assert "; what was to be kept does not match: Acc(D_r) 95.5% against" in found.because
    assert found.caveats == ()


def test_one_retrained_model_is_enough_to_see_it():
    found = judge({**RETRAINED, **BADT}, standard(retrained=[RETRAINED]))
    assert found.word == "pretends"
    assert "F1 0.97 against 0.57 ± 0.16" in found.because  # 2.6 deviations, and .94 of the way left
    assert word({**BADT, **RFA}, retrained=[RETRAINED]) == "pretends"


@pytest.mark.parametrize("alignment", [0.842, 0.860, 0.873])
def test_alignment_half_way_flips_no_word(alignment):
    assert word({**RFA, "dimensional_alignment": alignment}) == "pretends"


@pytest.mark.parametrize("alignment", [0.986, 0.97, 0.999])
def test_alignment_within_its_own_spread_is_matched(alignment):
    assert word({"dimensional_alignment": alignment}) == "matched"


def test_features_part_of_the_way_match_in_part():
    found = judge({**RETRAINED, "cluster_f1": 0.847, "cluster_nmi": 0.710}, standard())
    assert found.word == "partly matched"
    assert "NMI 0.71 against 0.41" in found.because


@pytest.mark.parametrize(
    ("n", "original", "retrained", "values"),
    [
        (3, 1.0, 1.0, {"forget_accuracy": 2 / 3}),
        (20, 1.0, 0.95, {"forget_accuracy": 0.85, "mia_rfa": 0.19}),
    ],
)
def test_a_handful_of_images_is_too_few_to_tell(n, original, retrained, values):
    start = {**ORIGINAL, **dict.fromkeys(UNCHANGED, 0.9), "forget_accuracy": original}
    target = {**start, "forget_accuracy": retrained, "mia_rfa": 0.92}
    for numbers in (start, target):
        numbers.pop("forget_test_accuracy", None)
    found = judge({**target, **values}, standard(start, target, {**SIZES, "forget": n}))
    assert found.word == "too few to tell"
    needed = int(found.because.split(" would do")[0].split()[-1])
    enough = standard(start, target, {**SIZES, "forget": needed})
    assert judge({**target, **values}, enough).word != "too few to tell"


def test_where_original_and_retrained_agree_in_all_that_decides_there_is_nothing_to_tell():
    toy = {**ORIGINAL, "forget_accuracy": 0.0, "forget_test_accuracy": 0.0, "mia_rfa": 0.9}
    toy |= {"dimensional_alignment": 1.0, "cluster_f1": 0.1, "cluster_nmi": 0.0}
    for values in (toy, {**toy, "dimensional_alignment": 0.99}):
        found = judge(values, standard(toy, toy))
        assert found.word == "nothing to tell"
        assert "Acc(D_f) 0.0% and 0.0%" in found.because


@pytest.mark.parametrize("features_agree", [False, True])
def test_an_edit_of_the_classifier_alone_pretends(features_agree):
    target = {
        **RETRAINED,
        **({name: ORIGINAL[name] for name in UNCHANGED} if features_agree else {}),
    }
    values = {**target, **{name: ORIGINAL[name] for name in UNCHANGED}}
    found = judge(values, standard(retrained=target))
    assert found.word == "pretends"
    assert "its features are the original's own" in found.because


def test_the_untouched_original_remembers():
    assert judge(ORIGINAL, standard()).word == "remembers"


def test_a_model_much_better_than_the_retrained_one_is_not_matched():
    worse = {**RETRAINED, "retain_test_accuracy": 0.492}
    found = judge({**worse, "retain_test_accuracy": 0.847}, standard(retrained=worse))
    assert found.word == "partly matched"
    assert "Acc(D_rt) 84.7% against 49.2%" in found.because


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "matched"),
        ({"retain_test_accuracy": 0.90}, "broken"),
        ({"retain_accuracy": 0.7, "forget_accuracy": 1.0}, "broken"),
        ({"retain_test_accuracy": None}, "broken"),
        ({"retain_accuracy": 0.96}, "partly matched"),
        ({"forget_accuracy": 0.3}, "remembers"),
        ({"forget_test_accuracy": 0.5}, "remembers"),
        ({"forget_accuracy": 0.01}, "matched"),  # one image
        ({"forget_accuracy": 0.048}, "partly matched"),  # a trace, seven images
        ({"forget_accuracy": 0.09}, "partly matched"),
        ({"forget_accuracy": 0.11}, "remembers"),
        ({"forget_accuracy": 0.048, "forget_test_accuracy": 0.5}, "remembers"),
        ({"forget_accuracy": 0.048, "retain_test_accuracy": 0.9}, "broken"),
        ({"forget_accuracy": 0.048, **BADT}, "pretends"),
        ({"mia_rfa": 1.0}, "partly matched"),
        ({"cluster_f1": None, "cluster_nmi": None}, "matched"),
    ],
)
def test_the_rule_case_by_case(changed, expected):
    assert word(changed) == expected


def test_a_trace_of_the_answers_is_named_before_what_else_is_off():
    found = judge({**RETRAINED, "forget_accuracy": 0.048, "mia_rfa": 1.0}, standard())
    assert found.word == "partly matched"
    assert found.because.startswith("answers match but for a trace: Acc(D_f) 4.8% against 0.0%")
    assert "; an attacker still tells it" in found.because
    alone = judge({**RETRAINED, "forget_accuracy": 0.048}, standard()).because
    assert alone.startswith("answers match but for a trace: ")
    assert ";" not in alone


def test_a_trace_is_measured_on_the_way_from_retrained_to_original():
    target = {**RETRAINED, "forget_accuracy": 0.9}
    found = judge({**target, "forget_accuracy": 0.99}, standard(retrained=target))
    assert found.word == "remembers"  # nearly all of the way, though 9 points only
    alike = {**RETRAINED, "forget_accuracy": 0.2}
    same = standard({**ORIGINAL, "forget_accuracy": 0.2}, alike)
    assert judge({**alike, "forget_accuracy": 0.29}, same).word != "partly matched"


def test_a_model_below_the_original_is_not_broken_where_retraining_costs_as_much():
    target = {**RETRAINED, "retain_test_accuracy": 0.85, "retain_accuracy": 0.9}
    assert judge(target, standard(retrained=target)).word == "matched"


def test_answers_past_the_retrained_models_are_over_forgotten():
    target = {**RETRAINED, "forget_accuracy": 0.6}
    found = judge({**target, "forget_accuracy": 0.2}, standard(retrained=target))
    assert found.word == "over-forgotten"
    alike = {**RETRAINED, "forget_accuracy": 0.97}
    start = {**ORIGINAL, "forget_accuracy": 0.99}
    assert judge({**alike, "forget_accuracy": 0.2}, standard(start, alike)).word == "over-forgotten"


def test_where_original_and_retrained_agree_a_larger_share_remembers():
    both = {**RETRAINED, "forget_accuracy": 0.2}
    found = judge(
        {**both, "forget_accuracy": 0.6}, standard({**ORIGINAL, "forget_accuracy": 0.2}, both)
    )
    assert found.word == "remembers"


def test_a_backdoor_that_works_decides():
    start, target = {**ORIGINAL, "backdoor_asr": 1.0}, {**RETRAINED, "backdoor_asr": 0.0}
    there = standard(start, target)
    assert judge({**target, "backdoor_asr": 0.01}, there).word == "matched"
    for rate, told in ((0.25, "is weaker, not gone"), (0.75, "still works")):
        found = judge({**target, "backdoor_asr": rate}, there)
        assert found.word == "remembers"
        assert found.because.startswith(f"the backdoor {told}: ASR {rate:.1%} against 0.0%")


def test_retraining_that_learned_far_less_than_the_original_is_no_yardstick():
    there = standard(retrained={**RETRAINED, "retain_accuracy": 0.5})
    assert "retraining is under-fitted: it answers 50.0%" in there.underfitted_notice
    assert not there.costly_notice
    found = judge({**RETRAINED, "retain_accuracy": 1.0}, there)
    assert found.word == "nothing to tell"
    assert not standard().is_underfitted


def test_what_was_to_be_kept_stands_behind_but_from_two_deviations():
    start = {**ORIGINAL, "backdoor_asr": 1.0, "triggered_accuracy": 0.0}
    models = [
        {**RETRAINED, "backdoor_asr": 0.0, "triggered_accuracy": v} for v in (0.83, 0.9, 0.92)
    ]
    found = judge({**models[1], "triggered_accuracy": 0.72}, standard(start, models))
    assert found.word == "matched"
    assert any("Acc(trigger) 72.0%" in caveat for caveat in found.caveats)


def test_a_trigger_without_power_whose_images_are_answered_wrongly_is_partly_matched():
    start = {**ORIGINAL, "backdoor_asr": 1.0, "triggered_accuracy": 0.0}
    target = {**RETRAINED, "backdoor_asr": 0.0, "triggered_accuracy": 0.9}
    there = standard(start, target)
    assert judge({**target, "triggered_accuracy": 0.88}, there).word == "matched"
    found = judge({**target, "triggered_accuracy": 0.58}, there)
    assert found.word == "partly matched"
    assert "not answered as retrained models do: Acc(trigger) 58.0% against" in found.because
    not_measured = {k: v for k, v in target.items() if k != "triggered_accuracy"}
    assert judge(not_measured, there).word == "matched"


def test_nothing_is_said_of_features_that_an_underfitted_original_never_learned():
    start = {**ORIGINAL, "retain_accuracy": 0.53}
    there = standard(start, {**RETRAINED, "retain_accuracy": 0.53}, reaches=0.93)
    found = judge({**RETRAINED, "retain_accuracy": 0.53, **BADT}, there)
    assert found.word == "nothing to tell"
    assert "answers 53.0% of its training examples right" in found.because
    assert judge({**RETRAINED, "forget_accuracy": 0.9, "retain_accuracy": 0.53}, there).word == (
        "remembers"
    )
    assert not standard(reaches=0.93).underfitted_notice


def test_retraining_that_loses_much_of_the_rest_is_told_beside_the_verdicts():
    costly = {**RETRAINED, "retain_test_accuracy": ORIGINAL["retain_test_accuracy"] - 0.06}
    notice = standard(retrained=costly).costly_notice
    before, after = ORIGINAL["retain_test_accuracy"], costly["retain_test_accuracy"]
    assert notice.startswith("retraining itself loses of what was to be kept, without ")
    assert f"Acc(D_rt) {after:.1%} against the original's {before:.1%}" in notice
    assert "Acc(D_r)" not in notice.replace("Acc(D_rt)", "")
    assert not standard().costly_notice
    wordy = {"perplexity_retain_test": 181.7, "perplexity_retain": 73.3}
    for after, is_told in ((220.0, False), (263.8, True)):
        lost = standard(wordy, {**wordy, "perplexity_retain_test": after}).costly_notice
        assert ("PPL(D_rt) 263.80 against the original's 181.70" in lost) == is_told


def test_a_loss_is_in_points_or_for_a_perplexity_the_share_by_which_it_grew():
    assert loss("retain_accuracy", 0.75, 0.5) == 0.25
    assert loss("perplexity_retain", 80.0, 100.0) == 0.25
    assert loss("retain_accuracy", 0.5, 0.75) == -0.25
    assert [most_lost(name) for name in ("retain_accuracy", "perplexity_retain")] == [0.05, 0.25]
    assert short("retain_accuracy", 0.123) == "12.3%"
    assert short("dimensional_alignment", 0.987) == "0.99"


def test_relearning_decides_nothing_because_retrained_models_differ_too_much_in_it():
    # digits without class 3: .60 with a deviation of .126 over 16 retrained models, originals .96
    start, target = {**ORIGINAL, "relearn_k": 0.96}, {**RETRAINED, "relearn_k": 0.60}
    there = standard(start, target)
    assert judge({**target, "relearn_k": 0.96}, there).word == "matched"
    assert 3 * FLOORS["relearn_k"] > 0.96 - 0.60


def test_a_match_names_what_is_two_deviations_off_on_the_side_of_the_original():
    start, target = {**ORIGINAL, "relearn_k": 0.96}, {**RETRAINED, "relearn_k": 0.60}
    there = standard(start, target)
    far = there.reference["mia_rfa"].deviation * 2.5
    seen = judge({**target, "relearn_k": 0.95, "mia_rfa": 0.436 + far}, there)
    assert seen.word == "matched"
    assert [text.split()[0] for text in seen.caveats] == ["MIA", "Relearned"]
    told = doubts({**target, "relearn_k": 0.95, "mia_rfa": 0.436 + far}, there)
    assert [each.metric for each in told] == ["mia_rfa", "relearn_k"]
    past = judge({**target, "relearn_k": 0.2, "mia_rfa": 0.436 - far}, there)
    assert (past.word, past.caveats) == ("matched", ())
    near = judge({**target, "relearn_k": 0.70, "cluster_f1": 0.6}, there)
    assert near.caveats == ()
    without = replace(there, unreliable=frozenset({"mia_rfa"}))
    doubted = judge({**target, "mia_rfa": 0.436 + far}, without)
    assert doubted.caveats == ()


def test_an_unreliable_number_decides_nothing():
    there = standard()
    assert judge({**RETRAINED, "mia_rfa": 1.0}, there).word == "partly matched"
    without = replace(there, unreliable=frozenset({"mia_rfa"}))
    assert judge({**RETRAINED, "mia_rfa": 1.0}, without).word == "matched"
    listed = [each.metric for part in findings(RETRAINED, without).values() for each in part]
    assert "cluster_f1" in listed
    assert "mia_rfa" not in listed


def test_retrained_models_that_differ_widen_what_matches():
    models = [{**RETRAINED, "mia_rfa": value} for value in (0.1, 0.4, 0.7, 0.9, 0.2)]
    assert judge({**RETRAINED, "mia_rfa": 1.0}, standard(retrained=models)).word == "matched"


def test_a_match_whose_answers_gather_or_scatter_says_so():
    start, target = {**ORIGINAL, "top_wrong_answer": 0.0}, {**RETRAINED, "top_wrong_answer": 0.5}
    there = standard(start, target)
    found = judge({**target, "top_wrong_answer": 1.0}, there)
    assert found.word == "matched"
    told = "its answers on D_f gather in one class, Top wrong answer 100.0% against 50.0%"
    assert found.caveats == (told,)
    within = there.reference["top_wrong_answer"].within
    assert elsewhere({"top_wrong_answer": 0.5 - 1.01 * within}, there).startswith(
        "its answers on D_f scatter over many classes, "
    )
    for inside in (0.5 + 0.99 * within, 0.5 - 0.99 * within, None):
        assert elsewhere({"top_wrong_answer": inside}, there) == ""
    assert elsewhere({"top_wrong_answer": 1.0}, standard()) == ""


def test_a_match_whose_features_were_flattened_says_so():
    start, target = {**ORIGINAL, "effective_rank": 8.0}, {**RETRAINED, "effective_rank": 7.5}
    there = standard(start, target)
    found = judge({**target, "effective_rank": 2.3}, there)
    assert found.word == "matched"
    assert found.caveats == ("its features are flattened, Effective rank 2.30 against 7.50",)
    assert flattened({"effective_rank": 3.7}, there).endswith("Effective rank 3.70 against 7.50")
    assert flattened({"effective_rank": 3.8}, there) == ""
    assert not judge({**target, "effective_rank": 4.0}, there).caveats
    assert not judge(target, standard()).caveats


def test_a_match_names_what_is_off_although_it_does_not_tell():
    start = {**ORIGINAL, "mia_rfa": 0.436}
    found = judge({**RETRAINED, "mia_rfa": 1.0}, standard(start))
    assert (found.word, len(found.caveats)) == ("matched", 1)
    assert found.sentence.endswith("; but MIA (RFA) 100.0% against 43.6% ± 13.0")


def test_without_a_retrained_model_nothing_is_known():
    assert judge(RETRAINED, Standard(original=ORIGINAL, reference={})).word == "unknown"


def test_a_model_without_outputs_is_broken():
    found = judge(dict.fromkeys(ORIGINAL), standard())
    assert (found.word, found.because) == ("broken", "the model's outputs are not finite")


def test_every_word_can_be_ranked():
    assert len(set(WORDS)) == len(WORDS)
    assert {word({}), word({"forget_accuracy": 1.0}), word(BADT)} <= set(WORDS)


@pytest.mark.parametrize(("original", "past"), [(1.0, 0.2), (0.0, 0.8)])
def test_a_value_past_the_target_is_over_whichever_side_the_original_is_on(original, past):
    there = replace(reference("cluster_f1", [0.5]), within=0.1)
    assert side(past, original, there) == "over"
    assert side(1 - past, original, there) == "under"
    assert side(0.55, original, there) == "matched"
    assert side(past, 0.5, there) == "off"  # the original was on target


@pytest.mark.parametrize(("f1", "expected"), [(0.92, "partly matched"), (0.85, "matched")])
def test_two_deviations_count_where_most_of_the_way_is_left(f1, expected):
    assert word({"cluster_f1": f1}, retrained=[RETRAINED]) == expected


def test_a_class_that_five_examples_bring_back_was_not_forgotten():
    start, target = {**ORIGINAL, "prototype_forget": 0.99}, {**RETRAINED, "prototype_forget": 0.36}
    found = judge({**target, "prototype_forget": 0.95}, standard(start, target))
    assert found.word == "partly matched"
    assert "Prototypes(D_f) 95.0% against 36.0%" in found.because


def test_two_deviations_past_the_retrained_models_do_not_count():
    assert word({"cluster_f1": 0.22}, retrained=[RETRAINED]) == "matched"


def test_what_tells_by_itself_with_one_retrained_model_is_known():
    telling = {
        name
        for name in FLOORS.keys() & ORIGINAL.keys()
        if 3 * FLOORS[name] * 2**0.5 < abs(ORIGINAL[name] - RETRAINED[name])
    }
    assert {"forget_accuracy", "cluster_nmi", "dimensional_alignment"} <= telling
    assert "cluster_f1" not in telling  # it differs by .11 between retrained models


WRITES = {"perplexity_retain": 100.0, "perplexity_retain_test": 130.0, "mia_rfa": 0.5}
NEVER_SAW = {**WRITES, "perplexity_forget": 190.0, "perplexity_forget_test": 195.0}
BEFORE = {**WRITES, "perplexity_forget": 110.0, "perplexity_forget_test": 140.0}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "matched"),
        ({"perplexity_forget": 112.0, "perplexity_forget_test": 141.0}, "remembers"),
        ({"perplexity_forget": 400.0}, "over-forgotten"),
        ({"perplexity_retain_test": 170.0}, "broken"),
        ({"perplexity_retain_test": 150.0}, "partly matched"),
        ({"perplexity_retain_test": None}, "broken"),
    ],
)
def test_a_language_model_is_judged_by_its_perplexity_beside_the_retrained_ones(changes, word):
    given = standard_of(BEFORE, [{"values": NEVER_SAW, "sizes": {}}])
    verdict = judge({**NEVER_SAW, **changes}, given)
    assert verdict.word == word, verdict


def test_what_counts_as_equal_is_a_share_of_a_perplexity():
    """5 % of tolerance, half of which is the floor; two models' worth of spread, three times."""
    small, large = (reference("perplexity_forget", [value]) for value in (10.0, 1000.0))
    assert large.within == pytest.approx(100 * small.within)
    assert small.within == pytest.approx(3 * 0.025 * 10 * 2**0.5)


# texts with a keyword: a retrained model still answers them right --------------------------------

REVIEWS = {  # as in RFA's Table III: two classes, "comedy"
    "retain_accuracy": 0.9995, "retain_test_accuracy": 0.9331,
    "forget_accuracy": 1.0, "forget_test_accuracy": 0.9336,
    "dimensional_alignment": 0.9, "mia_rfa": 0.9,
}  # fmt: skip
MOVED = {"dimensional_alignment": 0.95, "mia_rfa": 0.1}
REVIEW_SIZES = {"forget": 1500, "retain": 23_500, "forget_test": 1500, "retain_test": 23_500}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, "remembers"),  # the original, and so retraining and Finetune
        ({"forget_accuracy": 0.5477, "forget_test_accuracy": 0.5093, **MOVED}, "matched"),  # RFA
        ({"forget_accuracy": 0.51, "forget_test_accuracy": 0.51}, "pretends"),
        ({"forget_accuracy": 0.3, "forget_test_accuracy": 0.3}, "over-forgotten"),
        (
            {
                "forget_accuracy": 0.5405, "forget_test_accuracy": 0.55,
                "retain_accuracy": 0.4958, "retain_test_accuracy": 0.4947,
            },
            "broken",
        ),  # NegGrad
    ],
)  # fmt: skip
def test_texts_with_a_keyword_are_forgotten_by_who_guesses(told, expected):
    usual = standard(original=REVIEWS, retrained=REVIEWS, sizes=REVIEW_SIZES)
    by_chance = by_guessing(usual, n_classes=2)
    assert by_chance.reference["forget_accuracy"].mean == 0.5
    assert {"dimensional_alignment", "mia_rfa"}.isdisjoint(by_chance.reference)
    assert by_chance.reference["retain_accuracy"] == usual.reference["retain_accuracy"]
    assert judge({**REVIEWS, **told}, by_chance).word == expected


def test_a_comparison_on_a_keyword_is_judged_by_its_number_of_classes(questions):
    asked = replace(questions.config.forget, kind="keyword", values=(), keyword="card")
    runs = [
        replace(run, config=replace(run.config, forget=asked)) for run in questions.runs.values()
    ]
    judged = Comparison(key="", runs=tuple(runs))
    assert judged.standard.reference["forget_accuracy"].mean == pytest.approx(1 / 77)
    told = report(judged)
    share = questions.runs["retrain"].metrics()["values"]["forget_accuracy"]
    assert f"still answers {100 * share:.1f}% of them right" in evidence_text(told)
    assert "on D_f what guessing among the classes would give" in targets_text(told)


def test_what_was_kept_worse_by_two_deviations_stands_behind_but():
    there = standard(ORIGINAL, RETRAINED)
    known = there.reference["retain_test_accuracy"]
    worst = min(known.mean, ORIGINAL["retain_test_accuracy"])
    value = known.mean - 2.5 * known.deviation
    assert value < worst
    found = judge({**RETRAINED, "retain_test_accuracy": value}, there)
    assert found.word == "matched"
    assert found.spoken == "matched, but"
    assert found.caveats[0].startswith("Acc(D_rt)")
    better = known.mean + 2.5 * known.deviation
    assert "retain_test_accuracy" not in [
        each.metric for each in doubts({**RETRAINED, "retain_test_accuracy": better}, there)
    ]
    assert judge(RETRAINED, there).spoken == "matched"


def test_a_partly_matched_model_whose_answers_gather_says_so():
    start, target = {**ORIGINAL, "top_wrong_answer": 0.0}, {**RETRAINED, "top_wrong_answer": 0.4}
    there = standard(start, target)
    found = judge({**target, "mia_rfa": 1.0, "top_wrong_answer": 0.95}, there)
    assert found.word == "partly matched"
    assert found.spoken == "partly matched, but"
    assert "gather in one class" in found.sentence
