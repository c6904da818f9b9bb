"""What every method keeps to. A method that is registered joins these tests by itself."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from unlearn_core.data.batches import Examples
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.probes import record
from unlearn_core.methods import METHODS, UnlearnInputs, contract, get_method, resolve_settings
from unlearn_core.methods.base import register_method
from unlearn_core.methods.finetune import FinetuneSettings
from unlearn_core.training import DivergedError, Progress

every_method = pytest.mark.parametrize("name", METHODS)


@pytest.fixture
def make_inputs():
    return contract.make_inputs


def run(name, inputs, **changes):
    return contract.run(METHODS[name], inputs, **changes)


is_finite = contract.is_finite


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch, of Fisher's vmap
@pytest.mark.parametrize("check", contract.CHECKS)
@every_method
def test_a_method_keeps_the_contract(name, check):
    contract.CHECKS[check](METHODS[name])


def test_no_field_of_a_methods_inputs_can_hold_test_data():
    sets = {f.name for f in fields(UnlearnInputs) if f.type in ("Examples", Examples)}
    assert sets == {"forget", "retain"}
    assert not [f.name for f in fields(UnlearnInputs) if "test" in f.name]


def test_the_pipeline_gives_a_method_training_examples_only(store, tiny, no_maps, monkeypatch):
    from unlearn_core.data import load_dataset

    seen = {}

    def spy(inputs, settings):
        seen.update(forget=inputs.forget, retain=inputs.retain)
        yield Progress(step=1, total=1)

    monkeypatch.setitem(METHODS, "spy", replace(METHODS["retrain"], name="spy", run=spy))
    execute(replace(tiny, method="spy"), store=store, device="cpu")
    dataset = load_dataset(tiny.data)
    forget, retain = (set(seen[k].example_ids.tolist()) for k in ("forget", "retain"))
    assert not forget & retain
    assert forget | retain == set(dataset.train_ids.tolist())
    assert set(seen["forget"].labels.tolist()) == {3}
    assert seen["forget"].is_forget.all()
    assert not seen["retain"].is_forget.any()


@every_method
def test_a_trick_is_told_by_its_name(name):
    assert METHODS[name].name == name
    assert METHODS[name].is_trick == name.startswith("trick_")


def test_whole_numbers_and_lists_are_welcome_where_floats_and_tuples_belong():
    settings = resolve_settings("rfa", {"gamma": 1, "layers": ["layer4"]})
    assert type(settings.gamma) is float
    assert settings.layers == ("layer4",)
    with pytest.raises(ValueError, match=r"rfa\.epochs must be of type int, got True"):
        resolve_settings("rfa", {"epochs": True})


def test_an_unknown_method_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown unlearning method 'magic'.*retrain, rfa"):
        get_method("magic")


def test_a_name_is_registered_once():
    register = register_method(
        "finetune", FinetuneSettings, label="Again", source="none", uses_retain=True
    )
    with pytest.raises(ValueError, match="Two methods are registered as 'finetune'"):
        register(METHODS["finetune"].run)


def test_a_diverging_run_stops_with_the_step_that_diverged(make_inputs):
    inputs = make_inputs()
    settings = resolve_settings(
        "neggrad", {"learning_rate": 1e30, "epochs": 9, "batch_size": 64, "optimizer": "sgd"}
    )
    with pytest.raises(DivergedError, match=r"The loss became .* at step \d of 9"):
        list(METHODS["neggrad"].run(inputs, settings))


def test_noise_that_breaks_the_weights_ends_the_run(make_inputs):
    with pytest.raises(DivergedError, match="weights were no longer finite after the noise"):
        run("fisher", make_inputs(), alpha=1e38)


def test_an_endless_step_is_refused():
    with pytest.raises(ValueError, match=r"learning_rate must be above 0, got inf"):
        resolve_settings("neggrad", {"learning_rate": math.inf})


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("retrain", {}),
        ("finetune", {"batch_size": 1}),
        ("finetune", {"batch_size": 2}),
        ("finetune", {"retain": "part"}),
        ("badt", {"batch_size": 1}),
        ("badt", {"batch_size": 2}),
        ("neggrad", {"train_mode": True}),
        ("scrub", {"train_mode": True, "retain": "part"}),
        ("sparse_neglora", {"recover_batch_size": 1, "recover_epochs": 1}),
        ("sparse_neglora", {"recover_batch_size": 2, "recover_epochs": 1}),
    ],
)
def test_an_example_alone_in_a_batch_does_not_stop_batch_normalisation(
    name, changes, make_inputs, small_dataset
):
    alone = np.arange(len(small_dataset.labels)) == 5
    recipe = replace(contract.RECIPE, epochs=1, batch_size=1)
    inputs = make_inputs(alone, norm="batch", recipe=recipe)
    assert len(inputs.retain) % 2 == 1  # so a batch of two leaves one example over
    known = {f.name for f in fields(METHODS[name].settings_class)}
    chosen = {k: v for k, v in {**contract.QUICK, **changes}.items() if k in known}
    for _ in METHODS[name].run(inputs, resolve_settings(name, chosen)):
        record(inputs.model, inputs.forget, small_dataset)  # as probes do between steps
    assert is_finite(inputs.model)
    assert not inputs.model.training


def test_all_methods_of_a_seed_repair_on_the_same_retained_examples(make_inputs):
    inputs = make_inputs(subset_seed=4)
    first = inputs.retain_subset()
    torch.rand(3, generator=inputs.generator)  # whatever a method drew before
    assert torch.equal(inputs.retain_subset().example_ids, first.example_ids)
    other = make_inputs(subset_seed=4, seed=9).retained("part")
    assert torch.equal(other.example_ids, first.example_ids)
    assert not torch.equal(
        make_inputs(subset_seed=5).retain_subset().example_ids, first.example_ids
    )
    more = inputs.retain_subset(len(first) + 2).example_ids
    assert set(first.example_ids.tolist()) < set(more.tolist())
    assert inputs.retained("all") is inputs.retain


def test_looking_whether_scrub_is_stuck_does_not_train_it(make_inputs):
    inputs = make_inputs(norm="batch")
    steps = run("scrub", inputs, train_mode=True, epochs=1, max_epochs=1)
    assert int(inputs.model.bn1.num_batches_tracked) == len(steps)


def faulty(**changes):
    """Return `neggrad` with something about it that does not hold."""
    return replace(METHODS["neggrad"], **changes)


def never_ends(inputs, settings):
    for step in range(1, 4):
        with torch.no_grad():
            inputs.model.fc.bias.add_(torch.rand(4))
        yield Progress(step=step, total=9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trains": "part"}, "declares trains='part' and no weight was frozen"),
        ({"norm_mode": "train"}, "declares norm_mode='train' and no statistics changed"),
        ({"description": "Short."}, "at least 101 characters, got 6"),
        ({"run": never_ends}, "yielded 3 times and announced a total of [9]"),
        ({"run": never_ends}, "the same seed gave other weights"),
        ({"run": METHODS["finetune"].run}, "AttributeError"),
    ],
)
def test_what_a_method_does_not_keep_to_is_said_in_one_line(changes, words):
    lines = contract.broken_checks(faulty(**changes))
    assert [line for line in lines if words in line]
    assert all("\n" not in line for line in lines)


def test_a_method_that_reads_the_retain_set_in_secret_is_found():
    secret = replace(METHODS["finetune"], uses_retain=False)
    assert any("read the retain set's" in line for line in contract.broken_checks(secret))


def test_a_method_declares_what_is_known_only():
    with pytest.raises(ValueError, match="norm_mode must be one of eval, train, fresh"):
        faulty(norm_mode="both")
