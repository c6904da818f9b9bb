import io

import pandas as pd
import pytest

from unlearn_core.runs.report import Report
from unlearn_core.views import tables
from unlearn_core.views.markup import side_legend, table_html
from unlearn_core.views.verdicts import rule_text

METRICS = ["forget_accuracy", "dimensional_alignment", "unlearn_seconds"]


def row_of(table, label, metric):
    return table[(table["label"] == label) & (table["metric"] == metric)].iloc[0]


def test_distance_is_taken_to_the_retrained_model_of_the_same_seed(report):
    report["runs"][1]["metrics"]["forget_accuracy"] = 0.01  # seed 0's retrained model
    rows = Report(**report).rows
    muda = rows[(rows["label"] == "MUDA") & (rows["metric"] == "forget_accuracy")]
    assert muda.set_index("seed")["distance"].to_dict() == pytest.approx({0: -0.01, 1: 0.02})


def test_summary_gives_mean_and_sample_deviation_over_seeds(report):
    row = row_of(Report(**report).summary, "MUDA", "forget_accuracy")
    assert (row["n_seeds"], row["mean"]) == (2, pytest.approx(0.01))
    assert row["std"] == pytest.approx(0.02 / 2**0.5)


def test_seeds_without_a_retrained_model_do_not_count_beside_those_that_have_one(report):
    report["runs"] = [r for r in report["runs"] if (r["method"], r["seed"]) != ("retrain", 1)]
    row = row_of(Report(**report).summary, "MUDA", "forget_accuracy")
    assert (row["n_seeds"], row["mean"], row["distance"]) == (1, 0.0, 0.0)
    report["runs"] = [r for r in report["runs"] if r["method"] != "retrain"]
    row = row_of(Report(**report).summary, "MUDA", "forget_accuracy")
    assert (row["n_seeds"], row["mean"]) == (2, pytest.approx(0.01))
    assert pd.isna(row["distance"])


def test_a_method_that_ran_on_other_seeds_only_is_not_lost(report):
    report["runs"] = [r for r in report["runs"] if (r["method"], r["seed"]) != ("retrain", 0)]
    finetune = row_of(Report(**report).summary, "Finetune", "forget_accuracy")  # seed 0 alone
    assert (finetune["n_seeds"], finetune["mean"]) == (1, 0.9)
    assert pd.isna(finetune["distance"])
    muda = row_of(Report(**report).summary, "MUDA", "forget_accuracy")
    assert (muda["n_seeds"], muda["mean"]) == (1, 0.02)


def test_side_is_told_by_direction_where_original_and_retrained_agree_in_what_decides(report):
    for run in report["runs"][:4]:
        run["metrics"]["forget_accuracy"] = 0.5
    for value, expected in ((0.9, "under"), (0.1, "over")):
        report["runs"][-1]["metrics"]["forget_accuracy"] = value
        row = row_of(Report(**report).summary, "Finetune", "forget_accuracy")
        assert row["side"] == expected


def test_what_a_match_is_off_in_is_averaged_over_matches(report):
    report["runs"][4]["caveats"], report["runs"][5]["verdict"] = ["F1 is off"], "collapsed"
    assert Report(**report).verdicts.set_index("label").loc["MUDA", "n_caveats"] == 1


def test_the_interval_of_the_mean_is_shown_and_exported(report):
    half = 12.7062 * 0.02 / 2  # t of one degree of freedom times the standard error, by hand
    [record] = [
        r
        for r in Report(**report).summary_records()
        if (r["label"], r["metric"]) == ("MUDA", "forget_accuracy")
    ]
    assert record["high"] == pytest.approx(0.01 + half, rel=1e-4)
    assert record["low"] == pytest.approx(0.01 - half, rel=1e-4)
    page = table_html(Report(**report), METRICS)
    assert f"2 seeds, 95 % interval of the mean {0.01 - half:.1%} to {0.01 + half:.1%}" in page
    [single] = [
        r
        for r in Report(**report).summary_records()
        if (r["label"], r["metric"]) == ("Finetune", "forget_accuracy")
    ]
    assert (single["low"], single["high"], single["std"]) == (None, None, None)
    table = pd.read_csv(io.StringIO(tables.summary_csv(Report(**report))))
    assert len(table) == len(Report(**report).summary_records())


def test_nearest_is_told_by_distance_or_by_what_is_better_in_itself(report):
    table = Report(**report).summary
    assert row_of(table, "MUDA", "dimensional_alignment")["is_nearest"]
    assert not row_of(table, "Finetune", "dimensional_alignment")["is_nearest"]
    assert row_of(table, "Finetune", "unlearn_seconds")["is_nearest"]
    assert not table[table["method"] == "retrain"]["is_nearest"].any()


@pytest.mark.parametrize(("value", "expected"), [(0.9, "matched"), (0.72, "under"), (0.97, "over")])
def test_side_tells_where_a_value_lies(report, value, expected):
    report["runs"][-1]["metrics"]["dimensional_alignment"] = value
    side = row_of(Report(**report).summary, "Finetune", "dimensional_alignment")["side"]
    assert side == expected


def test_side_is_off_where_original_and_retrained_agree_and_the_value_does_not(report):
    report["runs"][-1]["metrics"]["test_accuracy"] = 0.5
    assert row_of(Report(**report).summary, "Finetune", "test_accuracy")["side"] == "off"


def test_display_table_prints_spread_distance_and_marks_the_nearest(report):
    table = tables.display_table(Report(**report), METRICS)
    assert table.starred.loc["MUDA", "Acc(D_f)"] == "*1.0% ± 1.4% (+1.0)*"
    assert table.starred.loc["Finetune", "Acc(D_f)"] == table.cells.loc["Finetune", "Acc(D_f)"]
    assert table.is_bold.loc["MUDA"].tolist() == [True, True, False]
    table = table.cells
    assert table.loc["MUDA", "Acc(D_f)"] == "1.0% ± 1.4% (+1.0)"
    assert table.loc["Finetune", "DA(D_f|D_r)"] == "0.720 (-0.180)"
    assert table.loc["Original", "Seconds"] == "–"
    assert table.loc["Retrained", "Acc(D_f)"] == "0.0% ± 0.0%"


def test_display_table_leaves_out_the_attacks_as_printed_unless_asked_and_csv_does_not(report):
    report["runs"][-1]["metrics"] |= {"mia_rfa": 0.4, "mia_rfa_unbalanced": 0.9}
    usual = tables.display_table(Report(**report))
    assert "MIA (RFA)" in usual.cells.columns
    assert "MIA (RFA, unbalanced)" not in usual.cells.columns
    asked = tables.display_table(Report(**report), ["mia_rfa_unbalanced"])
    assert asked.cells.loc["Finetune", "MIA (RFA, unbalanced)"] == "90.0%"
    assert "mia_rfa_unbalanced" in tables.long_csv(Report(**report))


def test_markdown_keeps_its_columns_although_a_symbol_holds_a_bar(report):
    lines = tables.to_markdown(tables.display_table(Report(**report), METRICS)).splitlines()
    assert {line.replace(r"\|", "").count("|") for line in lines} == {5}
    assert "**1.0% ± 1.4% (+1.0)**" in lines[4]


def test_latex_writes_symbols_as_formulas_and_escapes_percent(report):
    table = tables.with_verdicts(tables.display_table(Report(**report), METRICS), Report(**report))
    text = tables.to_latex(table, "a note")
    assert text.startswith("% a note\n")
    assert r"Acc($D_{f}$)" in text
    assert r"\textbf{1.0\% $\pm$ 1.4\% (+1.0)}" in text
    assert "0.720 ($-$0.180)" in text
    assert "under-forgotten" in text


def test_csv_holds_every_run_and_why_a_value_is_missing(report):
    table = pd.read_csv(io.StringIO(tables.long_csv(Report(**report))))
    assert len(table) == sum(len(run["metrics"]) for run in report["runs"])
    missing = table[(table["method"] == "original") & (table["metric"] == "unlearn_seconds")]
    assert missing["value"].isna().all()
    assert set(missing["reason"]) == {"took no steps"}


def test_html_tells_sides_by_colour_and_symbol_and_gives_reasons_and_definitions(report):
    text = table_html(Report(**report), METRICS)
    assert text.count("<tr") == 2 + 4  # two rows of headings, four models
    assert "took no steps" in text
    assert "Acc(D<sub>f</sub>)" in text
    assert "Accuracy on the examples to forget" in text
    assert "(-0.180) ◔" in text
    assert "<b>1.0% ± 1.4%</b>" in text
    assert "still on the original&#x27;s side" in side_legend()


def test_html_escapes_what_a_run_says(report):
    report["runs"][-1]["label"] = "<script>"
    report["runs"][-1]["because"] = '"><script>'
    assert "<script>" not in table_html(Report(**report), METRICS)


def test_verdict_over_seeds_is_the_most_frequent_one_and_of_a_tie_the_worse(report):
    report["runs"][5]["verdict"] = "over-forgotten"  # MUDA, seed 1
    row = Report(**report).verdicts.set_index("label").loc["MUDA"]
    assert (row["word"], row["agreement"]) == ("over-forgotten", "1 of 2 seeds")
    assert row["because"] == "seed 0: MUDA seed 0; seed 1: MUDA seed 1"


def test_rule_quotes_the_numbers_in_force(report, monkeypatch):
    monkeypatch.setattr("unlearn_core.views.verdicts.COLLAPSE_DROP", 0.07)
    report["comparison"]["matched_within"] = {"forget_accuracy": 0.0712}
    assert "more than 7 points below the original's" in rule_text(Report(**report))
    assert "Acc(D_f) (by more than 7.1 points) is off the retrained model's" in rule_text(
        Report(**report)
    )
    assert "ASR" not in rule_text(Report(**report))  # no run of this comparison has it
    report["runs"][0]["metrics"]["backdoor_asr"] = 1.0
    assert "or ASR (by more than 5.0 points) is off" in rule_text(Report(**report))


def test_the_rule_names_the_numbers_that_do_not_decide(report):
    report["comparison"]["matched_within"] = {"mia_rfa": 0.19}
    assert "behind *but*: F1 (by more than 0.05), MIA (RFA) (by more than 0.19)" in rule_text(
        Report(**report)
    )
