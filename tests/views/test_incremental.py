import json
from dataclasses import replace

import pytest

from unlearn_core.config import ForgetConfig
from unlearn_core.data.splits import split
from unlearn_core.engine.request import dataset_of
from unlearn_core.engine.shipped import slim
from unlearn_core.metrics.nearest import nearest_class_shares
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.plan import incremental_config
from unlearn_core.runs.store import Store
from unlearn_core.views import history as curves
from unlearn_core.views import incremental, jobs
from unlearn_core.views.manifold.small_maps import small_maps_figure
from unlearn_core.views.overview import map_recipe


@pytest.fixture(scope="module")
def made(learned):
    return comparisons(learned.store)[0]


@pytest.fixture(scope="module")
def dataset(made):
    return dataset_of(made.config.data)


@pytest.fixture(scope="module")
def sets(made, dataset):
    return split(dataset, made.config.forget)


def test_the_report_holds_the_old_and_the_new_model(made, learned, dataset, sets):
    report = incremental.report(made, dataset, sets)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert [(model["name"], model["seed"]) for model in report["models"]] == [
        ("old", 0),
        ("new", 0),
    ]
    keys = [learned.config.retrained().key(), learned.run.key]
    assert [model["key"] for model in report["models"]] == keys
    assert report["models"][1]["metrics"] == learned.run.metrics()["values"]
    assert report["comparison"]["key"] == made.key


def test_nearest_classes_are_those_of_the_old_models_features(made, dataset, sets):
    old = made.reference("retrain", 0)
    records = old.records()
    is_new = records.is_train & (records.labels == 3)
    is_old = records.is_train & (records.labels != 3)
    expected = nearest_class_shares(
        records.features[is_new], records.features[is_old], records.labels[is_old]
    )
    found = incremental.nearest_classes(old, dataset, sets)
    assert found == {str(label): share for label, share in expected.items()}


def test_a_run_without_recorded_features_has_no_nearest_classes(learned, dataset, sets, tmp_path):
    slim(learned.run, tmp_path / "runs", weights=False, arrays=False)
    small = Store(tmp_path).load(learned.run.key)
    assert incremental.nearest_classes(small, dataset, sets) == {}
    assert incremental.nearest_text({}) == ""


def test_small_shares_are_told_together():
    shares = {"8": 0.6, "5": 0.385, "2": 0.01, "1": 0.005}
    assert incremental.nearest_text(shares) == "8 (60%), 5 (38%), others (2%)"
    assert incremental.nearest_text({"8": 0.75, "5": 0.25}) == "8 (75%), 5 (25%)"


def test_the_table_has_the_old_and_the_new_model_and_whom_one_asks_for(made):
    table = incremental.table(made)
    assert table["Model"].tolist() == ["Old model", "New model"]
    assert table["Acc(D_f)"].iloc[0] == "0.0%"
    assert {"DA(D_f|D_r)", "Effective rank", "LP(D_f)", "F1", "NMI"} <= set(table)
    longer = incremental.table(made, ["NegGrad (learning_rate=0.001, epochs=3)", "Original"])
    assert longer["Model"].tolist()[:3] == ["Old model", "New model", "Original"]
    rows = incremental.metric_rows(made)
    value = made.metrics(made.learned[0])["values"]["dimensional_alignment"]
    chosen = rows[(rows["model"] == "New model") & (rows["metric"] == "dimensional_alignment")]
    assert chosen["value"].tolist() == [value]


def test_a_model_that_is_not_there_has_no_row(made):
    alone = replace(made, learned=())
    assert list(incremental.pair(alone, 0)) == ["old"]
    assert incremental.table(alone)["Model"].tolist() == ["Old model"]


def test_both_maps_show_the_new_class_as_black_crosses(made, dataset, sets):
    points = incremental.map_points(incremental.pair(made, 0), dataset, sets)
    assert list(dict.fromkeys(points["title"])) == ["Old model", "New model"]
    assert set(points[points["is_forget"]]["label"]) == {3}
    crosses = [
        t for t in small_maps_figure(points, word="new", colour="#000000").data if "new" in t.name
    ]
    assert [(t.name, t.marker.symbol, t.marker.color) for t in crosses] == [
        ("3 (new)", "x", "#000000")
    ] * 2
    sizes = [
        int(((points["title"] == title) & points["is_forget"]).sum())
        for title in points["title"].unique()
    ]
    assert [len(t.x) for t in crosses] == sizes
    keys = [run.key for run in incremental.pair(made, 0).values()]
    assert "trustworthiness" in map_recipe(made, keys, len(points))


def test_the_course_goes_from_the_old_models_value(made):
    rows = incremental.course(made, 0)
    quantity = "probe/dimensional_alignment"
    drawn = curves.curves(rows, quantity)
    lines = curves.reference_lines(rows, quantity)
    assert set(drawn["label"]) == {"Incremental"}
    assert set(lines) == {"original", "retrain"}
    assert drawn.sort_values("step")["value"].iloc[0] == pytest.approx(lines["retrain"])
    assert incremental.steps_text(made.learned[0]) == "8 steps of learning"


def test_only_classes_and_subclasses_can_be_learned():
    assert incremental.can_be_learned(ForgetConfig(kind="class", values=(1,)))
    assert not incremental.can_be_learned(ForgetConfig(kind="random", values=(1,)))


def test_the_queue_has_a_name_for_it(learned):
    assert jobs.run_name(incremental_config(learned.config), {}) == "Incremental"
    timed = [(incremental_config(learned.config), 9.0)]
    assert jobs.estimate(incremental_config(learned.config), timed).seconds == 9.0
