"""What every method keeps to. A method that is registered joins these tests by itself."""

import copy
import math
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
import torch

from tests.networks import small_resnet
from unlearn_core.config import ModelConfig, TrainingConfig
from unlearn_core.data.batches import Examples, to_device
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.probes import record
from unlearn_core.methods import METHODS, UnlearnInputs, get_method, resolve_settings
from unlearn_core.methods.base import register_method
from unlearn_core.methods.finetune import FinetuneSettings
from unlearn_core.models import initialise
from unlearn_core.training import DivergedError, Progress

CPU = torch.device("cpu")
RECIPE = TrainingConfig(epochs=2, batch_size=16, learning_rate=0.01)
QUICK = {"epochs": 2, "iterations": 6, "batch_size": 8}
SETTINGS = [
    (name, f.name) for name, method in METHODS.items() for f in fields(method.settings_class)
]
every_method = pytest.mark.parametrize("name", METHODS)


class Forbidden:
    """Stands for a retain set that must not be looked at."""

    def __getattr__(self, name):
        raise AssertionError(f"the retain set's {name} was read")


@pytest.fixture(scope="module")
def models():
    """Freshly built ResNets of one block a stage by normalisation, to be copied."""
    made = {}
    for norm in ("group", "batch"):
        made[norm] = small_resnet(ModelConfig(width=2, norm=norm))
        initialise(made[norm], torch.Generator().manual_seed(0))
    return made


@pytest.fixture
def make_inputs(models, small_dataset):
    def make(forget=None, *, norm="group", seed=0, **changes):
        if forget is None:
            forget = small_dataset.labels == 1
        train = small_dataset.is_train
        return UnlearnInputs(
            **{
                "model": copy.deepcopy(models[norm]),
                "forget": to_device(small_dataset, forget & train, CPU, forget=forget),
                "retain": to_device(small_dataset, ~forget & train, CPU, forget=forget),
                "generator": torch.Generator().manual_seed(seed),
                "recipe": RECIPE,
                **changes,
            }
        )

    return make


def run(name, inputs, **changes):
    known = {f.name for f in fields(METHODS[name].settings_class)}
    quick = {k: v for k, v in {**QUICK, **changes}.items() if k in known}
    return list(METHODS[name].run(inputs, resolve_settings(name, quick)))


def is_finite(model):
    return all(
        torch.isfinite(t).all() for t in model.state_dict().values() if t.is_floating_point()
    )


def assert_whole_run(progress):
    assert progress
    assert all(isinstance(p, Progress) for p in progress)
    assert {p.total for p in progress} == {len(progress)}
    assert [p.step for p in progress] == list(range(1, len(progress) + 1))


@every_method
def test_a_run_counts_its_steps_and_ends_with_a_finite_plain_model(name, make_inputs):
    inputs = make_inputs()
    before = {n: t.clone() for n, t in inputs.model.state_dict().items()}
    assert_whole_run(run(name, inputs))
    after = inputs.model.state_dict()
    assert is_finite(inputs.model)
    assert {n: t.shape for n, t in after.items()} == {n: t.shape for n, t in before.items()}
    assert any(not torch.equal(after[n], before[n]) for n in before)
    assert all(p.requires_grad for p in inputs.model.parameters())


@every_method
def test_losses_are_plain_finite_numbers(name, make_inputs):
    for progress in run(name, make_inputs()):
        assert all(type(value) is float for value in progress.losses.values())
        assert all(math.isfinite(value) for value in progress.losses.values())


@every_method
def test_the_same_seed_gives_the_same_weights_bit_for_bit(name, make_inputs):
    states = []
    for noise in (1, 2):
        torch.manual_seed(noise)  # the global generators must not matter
        np.random.seed(noise)  # noqa: NPY002
        inputs = make_inputs(seed=7)
        run(name, inputs)
        states.append({**inputs.model.state_dict(), **inputs.extras})
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][n], states[1][n]) for n in states[0])


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if not m.uses_retain])
def test_a_method_that_needs_no_retain_set_does_not_touch_it(name, make_inputs):
    assert_whole_run(run(name, make_inputs(retain=Forbidden())))


@every_method
def test_one_forget_example_is_enough(name, make_inputs, small_dataset):
    inputs = make_inputs(np.arange(len(small_dataset.labels)) == 5)
    assert len(inputs.forget) == 1
    assert_whole_run(run(name, inputs))
    assert is_finite(inputs.model)


@every_method
def test_all_but_one_class_can_be_forgotten(name, make_inputs, small_dataset):
    inputs = make_inputs(small_dataset.labels != 2)
    assert len(inputs.forget) == 3 * len(inputs.retain)
    assert_whole_run(run(name, inputs))
    assert is_finite(inputs.model)


@every_method
def test_one_retained_example_is_enough(name, make_inputs, small_dataset):
    inputs = make_inputs(np.arange(len(small_dataset.labels)) != 5)
    assert len(inputs.retain) == 1
    assert_whole_run(run(name, inputs))
    assert is_finite(inputs.model)


@every_method
def test_a_network_with_batch_normalisation_works_too(name, make_inputs):
    inputs = make_inputs(norm="batch")
    assert_whole_run(run(name, inputs))
    assert is_finite(inputs.model)


@every_method
def test_half_precision_ends_with_a_finite_model_of_full_precision_weights(name, make_inputs):
    inputs = make_inputs(precision="bf16", recipe=replace(RECIPE, epochs=1, batch_size=64))
    assert_whole_run(run(name, inputs, epochs=1, iterations=2, batch_size=64))
    assert is_finite(inputs.model)
    assert {p.dtype for p in inputs.model.parameters()} == {torch.float32}


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
def test_a_method_tells_what_it_is(name):
    method = METHODS[name]
    assert method.name == name
    assert method.label
    assert method.source
    assert len(method.description) > 100
    assert method.is_trick == name.startswith("trick_")
    assert is_dataclass(method.settings_class)
    assert method.settings_class.__dataclass_params__.frozen


@every_method
def test_every_setting_has_a_default_and_a_hint_and_every_preset_is_valid(name):
    method = METHODS[name]
    method.settings_class()
    for f in fields(method.settings_class):
        assert f.metadata["help"], f.name
    for preset in method.presets:
        resolved = resolve_settings(name, preset=preset)
        for key, value in method.presets[preset].items():
            assert getattr(resolved, key) == value
    assert resolve_settings(name, preset="no such preset") == method.settings_class()


@pytest.mark.parametrize(("name", "field"), SETTINGS)
def test_a_setting_of_the_wrong_type_is_named(name, field):
    with pytest.raises(ValueError, match=rf"{name}\.{field} must be of type"):
        resolve_settings(name, {field: {"not": "a setting"}})


@pytest.mark.parametrize(("name", "field"), SETTINGS)
def test_a_setting_out_of_range_is_named(name, field):
    cls = METHODS[name].settings_class
    (rules,) = [f.metadata for f in fields(cls) if f.name == field]
    kind = type(getattr(cls(), field))
    bad = []
    if rules["positive"]:
        bad += [kind(0), kind(-1)]
    if rules["between"]:
        low, high = rules["between"]
        bad += [kind(low - 1), kind(high + 1)]
    if rules["choices"]:
        bad += ["nonsense"]
    if kind is float:
        bad += [float("nan")]
    if not bad:
        assert kind in (bool, tuple, str), "a number needs a range"
    for value in bad:
        with pytest.raises(ValueError, match=field):
            resolve_settings(name, {field: value})


@every_method
def test_a_setting_that_does_not_exist_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} has no setting 'colour'"):
        resolve_settings(name, {"colour": 1})


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
    recipe = replace(RECIPE, epochs=1, batch_size=1)
    inputs = make_inputs(alone, norm="batch", recipe=recipe)
    assert len(inputs.retain) % 2 == 1  # so a batch of two leaves one example over
    known = {f.name for f in fields(METHODS[name].settings_class)}
    chosen = {k: v for k, v in {**QUICK, **changes}.items() if k in known}
    for _ in METHODS[name].run(inputs, resolve_settings(name, chosen)):
        record(inputs.model, inputs.forget, small_dataset)  # as probes do between steps
    assert is_finite(inputs.model)
    assert not inputs.model.training


def test_all_methods_of_a_seed_repair_on_the_same_retained_examples(make_inputs):
    inputs = make_inputs(subset_seed=4)
    first = inputs.retain_part()
    torch.rand(3, generator=inputs.generator)  # whatever a method drew before
    assert torch.equal(inputs.retain_part().example_ids, first.example_ids)
    other = make_inputs(subset_seed=4, seed=9).retained("part")
    assert torch.equal(other.example_ids, first.example_ids)
    assert not torch.equal(make_inputs(subset_seed=5).retain_part().example_ids, first.example_ids)
    more = inputs.retain_part(len(first) + 2).example_ids
    assert set(first.example_ids.tolist()) < set(more.tolist())
    assert inputs.retained("all") is inputs.retain


def test_looking_whether_scrub_is_stuck_does_not_train_it(make_inputs):
    inputs = make_inputs(norm="batch")
    steps = run("scrub", inputs, train_mode=True, epochs=1, max_epochs=1)
    assert int(inputs.model.bn1.num_batches_tracked) == len(steps)
