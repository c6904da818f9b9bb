import pytest

from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.report import Report
from unlearn_core.runs.report import report as report_of
from unlearn_core.views.overview import verdict_cards


@pytest.fixture(scope="module")
def gathered(comparison):
    return comparisons(comparison.store)[0]


def test_cards_come_in_order_of_the_ranking_with_the_retrained_numbers_beside(gathered):
    report = report_of(gathered)
    cards = verdict_cards(gathered, report)
    assert [card.label for card in cards] == report.ranking
    assert report.best == cards[0].label
    target = next(run for run in report.runs if run["method"] == "retrain")["metrics"]
    assert cards[0].numbers[0].retrained == f"{target['forget_accuracy']:.1%}"


def test_best_is_matched_before_others_and_then_nearest_in_alignment(report):
    assert Report(**report).ranking == ["MUDA", "Finetune"]
    verdicts = report["comparison"]["verdicts"]
    verdicts[2]["word"] = "broken"
    assert Report(**report).best == "Finetune"
    report["comparison"]["verdicts"] = verdicts[:2]
    assert Report(**report).best is None


def test_of_two_matches_the_one_that_is_off_in_fewer_other_numbers_is_better(report):
    _, _, muda, finetune = report["comparison"]["verdicts"]
    finetune["word"], muda["caveats"] = "matched", ["F1 is off"]
    assert Report(**report).ranking == ["Finetune", "MUDA"]  # though MUDA is nearer in alignment


def test_methods_slower_than_retraining_are_those_with_a_speedup_below_one(gathered):
    report = report_of(gathered)
    summary = report.summary[report.summary["metric"] == "speedup"].set_index("label")["mean"]
    cards = verdict_cards(gathered, report)
    assert [c.is_slower for c in cards] == [bool(summary[c.label] < 1) for c in cards]
