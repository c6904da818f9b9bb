import re

import pytest

from tests.pages.reading import figures, opened, texts
from unlearn_core.data import DataNotFoundError
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.report import report
from unlearn_core.runs.store import Store
from unlearn_core.views.tables import long_csv, summary_csv

pytestmark = pytest.mark.page


def table(app):
    return next(e.proto.body for e in app.get("html") if "mu-table" in e.proto.body)


def test_empty_store_says_where_to_start(empty_store):
    app = opened("metrics")
    assert "no finished runs yet" in app.info[0].value
    assert not app.get("plotly_chart")


def test_table_has_a_row_for_each_method_with_verdict_and_distance(shipped_store):
    text = table(opened("metrics"))
    for part in ("Original", "Retrained", "MUDA", "Head-only", "matched", "pretends", "remembers"):
        assert part in text
    assert "(+0.0) ✓" in text
    assert "DA(D<sub>f</sub>|D<sub>r</sub>)" in text


def test_choosing_groups_chooses_columns(shipped_store):
    app = opened("metrics")
    assert "MIA (MUDA)</th>" not in table(app)  # only in the reasons of verdicts
    app.pills(key="metric_groups").set_value(["Membership"]).run()
    assert "MIA (MUDA)</th>" in table(app)
    assert "Acc(D<sub>" not in table(app)


def test_one_attack_is_shown_at_first_under_a_plain_name(shipped_store):
    app = opened("metrics")
    heads = re.findall(r'<th scope="col" title.*?</th>', table(app))
    attacks = [head for head in heads if "MIA" in head]
    assert len(attacks) == 1
    assert "Attacker&#x27;s success<small>(MIA (RFA))</small>" in attacks[0]
    assert "who sees only how sure the model is" in attacks[0]
    app.pills(key="metric_groups").set_value(["Membership"]).run()
    assert "(MIA (RFA))" not in table(app)  # each metric is in one group


def test_every_metric_that_a_verdict_names_is_explained(shipped_store):
    app = opened("metrics", metric_groups="Cost")
    definitions = next(e for e in app.expander if e.label == "What the metrics mean")
    told = "\n".join(each.value for each in definitions.markdown)
    for name in ("MIA (RFA)", "NMI", "F1", "Prototypes(", "DA(", "Acc("):
        assert f"**{name}" in told, name
    assert "fits in with the others" in told  # in plain words first


def test_every_column_of_the_csv_files_is_explained_beside_their_buttons(shipped_store, comparison):
    app = opened("metrics")
    [told] = [e for e in app.expander if e.label == "What the CSV files hold"]
    made = report(comparisons(comparison.store)[0])
    for told_of, text in zip(told.markdown, (long_csv(made), summary_csv(made)), strict=True):
        for column in text.splitlines()[0].split(","):
            assert f"| {column} | " in told_of.value, column


def test_a_speed_up_beyond_a_thousand_is_told_as_more_than_that(shipped_store):
    app = opened("metrics", metric_groups="Cost")
    assert "&gt; 1000x" in table(app)
    assert not re.search(r"\d{4,}\.\d\dx", table(app))
    assert not re.search(r"\d{4,}\.\d\dx", texts(opened("overview")))


def test_attacks_as_printed_are_a_group_of_their_own(shipped_store):
    app = opened("metrics")
    assert "Membership, as printed" in app.pills(key="metric_groups").options
    app.pills(key="metric_groups").set_value(["Membership"]).run()
    assert "MIA (RFA, unbalanced)" not in table(app)
    app.pills(key="metric_groups").set_value(["Membership, as printed"]).run()
    assert "MIA (RFA, unbalanced)" in table(app)
    assert "MIA (MUDA)</th>" not in table(app)


def test_choosing_no_group_says_what_to_do(shipped_store):
    app = opened("metrics")
    app.pills(key="metric_groups").set_value([]).run()
    assert "Choose at least one group" in app.info[0].value


def test_missing_cost_of_the_original_is_explained(shipped_store):
    app = opened("metrics")
    app.pills(key="metric_groups").set_value(["Cost"]).run()
    missing = next(frame.value for frame in app.dataframe if "Reason" in frame.value)
    assert set(missing["Missing for"]) == {"Original"}
    assert 'title="the original took no unlearning steps"' in table(app)


def test_remaining_gap_is_drawn_with_a_trace_for_each_method(shipped_store):
    app = opened("metrics")

    def dotted():
        return [trace["name"] for trace in figures(app)[0]["data"] if trace["name"]]

    names = app.multiselect(key="metric_methods").options
    assert dotted() == names[:6]  # the best; more would lie on one another
    assert "The first six of the table" in texts(app)
    app.multiselect(key="metric_methods").set_value(["Finetune", "SSD"]).run()
    assert set(dotted()) == {"Finetune", "SSD"}
    assert "The first six of the table" not in texts(app)


def test_rule_of_the_verdict_and_all_exports_are_offered(shipped_store):
    app = opened("metrics")
    assert "more than 5 points below both the original's" in texts(app)
    labels = [button.proto.label for button in app.get("download_button")]
    tables = ["CSV", "CSV over seeds", "LaTeX", "Markdown", "JSON"]
    assert labels == [*tables, "Report to hand out", "All numbers (zip)"]


def test_names_of_files_say_what_they_are(shipped_store, monkeypatch):
    from pages.components import exports

    names = []
    monkeypatch.setattr(
        exports.st, "download_button", lambda *a, file_name, **o: names.append(file_name)
    )
    opened("metrics")
    stem = "handwritten-digits-forget-class-3-resnet18-width-8"
    endings = ["every-run.csv", "over-seeds.csv", "table.tex", "table.md", "report.json"]
    handouts = [f"{stem}-report.html", f"{stem}.zip"]
    overview, metrics = names[:2], names[2:]  # the app opens on the first
    assert overview == handouts
    assert metrics == [*(f"{stem}-{ending}" for ending in endings), *handouts]


def test_without_the_data_all_but_the_report_to_hand_out_is_there(shipped_store, monkeypatch):
    app = opened("metrics")

    def gone(config):
        raise DataNotFoundError("The digits are not on this machine.")

    monkeypatch.setattr("pages.components.data_reads.dataset", gone)
    app.run()
    assert not app.exception
    assert table(app)
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["CSV", "CSV over seeds", "LaTeX", "Markdown", "JSON"]
    assert "needs the data itself. The digits are not on this machine" in texts(app)


def test_environment_of_every_run_is_listed(shipped_store):
    frames = [frame.value for frame in opened("metrics").dataframe if "Device" in frame.value]
    assert frames[0]["Versions"].str.contains("torch").all()


def test_the_table_can_be_sorted_by_a_metric_which_stands_in_the_address(shipped_store):
    def rows(app):
        return re.findall(r"</span>([^<]+)<br>", table(app))

    app = opened("metrics")
    by_verdict = rows(app)
    reports = map(report, comparisons(Store(shipped_store, demo=True)))
    made = next(each for each in reports if each.ranking == by_verdict[2:])
    app.selectbox(key="metric_order").set_value("Acc(D_f)").run()
    assert rows(app)[2:] == made.nearest_first("forget_accuracy")
    assert rows(app)[:2] == by_verdict[:2] == ["Original", "Retrained"]
    app.multiselect(key="metric_methods").set_value(["MUDA", "Finetune"]).run()
    assert rows(app)[2:] == [
        n for n in made.nearest_first("forget_accuracy") if n in ("MUDA", "Finetune")
    ]
    assert rows(opened("metrics", metric_order="Acc(D_f)")) != by_verdict
    app.pills(key="metric_groups").set_value(["Cost"]).run()  # which has no such column
    assert app.selectbox(key="metric_order").value == "Verdict"
    assert not app.exception
