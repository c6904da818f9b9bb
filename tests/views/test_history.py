import pytest

from unlearn_core.runs.comparison import comparisons
from unlearn_core.views.history import (
    history_figure,
    history_rows,
    loss_names,
    method_labels,
    method_rows,
    reference_lines,
)


@pytest.fixture(scope="module")
def gathered(comparison):
    return comparisons(comparison.store)[0]


@pytest.fixture(scope="module")
def rows(gathered):
    return history_rows(gathered.runs)


def test_history_holds_the_probes_and_losses_of_methods_and_one_value_of_references(rows):
    alignment = rows[rows["quantity"] == "probe/dimensional_alignment"]
    counts = alignment.groupby("method").size()
    assert counts["original"] == counts["retrain"] == 1
    assert counts["neggrad"] > 2
    assert rows["value"].notna().all()
    assert not rows[rows["method"] == "retrain"]["quantity"].str.startswith("loss/").any()


def test_share_of_the_run_goes_from_zero_to_one(rows):
    for _, part in method_rows(rows, "probe/forget_accuracy").groupby("label"):
        assert (part["share"].min(), part["share"].max()) == (0, 1)


def test_reference_line_of_the_retrained_model_is_its_last_probe(rows, comparison):
    history = comparison.runs["retrain"].history()
    last = history["probe/dimensional_alignment"].dropna().iloc[-1]
    lines = reference_lines(rows, "probe/dimensional_alignment")
    assert lines["retrain"] == last
    assert set(lines) == {"original", "retrain"}


def test_history_of_no_runs_is_empty():
    assert method_labels(history_rows([])) == []


def test_curves_are_drawn_with_both_references_named(rows):
    quantity = "probe/dimensional_alignment"
    drawn = method_rows(rows, quantity)
    lines = reference_lines(rows, quantity)
    figure = history_figure(drawn, lines, axis="step", title="DA(D_f|D_r)")
    assert [trace.name for trace in figure.data] == method_labels(rows)
    styles = {(trace.line.dash, trace.marker.symbol) for trace in figure.data}
    assert len(styles) == len(figure.data)
    notes = " ".join(note.text for note in figure.layout.annotations)
    assert "Original" in notes
    assert "Retrained" in notes


def test_objective_comes_first_among_the_losses(rows):
    assert loss_names(rows)[0] == "objective"
