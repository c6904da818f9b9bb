import pytest

from unlearn_core.runs.report import Report
from unlearn_core.views.remaining_gap import gap_figure, gap_rows


def test_gap_is_one_at_the_original_and_zero_at_the_retrained_model(report):
    rows, left_out = gap_rows(Report(**report))
    gaps = rows.set_index(["label", "metric"])["gap"]
    assert gaps["Finetune", "forget_accuracy"] == pytest.approx(0.9)
    assert gaps["MUDA", "dimensional_alignment"] == pytest.approx(0.05)
    assert left_out == ["Acc(D_t)"]  # original and retrained do not differ in it
    assert "unlearn_seconds" not in set(rows["metric"])


def test_a_gap_beyond_the_plot_is_held_at_its_edge_and_says_so(report):
    report["runs"][-1]["metrics"]["dimensional_alignment"] = 0.1
    rows, _ = gap_rows(Report(**report))
    row = rows[(rows["label"] == "Finetune") & (rows["metric"] == "dimensional_alignment")].iloc[0]
    assert row["gap"] == pytest.approx(4)
    assert (row["plotted"], row["is_beyond"]) == (2.0, True)
    [dots] = [t for t in gap_figure(rows).data if t.name == "Finetune"]
    own, *others = dots.marker.symbol
    assert others.count("triangle-right") == 1
    assert others[-1] == "triangle-right"
    assert "triangle" not in own or own == "triangle-up"  # the legend shows the first of them
    assert dots.x[-1] == 2.0


def test_without_a_method_there_is_nothing_to_draw(report):
    report["runs"] = report["runs"][:2]
    rows, left_out = gap_rows(Report(**report))
    assert rows.empty
    assert left_out == []


def test_attacks_as_printed_are_left_out(report):
    for run in report["runs"]:
        value = {"original": 1.0, "retrain": 0.0}.get(run["method"], 0.5)
        run["metrics"] |= {"mia_rfa": value, "mia_rfa_unbalanced": value}
    known = report["comparison"]["reference"]
    known |= dict.fromkeys(("mia_rfa", "mia_rfa_unbalanced"), known["forget_accuracy"])
    rows, left_out = gap_rows(Report(**report))
    assert "mia_rfa" in set(rows["metric"])
    assert "mia_rfa_unbalanced" not in set(rows["metric"])
    assert left_out == ["Acc(D_t)"]


def test_what_a_verdict_may_cite_by_two_deviations_is_drawn(report):
    known = report["comparison"]["reference"]["forget_accuracy"]
    apart = abs(1.0 - known["mean"])  # of the original, about
    for deviations, is_drawn in ((2.5, True), (1.5, False)):
        known |= {"deviation": apart / deviations, "within": 3 * apart / deviations}
        rows, left_out = gap_rows(Report(**report))
        assert ("forget_accuracy" in set(rows["metric"])) == is_drawn
        assert ("Acc(D_f)" in left_out) != is_drawn
