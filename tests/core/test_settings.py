"""A setting is declared once; configs, methods' settings and forms are held to that line."""

import re
from dataclasses import dataclass, replace

import pytest

from unlearn_core.config import ModelConfig, RunConfig, TrainingConfig
from unlearn_core.methods import METHODS, resolve_settings
from unlearn_core.methods.settings import describe
from unlearn_core.projection import ProjectionConfig
from unlearn_core.settings import Settings, require_type, setting
from unlearn_core.views import settings_form


@dataclass(frozen=True, kw_only=True)
class Declared(Settings):
    rate: float = setting(0.5, "A share.", between=(0, 1))
    steps: int = setting(3, "A count.", positive=True)
    kind: str = setting("a", "A choice.", choices=("a", "b"))
    layers: tuple[str, ...] = setting((), "Names.", choices=("top", "low"))
    limit: int | None = setting(None, "None is no limit.", positive=True)
    switch: bool = setting(False, "On or off.")


ROWS = {row["name"]: row for row in describe(Declared)}
OUT_OF_BOUNDS = [
    ("rate", -0.5, "must be between 0 and 1, got -0.5."),
    ("rate", float("nan"), "must be between 0 and 1, got nan."),
    ("steps", 0, "must be above 0, got 0."),
    ("steps", 10**9 + 1, "must be at most 1000000000, got a larger number."),
    ("kind", "c", "must be one of a, b, got 'c'."),
    ("layers", ("top", "c"), "must be one of top, low, got ('top', 'c')."),
    ("limit", -2, "must be above 0, got -2."),
]


@pytest.fixture
def method(monkeypatch):
    declared = replace(METHODS["neggrad"], name="declared", presets={}, settings_class=Declared)
    monkeypatch.setitem(METHODS, "declared", declared)
    return "declared"


@pytest.mark.parametrize(("name", "value", "words"), OUT_OF_BOUNDS)
def test_a_method_and_its_class_refuse_what_the_declaration_does_not_allow(
    method, name, value, words
):
    for make in (
        lambda: Declared(**{name: value}),
        lambda: resolve_settings(method, {name: value}),
    ):
        with pytest.raises(ValueError, match=re.escape(f"Declared.{name} {words}")):
            make()


@pytest.mark.parametrize(
    ("name", "shown", "words"),
    [
        ("rate", "-0.5", "Rate must be between 0 and 1, got -0.5."),
        ("steps", 0, "Steps must be above 0, got 0."),
        ("steps", 10**9 + 1, "Steps must be at most 1000000000, got a larger number."),
        ("kind", "c", "Kind must be one of a, b, got c."),
        ("layers", ["top", "c"], "Layers must be one of top, low, got ['top', 'c']."),
    ],
)
def test_a_form_refuses_the_same_and_shows_what_the_person_wrote(name, shown, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        settings_form.from_widget(ROWS[name], shown)


@pytest.mark.parametrize(
    "values",
    [{"rate": 0}, {"rate": 1.0}, {"steps": 10**9}, {"kind": "b"}, {"layers": ("low", "top")}],
)
def test_what_is_at_a_bound_or_among_the_choices_is_allowed(method, values):
    settings = resolve_settings(method, values)
    assert all(getattr(settings, name) == value for name, value in values.items())


def test_none_is_allowed_where_the_type_says_so_alone():
    assert Declared(limit=None).limit is None
    with pytest.raises(ValueError, match=r"Declared\.steps must be of type int, got None"):
        Declared(steps=None)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ModelConfig(width="8"), "ModelConfig.width must be of type int, got '8'"),
        (lambda: ModelConfig(pretrained=1), "ModelConfig.pretrained must be of type bool, got 1"),
        (
            lambda: TrainingConfig(epochs=True),
            "TrainingConfig.epochs must be of type int, got True",
        ),
        (lambda: RunConfig(model="resnet18"), "RunConfig.model must be of type ModelConfig"),
        (lambda: ProjectionConfig(n_neighbors=1), "n_neighbors must be between 2 and 10000, got 1"),
        (lambda: ProjectionConfig(epochs=0), "ProjectionConfig.epochs must be above 0, got 0"),
        (lambda: Declared(layers=(1,)), "Declared.layers must hold names only, got [1]"),
        (lambda: Declared(kind=10**5000), "kind must be of type str, got a larger number."),
    ],
)
def test_an_instance_has_the_types_and_bounds_of_its_class_however_it_is_made(make, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, float),
        ([1], tuple[int, ...]),
        (None, int | None),
        ({"a": 1.0}, dict[str, float]),
        (["a"], list[str]),
    ],
)
def test_json_has_whole_numbers_and_lists_where_floats_and_tuples_belong(value, wanted):
    require_type("x", value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(True, float), (1.0, int), ("a", tuple[str, ...]), ("1", int | None), ({}, list[str])],
)
def test_other_types_are_refused(value, wanted):
    with pytest.raises(ValueError, match=r"^x must be of type"):
        require_type("x", value, wanted)
