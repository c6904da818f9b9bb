"""A grid's rows, conditions, figure and table, from the runs that the project ships."""

import numpy as np
import pytest

from tests.stores import fill_store
from unlearn_core.metrics.base import METRICS
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.grid import variants
from unlearn_core.runs.report import report
from unlearn_core.runs.store import Store
from unlearn_core.views import grid as views

METRIC = "forget_accuracy"


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    store = Store(fill_store(tmp_path_factory.mktemp("grid") / "shipped"), demo=True)
    return comparisons(store)[0]


@pytest.fixture(scope="module")
def grid(lesson):
    return views.grid_of(lesson, report(lesson), "rfa")


def test_the_gamma_ablation_is_a_grid_of_one_setting(lesson, grid):
    assert "rfa" in variants(lesson)
    assert grid.settings == ("gamma",)
    assert grid.rows["gamma"].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_rows_hold_the_reports_means_and_the_retrained_models(lesson, grid):
    summary = report(lesson).summary.set_index(["label", "metric"])
    for row in grid.rows.to_dict("records"):
        assert row[METRIC] == summary.loc[(row["label"], METRIC), "mean"]
    assert grid.references["retrained"][METRIC] == summary.loc[("Retrained", METRIC), "mean"]
    assert grid.references["original"][METRIC] == summary.loc[("Original", METRIC), "mean"]


def test_conditions_on_one_column_are_alternatives_and_on_several_all_must_hold(grid):
    words = grid.rows.set_index("gamma")["word"]
    known = views.conditions(grid)
    assert list(known)[:5] == [f"gamma {g}" for g in ("0", "0.25", "0.5", "0.75", "1")]
    assert views.only(grid, [])["gamma"].tolist() == grid.rows["gamma"].tolist()
    assert views.only(grid, ["gamma 0", "gamma 1"])["gamma"].tolist() == [0.0, 1.0]
    alike = f"verdict: {words[0.0]}"
    assert views.only(grid, ["gamma 0", alike])["gamma"].tolist() == [0.0]
    other = next(word for word in words if word != words[0.0])
    assert views.only(grid, ["gamma 0", f"verdict: {other}"]).empty


def test_settings_are_spaced_evenly_and_metrics_by_value(grid):
    gamma, accuracy, verdict = views.axes(grid, grid.rows, [METRIC])
    assert gamma.places == [0, 0.25, 0.5, 0.75, 1]
    values = grid.rows[METRIC].to_numpy()
    order = np.argsort(values)
    assert (np.diff(np.array(accuracy.places)[order]) >= 0).all()
    place, text = accuracy.marks["retrained"]
    assert 0 <= place <= 1
    assert text == "0.0%"
    assert set(verdict.texts) == set(grid.rows["word"])


def test_a_line_ends_where_a_value_is_missing(grid):
    rows = grid.rows.copy()
    rows.loc[2, METRIC] = float("nan")
    [_, accuracy, _] = views.axes(grid, rows, [METRIC])
    assert accuracy.places[2] is None
    assert accuracy.texts[2] == "–"


def test_the_figure_has_a_line_a_combination_and_a_star_on_each_number(grid):
    figure = views.grid_figure(grid, grid.rows, [METRIC, "dimensional_alignment"])
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert [line.customdata[0] for line in lines] == [0, 1, 2, 3, 4]
    [stars] = [trace for trace in figure.data if trace.name == "Retrained"]
    assert stars.x == (1, 2)
    shown = [line.name for line in lines if line.showlegend]
    assert len(shown) == len(set(grid.rows["word"]))


def test_what_is_chosen_in_the_chart_is_what_the_table_lists(grid):
    chosen = views.picked([{"customdata": 1}, {"customdata": 1}, {"x": 2}], grid.rows)
    assert chosen["gamma"].tolist() == [0.25]
    assert views.picked([], grid.rows) is grid.rows
    table = views.grid_table(grid, chosen, [METRIC])
    assert table["gamma"].tolist()[0] == 0.25
    assert table["verdict"].tolist()[-1] == "retrained"
    assert table[METRICS[METRIC].label].tolist()[-1] == grid.references["retrained"][METRIC]


def test_how_many_are_drawn_is_told(grid):
    assert views.count_text(grid, grid.rows) == "5 combinations of gamma."
    assert views.count_text(grid, grid.rows.head(2)) == "2 of 5 combinations of gamma."
