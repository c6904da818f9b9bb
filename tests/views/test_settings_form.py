import pytest

from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data.presets import usual_preset
from unlearn_core.views import settings_form

DIGITS = DataConfig()
CLASS_3 = ForgetConfig(kind="class", values=(3,))
SAMPLE = ForgetConfig(kind="ids", values=(3, 4))
ENTRY = {
    "presets": {"digits": {"rate": 0.5}, "digits sample": {"rate": 0.2, "fast": False}},
    "settings": [
        {"name": "rate", "default": 0.1},
        {"name": "layers", "default": []},
        {"name": "fast", "default": True},
    ],
}
RATE = {"name": "learning_rate", "type": "float", "default": 1e-3, "choices": [], "between": None}
RATE = {**RATE, "positive": True, "help": ""}


def test_usual_settings_are_complete_and_follow_the_data_set_and_the_scenario():
    sample = settings_form.usual_settings(ENTRY, DIGITS, SAMPLE)
    assert sample == {"rate": 0.2, "layers": [], "fast": False}
    assert settings_form.usual_settings(ENTRY, DIGITS, CLASS_3) == {
        "rate": 0.5,
        "layers": [],
        "fast": True,
    }
    assert settings_form.usual_settings(ENTRY, DataConfig(name="cifar10"), CLASS_3)["rate"] == 0.1


def test_texts_with_a_word_have_presets_of_their_own():
    imdb, named = DataConfig(name="imdb"), ("texts", "texts class", "texts keyword")
    word = ForgetConfig(kind="keyword", keyword="comedy")
    assert usual_preset(named, imdb, word) == "texts keyword"
    assert usual_preset(named[:2], imdb, word) == "texts"
    assert usual_preset(named, imdb, SAMPLE) == "texts"
    assert settings_form.preset_label("texts keyword", {}) == "For texts, texts with a word"


def test_many_examples_have_presets_of_their_own_before_those_of_their_kind():
    named = {"many photographs class": {"rate": 0.3}, "photographs": {"rate": 0.2}}
    entry = {**ENTRY, "presets": named}
    rates = [
        settings_form.usual_settings(entry, data, forget)["rate"]
        for data in (
            DataConfig(name="cifar10"),
            DataConfig(name="cifar10", train_examples=20_001),
            DataConfig(name="cifar10", train_examples=20_000),
            DataConfig(name="fashion"),
        )
        for forget in (CLASS_3, SAMPLE)
    ]
    assert rates == [0.3, 0.2, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2]


def test_usual_settings_are_those_that_the_command_line_resolves():
    from unlearn_core.methods import usual_settings
    from unlearn_core.methods.settings import plain
    from unlearn_core.runs.catalogue import listed

    for entry in listed()["methods"]:
        for forget in (CLASS_3, SAMPLE):
            expected = plain(usual_settings(entry["name"], DIGITS, forget))
            assert settings_form.usual_settings(entry, DIGITS, forget) == expected


def test_presets_start_with_the_data_sets_own_and_are_complete():
    rows = [RATE, {**RATE, "name": "epochs", "type": "int", "default": 1}]
    method = {"settings": rows, "presets": {"muda": {"epochs": 3}, "digits": {"learning_rate": 1}}}
    labels = {"digits": "Digits", "cifar10": "CIFAR-10"}
    presets = settings_form.presets(method, DIGITS, CLASS_3, labels)
    assert list(presets) == ["digits", "muda", "defaults"]
    assert presets["digits"] == {"learning_rate": 1.0, "epochs": 1}
    assert type(presets["digits"]["learning_rate"]) is float
    assert list(settings_form.presets(method, DataConfig(name="cifar10"), CLASS_3, labels)) == [
        "defaults",
        "muda",
        "digits",
    ]


def test_a_preset_for_the_scenario_comes_before_the_data_sets_own():
    presets = {"digits": {"learning_rate": 1}, "digits sample": {"learning_rate": 2}, "muda": {}}
    method = {"settings": [RATE], "presets": presets}
    labels = {"digits": "Digits"}
    sample = ForgetConfig(kind="random", values=(50,))
    assert list(settings_form.presets(method, DIGITS, sample, labels)) == [
        "digits sample",
        "muda",
        "defaults",
        "digits",
    ]
    assert next(iter(settings_form.presets(method, DIGITS, CLASS_3, labels))) == "digits"
    assert settings_form.preset_label("digits sample", labels) == "For Digits, single examples"
    assert settings_form.preset_label("digits", labels) == "For Digits"
    many = "many photographs class"
    assert settings_form.preset_label(many, labels) == "For many photographs, whole classes"
    assert settings_form.preset_label("usparse", labels) == "As in the usparse paper"


def test_small_numbers_survive_the_way_through_a_form_exactly():
    for value in (5e-5, 1e-3, 0.1 + 0.2, 1 / 3):
        assert settings_form.from_widget(RATE, settings_form.to_widget(RATE, value)) == value


@pytest.mark.parametrize(
    ("content", "message"),
    [("abc", "must be a number"), ("0", "above 0"), ("nan", "finite"), (None, "must be a number")],
)
def test_a_wrong_number_is_refused_in_one_line(content, message):
    with pytest.raises(ValueError, match=message) as caught:
        settings_form.from_widget(RATE, content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["-0.1", "1.1"])
def test_bounds_are_kept(value):
    with pytest.raises(ValueError, match="between 0 and 1"):
        settings_form.from_widget({**RATE, "positive": False, "between": [0, 1]}, value)


def test_names_become_a_list_and_an_empty_field_an_empty_one():
    row = {**RATE, "name": "layers", "type": "tuple", "positive": False}
    assert settings_form.from_widget(row, "layer4, layer3.0 ,") == ["layer4", "layer3.0"]
    assert settings_form.from_widget(row, settings_form.to_widget(row, [])) == []


def row(**rules):
    return {**RATE, "positive": False, **rules}


EPOCHS = row(name="epochs", type="int", positive=True)
GAMMA = row(name="gamma", type="float", between=(0, 1))
ORDER = row(name="order", type="str", choices=["max_first", "min_first"])
FAST = row(name="fast", type="bool")


@pytest.mark.parametrize(
    ("rules", "content", "values"),
    [
        (RATE, "0.1, 1e-3,0.1", [0.1, 1e-3]),
        (EPOCHS, "1,2", [1, 2]),
        (GAMMA, "0, 1", [0.0, 1.0]),
        (ORDER, ["min_first"], ["min_first"]),
        (FAST, [True, False], [True, False]),
    ],
)
def test_several_values_are_read_as_one_is(rules, content, values):
    assert settings_form.from_several(rules, content) == values


@pytest.mark.parametrize(
    ("rules", "content", "words"),
    [
        (RATE, "0.1, fast", "must be a number"),
        (RATE, "0.1, -1", "must be above 0, got -1"),
        (GAMMA, "0, 2", "between 0 and 1"),
        (EPOCHS, "1.5", "must be a whole number"),
        (RATE, " , ", "at least one value"),
        (ORDER, [], "at least one value"),
    ],
)
def test_one_wrong_value_of_several_is_named(rules, content, words):
    with pytest.raises(ValueError, match=words):
        settings_form.from_several(rules, content)


@pytest.mark.parametrize(
    ("rules", "value", "content"),
    [
        (RATE, 0.01, "0.005, 0.01, 0.02"),
        (EPOCHS, 1, "1, 2"),
        (EPOCHS, 6, "3, 6, 12"),
        (GAMMA, 0.3, "0, 0.25, 0.5, 0.75, 1"),
        (row(name="rank", type="int", between=(1, 8)), 8, "4, 8"),
        (ORDER, "min_first", ["max_first", "min_first"]),
        (FAST, True, [False, True]),
    ],
)
def test_a_field_for_several_values_starts_with_allowed_ones_around_the_usual(
    rules, value, content
):
    assert settings_form.suggested(rules, value) == content
    assert value in settings_form.from_several(rules, content) or rules is GAMMA


def test_points_of_a_grid_are_what_configs_hold():
    method = {"label": "A", "settings": [RATE, {**EPOCHS, "default": 1}]}
    settings = {"learning_rate": 0.5, "epochs": 1}
    points = settings_form.points(method, settings, {"epochs": [1, 2]})
    assert points == [{"learning_rate": 0.5}, {"learning_rate": 0.5, "epochs": 2}]
    assert settings_form.points(method, settings, {}) == [{"learning_rate": 0.5}]
    assert not settings_form.can_vary(row(type="tuple"))
