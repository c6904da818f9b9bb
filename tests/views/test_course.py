import numpy as np
import pandas as pd
import pytest

from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.report import Report
from unlearn_core.runs.report import report as report_of
from unlearn_core.subspace import spectrum
from unlearn_core.views import history as curves
from unlearn_core.views import overview
from unlearn_core.views.history import course_figure
from unlearn_core.views.manifold.small_maps import small_map, small_maps_figure
from unlearn_core.views.spectra import rank_table, sizes_text, spectra, spectra_figure


@pytest.fixture(scope="module")
def made(comparison):
    return comparisons(comparison.store)[0]


@pytest.fixture(scope="module")
def rows(made):
    return curves.course(made.runs)


@pytest.fixture(scope="module")
def sets(made):
    return split(load_dataset(made.config.data), made.config.forget)


def test_course_holds_the_probes_and_losses_of_methods_and_one_value_of_references(rows):
    alignment = rows[rows["quantity"] == "probe/dimensional_alignment"]
    counts = alignment.groupby("method").size()
    assert counts["original"] == counts["retrain"] == 1
    assert counts["neggrad"] > 2
    assert rows["value"].notna().all()
    assert not rows[rows["method"] == "retrain"]["quantity"].str.startswith("loss/").any()


def test_share_of_the_run_goes_from_zero_to_one(rows):
    for _, part in curves.curves(rows, "probe/forget_accuracy").groupby("label"):
        assert (part["share"].min(), part["share"].max()) == (0, 1)


def test_reference_line_of_the_retrained_model_is_its_last_probe(rows, comparison):
    history = comparison.runs["retrain"].history()
    last = history["probe/dimensional_alignment"].dropna().iloc[-1]
    lines = curves.reference_lines(rows, "probe/dimensional_alignment")
    assert lines["retrain"] == last
    assert set(lines) == {"original", "retrain"}


def test_course_of_no_runs_is_empty():
    assert curves.method_labels(curves.course([])) == []


def test_curves_are_drawn_with_both_references_named(rows):
    quantity = "probe/dimensional_alignment"
    drawn = curves.curves(rows, quantity)
    lines = curves.reference_lines(rows, quantity)
    figure = course_figure(drawn, lines, axis="step", title="DA(D_f|D_r)")
    assert [trace.name for trace in figure.data] == curves.method_labels(rows)
    notes = " ".join(note.text for note in figure.layout.annotations)
    assert "Original" in notes
    assert "Retrained" in notes


def test_objective_comes_first_among_the_losses(rows):
    assert curves.loss_names(rows)[0] == "objective"


def test_spectra_are_normalised_and_agree_with_the_subspace_module(comparison, sets):
    run = comparison.runs["original"]
    table = spectra(run, sets)
    records = run.records()
    expected = spectrum(records.features[sets.forget[records.example_ids]])
    shares = table[table["set"] == "forget"]["share"].to_numpy()
    np.testing.assert_allclose(shares, (expected / expected.sum())[: len(shares)])
    assert table["effective_rank"].between(1, records.features.shape[1]).all()
    assert sizes_text(table) == f"{sets.forget.sum()} of D_f, {sets.retain.sum()} of D_r"
    assert list(rank_table(table)["Model"]) == ["Original"]
    assert len(spectra_figure(table).data) == 2


def test_small_maps_show_every_forgotten_example_and_an_even_choice_of_the_others(comparison, sets):
    dataset = load_dataset(comparison.config.data)
    tables = [small_map(comparison.runs[m], dataset, sets) for m in ("original", "retrain")]
    assert tables[0]["is_forget"].sum() == sets.forget.sum()
    assert set(tables[0][tables[0]["is_forget"]]["class_name"]) == {"3"}
    figure = small_maps_figure(pd.concat(tables, ignore_index=True))
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["Original", "Retrained"]
    symbols = {t.name: t.marker.symbol for t in figure.data}
    assert symbols["3 (to forget)"] != symbols["4"]


def test_a_run_without_a_map_gives_no_points_and_a_reason(made, comparison, sets):
    run = comparison.runs["original"]
    bare = type(run)(folder=run.folder, config=run.config, manifest={**run.manifest, "maps": []})
    assert small_map(bare, load_dataset(run.config.data), sets).empty
    alone = type(made)(key=made.key, runs=(bare,))
    assert "no map was made" in overview.why_no_maps(alone)


def test_cards_come_in_order_of_the_ranking_with_the_retrained_numbers_beside(made):
    report = report_of(made)
    cards = overview.cards(made, report)
    assert [card.label for card in cards] == report.ranking
    assert report.best == cards[0].label
    target = next(run for run in report.runs if run["method"] == "retrain")["metrics"]
    assert cards[0].numbers[0].retrained == f"{target['forget_accuracy']:.1%}"


def test_best_is_matched_before_others_and_then_nearest_in_alignment(report):
    assert Report(**report).ranking == ["MUDA", "Finetune"]
    for run in report["runs"]:
        run["verdict"] = "collapsed" if run["method"] == "muda" else run["verdict"]
    assert Report(**report).best == "Finetune"
    report["runs"] = report["runs"][:4]
    assert Report(**report).best is None


def test_of_two_matches_the_one_that_is_off_in_fewer_other_numbers_is_better(report):
    for run in report["runs"]:
        run["verdict"] = "matched" if run["method"] == "finetune" else run["verdict"]
        run["but"] = ["F1 is off"] if run["method"] == "muda" else []
    assert Report(**report).ranking == ["Finetune", "MUDA"]  # though MUDA is nearer in alignment
