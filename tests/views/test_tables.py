import io
import re

import pandas as pd
import pytest

from unlearn_core.runs.report import Report
from unlearn_core.views import tables
from unlearn_core.views.captions import origin_note
from unlearn_core.views.markup import side_legend, table_html
from unlearn_core.views.verdicts import evidence_text, rule_text

METRICS = ["forget_accuracy", "dimensional_alignment", "unlearn_seconds"]


def row_of(table, label, metric):
    return table[(table["label"] == label) & (table["metric"] == metric)].iloc[0]


def test_distance_is_taken_to_the_mean_of_the_retrained_models(report):
    report["comparison"]["reference"]["forget_accuracy"] |= {"mean": 0.01, "deviation": 0.005}
    rows = Report(**report).rows
    muda = rows[(rows["label"] == "MUDA") & (rows["metric"] == "forget_accuracy")]
    assert muda.set_index("seed")["distance"].to_dict() == pytest.approx({0: -0.01, 1: 0.01})
    assert muda.set_index("seed")["deviations"].to_dict() == pytest.approx({0: -2, 1: 2})


def test_one_retrained_model_gives_no_deviations(report):
    report["comparison"]["reference"]["forget_accuracy"]["n_models"] = 1
    row = row_of(Report(**report).summary, "MUDA", "forget_accuracy")
    assert row["distance"] == pytest.approx(0.01)
    assert pd.isna(row["deviations"])


def test_summary_gives_mean_and_sample_deviation_over_seeds(report):
    row = row_of(Report(**report).summary, "MUDA", "forget_accuracy")
    assert (row["n_seeds"], row["mean"]) == (2, pytest.approx(0.01))
    assert row["std"] == pytest.approx(0.02 / 2**0.5)


def test_what_a_variant_is_off_in_is_counted(report):
    report["comparison"]["verdicts"][2]["caveats"] = ["F1 is off"]
    row = Report(**report).verdicts.set_index("label").loc["MUDA"]
    assert (row["n_caveats"], row["because"]) == (1, "MUDA is so; but F1 is off")


def test_the_range_of_two_seeds_is_shown_and_exported(report):
    [record] = [
        r
        for r in Report(**report).summary_records()
        if (r["label"], r["metric"]) == ("MUDA", "forget_accuracy")
    ]
    assert (record["low"], record["high"], record["kind"]) == (0.0, 0.02, "range")
    page = table_html(Report(**report), METRICS)
    assert "2 seeds, from 0.0% to 2.0%: too few for an interval" in page
    [single] = [
        r
        for r in Report(**report).summary_records()
        if (r["label"], r["metric"]) == ("Finetune", "forget_accuracy")
    ]
    assert (single["low"], single["high"], single["std"], single["kind"]) == (None, None, None, "")
    table = pd.read_csv(io.StringIO(tables.summary_csv(Report(**report))))
    assert len(table) == len(Report(**report).summary_records())


def test_the_retrained_models_row_says_how_far_from_it_counts_as_alike(report):
    known = Report(**report)
    page = table_html(known, ["forget_accuracy", "unlearn_seconds"])
    [retrained] = [row for row in page.split("<tr") if ">Retrained<" in row]
    within = known.reference["forget_accuracy"].within
    assert f"(alike within {100 * within:.1f})" in retrained
    assert page.count("(alike within") == 1


def test_the_interval_of_five_seeds_stays_inside_the_bounds(report):
    first = report["runs"][4]
    for seed, value in enumerate([0.0, 0.0, 0.0, 0.1, 0.0]):
        run = {**first, "seed": seed, "metrics": {**first["metrics"], "forget_accuracy": value}}
        report["runs"].append({**run, "label": "Five"})
    row = row_of(Report(**report).summary, "Five", "forget_accuracy")
    half = 2.776445 * 0.044721 / 5**0.5  # t of four degrees of freedom, by hand
    assert (row["low"], row["kind"]) == (0.0, "95 % interval")
    assert row["high"] == pytest.approx(0.02 + half, rel=1e-4)
    page = table_html(Report(**report), METRICS)
    assert f"95 % interval of the mean 0.0% to {0.02 + half:.1%}" not in page  # it has no verdict


def test_nearest_is_told_by_distance_or_by_what_is_better_in_itself(report):
    table = Report(**report).summary
    assert row_of(table, "MUDA", "dimensional_alignment")["is_nearest"]
    assert not row_of(table, "Finetune", "dimensional_alignment")["is_nearest"]
    assert row_of(table, "Finetune", "unlearn_seconds")["is_nearest"]
    assert not table[table["method"] == "retrain"]["is_nearest"].any()


def test_no_nearest_is_marked_of_a_distance_that_depends_on_initial_weights(report):
    for run in report["runs"][-2:]:
        run["metrics"]["feature_distance_retrained"] = 24.0
    table = Report(**report).summary
    assert not table[table["metric"] == "feature_distance_retrained"]["is_nearest"].any()


@pytest.mark.parametrize(("value", "expected"), [(0.9, "matched"), (0.72, "under"), (0.97, "over")])
def test_side_tells_where_a_value_lies(report, value, expected):
    report["runs"][-1]["metrics"]["dimensional_alignment"] = value
    side = row_of(Report(**report).summary, "Finetune", "dimensional_alignment")["side"]
    assert side == expected


@pytest.mark.parametrize(("value", "expected"), [(0.87, "matched"), (0.85, "doubtful")])
def test_two_deviations_away_on_the_originals_side_are_doubtful(report, value, expected):
    # the rule by which a verdict counts it, so that no page calls it as near as retraining
    report["runs"][-1]["metrics"]["dimensional_alignment"] = value
    table = Report(**report).summary
    assert row_of(table, "Finetune", "dimensional_alignment")["side"] == expected
    assert ("two deviations" in table_html(Report(**report), ["dimensional_alignment"])) == (
        expected == "doubtful"
    )


def test_a_match_tells_nothing_where_the_original_is_matched_too(report):
    for run in report["runs"]:
        run["metrics"] |= {"dimensional_alignment": 0.9, "test_accuracy": 0.9}
    table = Report(**report).summary
    assert row_of(table, "Finetune", "dimensional_alignment")["side"] == "untold"
    assert row_of(table, "Finetune", "test_accuracy")["side"] == "matched"  # it was kept


def test_side_is_off_where_original_and_retrained_agree_and_the_value_does_not(report):
    report["runs"][-1]["metrics"]["test_accuracy"] = 0.5
    assert row_of(Report(**report).summary, "Finetune", "test_accuracy")["side"] == "off"


def test_display_table_prints_spread_distance_and_marks_the_nearest(report):
    table = tables.display_table(Report(**report), METRICS)
    assert table.starred.loc["MUDA", "Acc(D_f)"] == "*1.0% ± 1.4% (+1.0, 0.5σ)*"
    assert table.starred.loc["Finetune", "Acc(D_f)"] == table.cells.loc["Finetune", "Acc(D_f)"]
    assert table.is_bold.loc["MUDA"].tolist() == [True, True, False]
    table = table.cells
    assert table.loc["MUDA", "Acc(D_f)"] == "1.0% ± 1.4% (+1.0, 0.5σ)"
    assert table.loc["Finetune", "DA(D_f|D_r)"] == "0.720 (-0.180, -9.0σ)"
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
    assert "**1.0% ± 1.4% (+1.0, 0.5σ)**" in lines[4]


def test_latex_writes_symbols_as_formulas_and_escapes_percent(report):
    table = tables.with_verdicts(tables.display_table(Report(**report), METRICS), Report(**report))
    text = tables.to_latex(table, "a note")
    assert text.startswith(r"% needs \usepackage{booktabs,graphicx}")
    assert r"\caption{a note (1 of 1).}" in text
    assert r"Acc($D_{f}$)" in text
    assert r"\textbf{1.0\% $\pm$ 1.4\% (+1.0, 0.5$\sigma$)}" in text
    assert r"0.720 ($-$0.180, $-$9.0$\sigma$)" in text
    assert "remembers" in text


def test_latex_cuts_wide_tables_so_that_each_fits_a_page(report):
    made = Report(**report)
    names = [*METRICS, "test_accuracy", "mia_rfa", "mia_muda", "cluster_f1"]
    text = tables.to_latex(tables.with_verdicts(tables.display_table(made, names), made), "n")
    kinds = re.findall(r"begin{tabular}{ll(r+)}", text)
    assert sum(map(len, kinds)) == len(names)
    assert 1 < len(kinds) < len(names)
    assert text.count(r"\resizebox") == text.count(r"\begin{table}") == len(kinds)
    assert text.count("{") == text.count("}")
    assert text.count(r"MUDA & matched") == len(kinds)  # method and verdict stand in each


def test_latex_puts_a_wide_column_alone_and_narrow_ones_together():
    def columns_of(cells):
        index = pd.Index(["MUDA"], name="Method")
        frame = pd.DataFrame(cells, index)
        table = tables.TextTable(cells=frame, is_bold=frame.map(lambda _: False))
        return [len(kind) for kind in re.findall(r"begin{tabular}{l(r+)}", tables.to_latex(table))]

    assert columns_of({"A": "1" * 200, "B": "2", "C": "3"}) == [1, 2]
    assert columns_of({str(number): "0.5" for number in range(10)}) == [10]


def test_tables_tell_data_model_seeds_and_packages(report):
    note = origin_note(Report(**report))
    for part in ("Handwritten digits", "resnet18", "forget class 3", "seeds 0, 1", "torch 2.0"):
        assert part in note
    assert "umap-learn" not in note  # it was not there
    table = tables.display_table(Report(**report), METRICS)
    assert tables.to_markdown(table, note).endswith(f"\n\n{note}\n")


def test_csv_files_hold_the_verdicts(report):
    made = Report(**report)
    rows = pd.read_csv(io.StringIO(tables.long_csv(made)))
    assert set(rows.loc[rows["label"] == "Finetune", "verdict"]) == {"remembers"}
    means = pd.read_csv(io.StringIO(tables.summary_csv(made))).set_index("label")
    assert set(means.loc["MUDA", "verdict"]) == {"matched"}
    assert means["verdict"].notna().all()


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
    assert "(-0.180, -9.0σ) ◔" in text
    assert "<b>1.0% ± 1.4%</b>" in text
    assert "still on the original&#x27;s side" in side_legend()


def test_html_escapes_what_a_run_says(report):
    report["runs"][-1]["label"] = "<script>"
    report["runs"][-1]["because"] = '"><script>'
    assert "<script>" not in table_html(Report(**report), METRICS)


def test_the_verdict_over_seeds_tells_how_many_agree(report):
    row = Report(**report).verdicts.set_index("label").loc["MUDA"]
    assert (row["word"], row["agreement"]) == ("matched", "1 of 2 seeds")


def test_rule_quotes_the_numbers_in_force(report, monkeypatch):
    monkeypatch.setattr("unlearn_core.views.verdicts.BROKEN_DROP", 0.07)
    report["comparison"]["reference"]["forget_accuracy"]["within"] = 0.0712
    text = rule_text(Report(**report))
    assert "more than 7 points below both the original's and the retrained models'" in text
    assert "- answers on the forget set: Acc(D_f) 0.0% (within 7.1)" in text
    assert "DA(D_f|D_r) 0.900 (within" in text
    assert "ASR" not in text  # no run of this comparison has it
    report["comparison"]["unreliable"] = ["dimensional_alignment"]
    assert "DA(D_f|D_r)" not in rule_text(Report(**report))


def test_what_the_retrained_models_prove_is_told(report):
    text = evidence_text(Report(**report))
    assert text == "Judged by 2 retrained models."
    report["comparison"] |= {"left_out_seed": 2, "unreliable": ["mia_rfa"]}
    text = evidence_text(Report(**report))
    assert "seed 2 was left out" in text
    assert "MIA (RFA) told it from the others, so no verdict rests on it" in text
    for entry in report["comparison"]["reference"].values():
        entry["n_models"] = 1
    report["comparison"]["underfitted"] = "the original is under-fitted"
    text = evidence_text(Report(**report))
    assert "one retrained model, which proves little" in text
    assert "The original is under-fitted; no verdict rests on its features." in text


def test_sorted_by_a_metric_the_nearest_to_retrained_comes_first(report):
    report["runs"][-1]["metrics"]["dimensional_alignment"] = 0.5  # lower, and farther
    made = Report(**report)
    table = made.summary
    assert made.nearest_first("dimensional_alignment")[-1] == "Finetune"
    for name in ("forget_accuracy", "dimensional_alignment"):
        far = table[table["metric"] == name].set_index("label")["distance"].abs()
        assert made.nearest_first(name) == sorted(made.ranking, key=far.get)
    seconds = table[table["metric"] == "unlearn_seconds"].set_index("label")["mean"]
    assert made.nearest_first("unlearn_seconds")[0] == seconds[made.ranking].idxmin()
    assert made.nearest_first("zrf") == made.ranking  # nobody has it
