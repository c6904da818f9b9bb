"""Configs: canonical, stable keys; bad values named. Random streams and records."""

import json
from dataclasses import FrozenInstanceError, field, make_dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import formulas
from unlearn_core.checks import InputError
from unlearn_core.config import (
    SCHEMA_VERSION,
    DataConfig,
    ForgetConfig,
    ModelConfig,
    RunConfig,
    TrainingConfig,
)
from unlearn_core.records import Records, Sets, softmax
from unlearn_core.runs.plan import with_request
from unlearn_core.seeding import numpy_stream, stream_seed, torch_stream
from unlearn_core.views.wording import comparison_title

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


@st.composite
def run_configs(draw):
    kind = draw(st.sampled_from(["none", "class", "subclass", "ids", "random"]))
    count = 1 if kind == "random" else 4
    values = st.lists(st.integers(0, 99), min_size=1, max_size=count).map(tuple)
    return RunConfig(
        data=DataConfig(train_examples=draw(st.none() | st.integers(1, 999))),
        model=ModelConfig(
            width=2 * draw(st.integers(1, 32)), norm=draw(st.sampled_from(["group", "batch"]))
        ),
        training=TrainingConfig(learning_rate=draw(st.floats(1e-6, 1))),
        forget=ForgetConfig(kind=kind, values=() if kind == "none" else draw(values)),
        method=draw(st.sampled_from(["original", "rfa"])),
        settings=draw(st.dictionaries(st.sampled_from("abc"), st.integers() | st.booleans())),
        seed=draw(st.integers(0, 99)),
    )


@given(config=run_configs())
@QUICK
def test_a_config_survives_json_and_keeps_its_key(config):
    again = RunConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert again.key() == config.key()
    assert len(config.key()) == 16
    assert int(config.key(), 16) >= 0


DEFAULTS = {
    "data": {
        "name": "digits",
        "train_examples": None,
        "poison_target": None,
        "trigger": "square",
        "confused": [],
        "content": "",
    },
    "model": {
        "name": "resnet18",
        "width": 64,
        "norm": "group",
        "stem": "cifar",
        "pretrained": False,
        "input_size": None,
        "layers": 2,
        "heads": 4,
        "length": 64,
        "vocabulary": 3000,
        "weights": "",
    },
    "training": {
        "epochs": 30,
        "batch_size": 128,
        "learning_rate": 0.1,
        "optimizer": "sgd",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "warmup_fraction": 0.1,
        "augment": "none",
        "schedule": "cosine",
        "decay": 0.998,
        "nesterov": False,
        "label_smoothing": 0.0,
        "even_batches": False,
        "small_share": 0.0,
    },
    "forget": {"kind": "none", "values": [], "seed": 0, "difficulty": "any", "keyword": ""},
    "method": "original",
    "settings": {},
    "seed": 0,
    "precision": "fp32",
    "relearn": {"examples": [], "steps": 20, "learning_rate": 1e-3},
    "same_start": False,
}


def test_keys_and_the_defaults_that_they_leave_out_have_not_changed_by_accident():
    # A key names only what differs from the defaults. If one of these has to change, stored runs
    # would be taken for others: bump SCHEMA_VERSION on purpose, then pin again.
    assert SCHEMA_VERSION == 4
    assert RunConfig().to_dict() == DEFAULTS
    config = RunConfig(
        data=DataConfig(train_examples=200),
        model=ModelConfig(width=4),
        training=TrainingConfig(epochs=2),
        forget=ForgetConfig(kind="ids", values=(7, 3)),
        method="neggrad",
        settings={"learning_rate": 0.001, "epochs": 3},
        seed=5,
    )
    assert RunConfig().key() == "d8413cf513a12167"
    assert config.key() == "ce9d7fc2ce7f7862"


@pytest.mark.parametrize("part", ["data", "model", "training"])
def test_a_new_optional_field_changes_no_key_until_it_is_used(part):
    start = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
    grown = make_dataclass(
        "Grown",
        [("extra", float, field(default=1.5))],
        bases=(type(getattr(start, part)),),
        frozen=True,
        kw_only=True,
    )
    assert replace(start, **{part: grown()}).key() == start.key()
    assert replace(start, **{part: grown(extra=2.0)}).key() != start.key()


def test_a_new_setting_at_its_default_changes_no_key_either():
    from unlearn_core.methods.neggrad import NegGradSettings
    from unlearn_core.methods.settings import changed
    from unlearn_core.settings import setting

    grown = make_dataclass(
        "Grown",
        [("extra", float, setting(1.5, "What came later."))],
        bases=(NegGradSettings,),
        frozen=True,
        kw_only=True,
    )
    given = {"learning_rate": 0.25}
    assert changed(grown(**given)) == changed(NegGradSettings(**given)) == given
    assert changed(grown(extra=2.0)) == {"extra": 2.0}


def test_the_key_ignores_the_order_of_settings_and_of_forget_values():
    one = RunConfig(
        method="rfa", settings={"a": 1, "b": 2}, forget=ForgetConfig(kind="ids", values=(3, 1, 3))
    )
    two = RunConfig(
        method="rfa", settings={"b": 2, "a": 1}, forget=ForgetConfig(kind="ids", values=(1, 3))
    )
    assert one.key() == two.key()
    assert one.forget.values == (1, 3)


def test_every_part_of_a_config_is_part_of_its_key():
    start = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
    changed = [
        replace(start, data=DataConfig(train_examples=100)),
        replace(start, model=ModelConfig(width=8)),
        replace(start, training=TrainingConfig(epochs=1)),
        replace(start, forget=ForgetConfig(kind="class", values=(4,))),
        replace(start, method="rfa"),
        replace(start, settings={"a": 1}),
        replace(start, seed=1),
        replace(start, precision="bf16"),
    ]
    assert len({config.key() for config in [start, *changed]}) == 9


def test_runs_of_a_comparison_share_its_key_and_their_stages():
    start = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
    method = replace(start, method="rfa", settings={"epochs": 1}, seed=2)
    assert method.comparison_key() == start.comparison_key()
    assert replace(start, precision="bf16").comparison_key() != start.comparison_key()
    assert method.base() == RunConfig(seed=2)
    assert method.original() == replace(start, seed=2)
    assert method.retrained() == replace(start, method="retrain", seed=2)
    assert method.retrained().base() == method.base()


def test_a_run_has_one_role_in_its_comparison():
    start = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
    runs = {
        "base": start.base(),
        "original": start,
        "reference": start.retrained(),
        "incremental": replace(start, method="incremental"),
        "method": replace(start, method="rfa", settings={"epochs": 1}, seed=2),
    }
    assert {name: run.role for name, run in runs.items()} == {name: name for name in runs}


def test_a_config_cannot_be_changed_after_the_fact():
    with pytest.raises(FrozenInstanceError):
        RunConfig().seed = 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DataConfig(train_examples=0),
            r"DataConfig\.train_examples must be above 0, got 0",
        ),
        (lambda: ModelConfig(width=-1), r"ModelConfig\.width must be above 0"),
        (lambda: ModelConfig(norm="layer"), r"ModelConfig\.norm must be one of group, batch"),
        (lambda: ModelConfig(stem="big"), r"ModelConfig\.stem must be one of"),
        (lambda: TrainingConfig(epochs=0), r"TrainingConfig\.epochs must be above 0"),
        (lambda: TrainingConfig(learning_rate=float("nan")), r"learning_rate must be above 0"),
        (lambda: TrainingConfig(momentum=1.5), r"TrainingConfig\.momentum must be between 0 and 1"),
        (lambda: TrainingConfig(optimizer="lion"), r"TrainingConfig\.optimizer must be one of"),
        (lambda: TrainingConfig(augment="mixup"), r"TrainingConfig\.augment must be one of"),
        (lambda: TrainingConfig(schedule="step"), r"TrainingConfig\.schedule must be one of cos"),
        (lambda: TrainingConfig(decay=0.0), r"TrainingConfig\.decay must be above 0, got 0\.0"),
        (lambda: TrainingConfig(decay=1.5), r"TrainingConfig\.decay must be between 0 and 1"),
        (lambda: ForgetConfig(kind="everything"), r"ForgetConfig\.kind must be one of"),
        (lambda: ForgetConfig(kind="class"), "needs at least one value"),
        (lambda: ForgetConfig(values=(1,)), "needs no values, got \\[1\\]"),
        (lambda: ForgetConfig(kind="ids", values=(-1, 4)), "must not be negative, got -1"),
        (lambda: ForgetConfig(kind="random", values=(1, 2)), "takes one value"),
        (lambda: RunConfig(precision="fp64"), r"RunConfig\.precision must be one of"),
        (lambda: RunConfig(seed=-1), r"RunConfig\.seed must be a whole number from 0, got -1"),
        (lambda: RunConfig(seed=True), r"RunConfig\.seed must be a whole number"),
        (lambda: RunConfig.from_dict({"sed": 1}), "config has no setting 'sed'"),
        (lambda: RunConfig.from_dict({"model": {"w": 1}}), "model has no setting 'w'; it has name"),
        (lambda: RunConfig.from_dict({"model": "resnet18"}), "model must be an object of named"),
    ],
)
def test_a_bad_config_is_refused_with_the_field_and_what_came(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"model": {"width": "8"}}, r"model\.width must be of type int, got '8'"),
        ({"model": {"width": True}}, r"model\.width must be of type int, got True"),
        ({"training": {"epochs": 1.5}}, r"training\.epochs must be of type int, got 1\.5"),
        ({"data": {"train_examples": "all"}}, r"data\.train_examples must be of type int"),
        ({"data": {"name": 3}}, r"data\.name must be of type str, got 3"),
        ({"forget": {"kind": "ids", "values": 3}}, r"forget\.values must be"),
        ({"forget": {"kind": "ids", "values": [1.5]}}, "must be whole numbers"),
        ({"settings": [1]}, r"config\.settings must be"),
    ],
)
def test_a_value_of_the_wrong_type_in_a_file_is_named(plain, message):
    with pytest.raises(ValueError, match=message):
        RunConfig.from_dict(plain)


def test_whole_numbers_are_welcome_where_floats_belong():
    config = RunConfig.from_dict(
        {"training": {"learning_rate": 1}, "data": {"train_examples": None}}
    )
    written = replace(config, training=replace(config.training, learning_rate=1.0))
    assert json.dumps(config.to_dict()) == json.dumps(written.to_dict())
    assert config.key() == written.key()


def test_a_number_that_no_float_holds_is_refused():
    with pytest.raises(ValueError, match="weight_decay must be a finite number"):
        TrainingConfig(weight_decay=10**400)


def test_streams_of_different_seeds_and_purposes_differ_and_repeat():
    pairs = [(s, p) for s in range(3) for p in ("shuffle", "init", "a/b")]
    assert len({stream_seed(*pair) for pair in pairs}) == len(pairs)
    assert stream_seed(0, "shuffle") == stream_seed(0, "shuffle")
    assert all(0 <= stream_seed(*pair) < 2**63 for pair in pairs)
    draws = [numpy_stream(1, "x").random(3).tolist() for _ in range(2)]
    assert draws[0] == draws[1]
    assert torch.equal(*(torch.rand(3, generator=torch_stream(1, "x")) for _ in range(2)))


def test_streams_leave_the_global_generators_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    torch.rand(3, generator=torch_stream(1, "x"))
    numpy_stream(1, "x").random(3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1, 100, 10_000]))
@QUICK
def test_softmax_equals_its_formula_and_never_overflows(seed, scale):
    logits = (scale * np.random.default_rng(seed).normal(size=(4, 5))).astype(np.float32)
    value = softmax(logits)
    assert value == pytest.approx(formulas.softmax(logits), abs=1e-12)
    assert value.dtype == np.float64


def make_records(n=6):
    random = np.random.default_rng(0)
    return Records(
        example_ids=np.arange(n) + 10,
        labels=np.arange(n) % 3,
        is_train=np.arange(n) < 4,
        logits=random.normal(size=(n, 3)).astype(np.float32),
        features=random.normal(size=(n, 2)).astype(np.float32),
    )


def test_records_select_rows_together_and_survive_their_arrays():
    records = make_records()
    part = records.where(records.labels == 1)
    assert part.example_ids.tolist() == [11, 14]
    assert (part.logits == records.logits[[1, 4]]).all()
    assert len(records) == 6
    again = Records.from_arrays({**records.to_arrays(), "more": np.ones(1)})
    assert all(
        (a == b).all()
        for a, b in zip(again.to_arrays().values(), records.to_arrays().values(), strict=True)
    )
    assert (records.predictions == records.logits.argmax(axis=1)).all()


def test_records_of_unequal_length_are_refused():
    arrays = {**make_records().to_arrays(), "labels": np.zeros(5, dtype=np.int64)}
    with pytest.raises(ValueError, match=r"one row per example, got .*'labels': 5"):
        Records(**arrays)


def test_sets_name_every_example():
    masks = np.eye(4, 5, dtype=bool)
    sets = Sets(forget=masks[0], retain=masks[1], forget_test=masks[2], retain_test=masks[3])
    assert sets.names().tolist() == ["forget", "retain", "forget_test", "retain_test", ""]
    assert sets.test.tolist() == [False, False, True, True, False]


def test_a_backdoor_poisons_the_data_and_another_request_takes_that_back():
    start = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
    poisoned = with_request(start, ForgetConfig(kind="backdoor", values=(1,)))
    assert poisoned.data.poison_target == 1
    assert poisoned.forget.values == (1,)
    assert with_request(poisoned, start.forget) == start


def test_a_trigger_belongs_to_a_backdoor_and_to_nothing_else():
    start = RunConfig()
    backdoor, single = (
        ForgetConfig(kind="backdoor", values=(1,)),
        ForgetConfig(kind="class", values=(3,)),
    )
    square, checkers = (with_request(start, backdoor, name) for name in ("square", "checkers"))
    assert checkers.data.trigger == "checkers"
    assert checkers.comparison_key() != square.comparison_key()
    assert square == with_request(start, backdoor)
    assert comparison_title(checkers) != comparison_title(square)
    with pytest.raises(InputError, match="needs --forget-backdoor"):
        with_request(start, single, "checkers")
    with pytest.raises(ValueError, match="one of square, checkers, stripes, got 'star'"):
        with_request(start, backdoor, "star")
