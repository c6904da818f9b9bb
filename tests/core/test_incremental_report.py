import json

import pytest

from unlearn_core.config import ForgetConfig
from unlearn_core.data.splits import split
from unlearn_core.engine.packing import slim
from unlearn_core.engine.request import dataset_of
from unlearn_core.metrics.nearest import nearest_class_shares
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.incremental import can_be_learned, incremental_report, nearest_classes
from unlearn_core.runs.store import Store


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
    report = incremental_report(made, dataset, sets)
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
    shares = nearest_classes(old, dataset, sets)
    assert shares == {str(label): share for label, share in expected.items()}


def test_a_run_without_recorded_features_has_no_nearest_classes(learned, dataset, sets, tmp_path):
    slim(learned.run, tmp_path / "runs", weights=False, arrays=False)
    small = Store(tmp_path).load(learned.run.key)
    assert nearest_classes(small, dataset, sets) == {}


def test_only_classes_and_subclasses_can_be_learned():
    assert can_be_learned(ForgetConfig(kind="class", values=(1,)))
    assert not can_be_learned(ForgetConfig(kind="random", values=(1,)))
