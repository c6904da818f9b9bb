"""The incremental run: the retrained model, which then learns the class that it has not seen."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig, RunConfig, TrainingConfig
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.request import validate
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.plan import all_needed, incremental_config, incremental_configs
from unlearn_core.runs.report import report
from unlearn_core.runs.store import Store
from unlearn_core.training import train

SMALL = RunConfig(
    data=DataConfig(train_examples=600),
    model=ModelConfig(width=4),
    training=TrainingConfig(epochs=5, batch_size=64, learning_rate=0.05),
    forget=ForgetConfig(kind="class", values=(9,)),
)
NO_UMAP = SimpleNamespace(util=SimpleNamespace(find_spec=lambda _name: None))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Old and new model without maps, and the weights from which the new one began."""
    kept, starts = Store(tmp_path_factory.mktemp("incremental")), []

    def noting(model, *rest):
        starts.append({name: value.clone() for name, value in model.state_dict().items()})
        yield from train(model, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unlearn_core.engine.maps.importlib", NO_UMAP)
        old = execute(SMALL.retrained(), store=kept, device="cpu")
        patch.setattr("unlearn_core.engine.making.train", noting)
        new = execute(incremental_config(SMALL), store=kept, device="cpu")
    return SimpleNamespace(store=kept, old=old, new=new, starts=starts)


def test_it_starts_from_the_retrained_weights_bit_for_bit(made):
    [start] = made.starts
    weights = made.old.weights()
    assert set(start) == set(weights)
    assert all(torch.equal(start[name], weights[name]) for name in weights)
    last = max(made.old.frames())
    np.testing.assert_array_equal(made.new.frames()[0], made.old.frames()[last])


def test_it_learns_the_class_and_keeps_the_others(made):
    probes = made.new.history().dropna(subset=["probe/forget_accuracy"])
    assert probes["probe/forget_accuracy"].iloc[0] == 0
    values = made.new.metrics()["values"]
    assert values["forget_accuracy"] > 0.5
    assert values["forget_test_accuracy"] > 0.5
    assert values["retain_accuracy"] > 0.8
    assert len(probes) > 5


def test_it_looks_at_all_training_examples_by_the_originals_recipe(made):
    assert made.new.cost.samples_seen == SMALL.training.epochs * 600
    assert made.new.label == "Incremental"


def test_the_same_seed_gives_the_same_weights(made, store, no_maps):
    shutil.copytree(made.store.runs, store.runs)
    store.delete(made.new.key)
    again = execute(incremental_config(SMALL), store=store, device="cpu").weights()
    first = made.new.weights()
    assert all(torch.equal(again[name], first[name]) for name in first)


def test_its_steps_begin_on_the_old_models_map(learned):
    name = f"projection-{learned.projection.key()}.parquet"
    old = learned.store.load(learned.config.retrained().key()).table(name).set_index("example_id")
    steps = learned.run.table(name.replace(".parquet", "-steps.parquet"))
    first = steps[steps["step"] == 0]
    places = old.loc[first["example_id"], ["x", "y"]]
    np.testing.assert_array_equal(first[["x", "y"]].to_numpy(), places.to_numpy())
    original = learned.store.load(learned.config.base().key()).table(name).set_index("example_id")
    elsewhere = original.loc[first["example_id"], ["x", "y"]]
    assert np.abs(first[["x", "y"]].to_numpy() - elsewhere.to_numpy()).mean() > 0.1
    assert learned.run.table(name)["example_id"].tolist() == old.index.tolist()


def test_it_needs_the_base_and_the_retrained_model():
    config = incremental_config(SMALL)
    assert all_needed([config]) == [SMALL.base(), SMALL.retrained(), config]
    planned = incremental_configs(SMALL, seeds=(0, 1))
    assert [c.method for c in planned] == ["original", "retrain"] * 2 + ["incremental"] * 2
    assert [c.seed for c in planned] == [0, 0, 1, 1, 0, 1]


@pytest.mark.parametrize(
    ("kind", "values"), [("none", ()), ("ids", (1, 2)), ("random", (5,)), ("backdoor", (0,))]
)
def test_requests_that_name_no_class_are_refused(store, kind, values):
    config = replace(SMALL, forget=ForgetConfig(kind=kind, values=values))
    for attempt in (
        lambda: validate(incremental_config(config)),
        lambda: incremental_configs(config),
    ):
        with pytest.raises(ValueError, match=f"class or a subclass, got one of kind '{kind}'"):
            attempt()


def test_settings_are_refused():
    with pytest.raises(ValueError, match="The incremental has no settings, got"):
        validate(replace(incremental_config(SMALL), settings={"epochs": 1}))


def test_it_stays_apart_from_the_methods_of_its_comparison(learned):
    [found] = comparisons(learned.store)
    assert [run.key for run in found.learned] == [learned.run.key]
    assert found.incremental(0).key == learned.run.key
    assert found.incremental(1) is None
    methods = [run.config.method for run in found.runs]
    assert methods == ["original", "retrain", "neggrad", "trick_head_finetune"]
    assert [run["method"] for run in report(found).runs] == methods


def test_an_incremental_run_alone_is_no_comparison(learned, store):
    shutil.copytree(learned.run.folder, store.runs / learned.run.key)
    assert comparisons(store) == []
