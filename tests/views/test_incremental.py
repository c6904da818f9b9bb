from dataclasses import replace

import pytest

from unlearn_core.data.splits import split
from unlearn_core.engine.request import dataset_of
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.incremental import old_and_new
from unlearn_core.runs.plan import incremental_config
from unlearn_core.views import incremental, jobs
from unlearn_core.views.history import learning_history, method_rows, reference_lines
from unlearn_core.views.manifold.small_maps import (
    old_and_new_maps,
    small_maps_caption,
    small_maps_figure,
)
from unlearn_core.views.palette import class_colour


@pytest.fixture(scope="module")
def gathered(learned):
    return comparisons(learned.store)[0]


@pytest.fixture(scope="module")
def dataset(gathered):
    return dataset_of(gathered.config.data)


@pytest.fixture(scope="module")
def sets(gathered, dataset):
    return split(dataset, gathered.config.forget)


def test_small_shares_are_told_together():
    shares = {"8": 0.6, "5": 0.385, "2": 0.01, "1": 0.005}
    assert incremental.nearest_text(shares) == "8 (60%), 5 (38%), others (2%)"
    assert incremental.nearest_text({"8": 0.75, "5": 0.25}) == "8 (75%), 5 (25%)"
    assert incremental.nearest_text({}) == ""


def test_the_table_has_the_old_and_the_new_model_and_whom_one_asks_for(gathered):
    table = incremental.metric_table(gathered)
    assert table["Model"].tolist() == ["Old model", "New model"]
    assert table["Acc(D_f)"].iloc[0] == "0.0%"
    assert {"DA(D_f|D_r)", "Effective rank", "LP(D_f)", "F1", "NMI"} <= set(table)
    longer = incremental.metric_table(
        gathered, ["NegGrad (learning_rate=0.001, epochs=3)", "Original"]
    )
    assert longer["Model"].tolist()[:3] == ["Old model", "New model", "Original"]
    rows = incremental.metric_rows(gathered)
    value = gathered.metrics(gathered.learned[0])["values"]["dimensional_alignment"]
    chosen = rows[(rows["model"] == "New model") & (rows["metric"] == "dimensional_alignment")]
    assert chosen["value"].tolist() == [value]


def test_a_model_that_is_not_there_has_no_row(gathered):
    alone = replace(gathered, learned=())
    assert list(old_and_new(alone, 0)) == ["old"]
    assert incremental.metric_table(alone)["Model"].tolist() == ["Old model"]


def test_both_maps_show_the_new_class_as_diamonds(gathered, dataset, sets):
    points = old_and_new_maps(old_and_new(gathered, 0), dataset, sets)
    assert list(dict.fromkeys(points["title"])) == ["Old model", "New model"]
    assert set(points[points["is_forget"]]["label"]) == {3}
    new = [t for t in small_maps_figure(points, word="new").data if "new" in t.name]
    assert [(t.name, t.marker.symbol, t.marker.color) for t in new] == [
        ("3 (new)", "diamond", class_colour(3))
    ] * 2
    sizes = [
        int(((points["title"] == title) & points["is_forget"]).sum())
        for title in points["title"].unique()
    ]
    assert [len(t.x) for t in new] == sizes
    keys = [run.key for run in old_and_new(gathered, 0).values()]
    assert "trustworthiness" in small_maps_caption(gathered, keys, len(points))


def test_the_history_begins_at_the_old_models_value(gathered):
    rows = learning_history(gathered, 0)
    quantity = "probe/dimensional_alignment"
    drawn = method_rows(rows, quantity)
    lines = reference_lines(rows, quantity)
    assert set(drawn["label"]) == {"Incremental"}
    assert set(lines) == {"original", "retrain"}
    assert drawn.sort_values("step")["value"].iloc[0] == pytest.approx(lines["retrain"])
    assert incremental.steps_text(gathered.learned[0]) == "8 steps of learning"


def test_the_queue_has_a_name_for_it(learned):
    assert jobs.run_name(incremental_config(learned.config), {}) == "Incremental"
    timed = [(incremental_config(learned.config), 9.0)]
    assert jobs.estimate(incremental_config(learned.config), timed).seconds == 9.0
