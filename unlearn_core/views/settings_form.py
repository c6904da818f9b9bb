"""Settings as forms: presets, what a widget shows of a value, and what it gave back.

A *row* describes one setting as the catalogue lists it: `name`, `type`, `default`, `help`,
`choices`, `positive`, `between`.  Only the order knows a method by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, ForgetConfig, changed_from
from unlearn_core.data.presets import usual_preset
from unlearn_core.runs.comparison import FIRST
from unlearn_core.runs.grid import combinations
from unlearn_core.settings import require_allowed
from unlearn_core.views.wording import capital

Row = Mapping[str, Any]
DEFAULTS = "defaults"
KINDS = ("photographs", "many photographs", "texts")  # of data, for which there are presets
SCENARIO_WORDS = {
    "class": "whole classes",
    "sample": "single examples",
    "keyword": "texts with a word",
    "backdoor": "a backdoor",
}


def presets(
    method: Row, data: DataConfig, forget: ForgetConfig, datasets: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return complete settings by preset, the one to start with first.

    The order is: the preset made for this request, presets of papers, the method's own defaults,
    presets made for other requests.  `datasets` maps names to labels.
    """
    defaults = default_settings(method)
    named = method["presets"]
    usual = usual_preset(named, data, forget)
    papers = [name for name in named if _parts(name)[0] not in {*datasets, *KINDS}]
    others = [name for name in named if name not in papers and name != usual]
    order = [usual, *papers, DEFAULTS, *others] if usual else [DEFAULTS, *papers, *others]
    return {name: _complete(method, defaults, named.get(name, {})) for name in order}


def usual_settings(method: Row, data: DataConfig, forget: ForgetConfig) -> dict[str, Any]:
    """Return a method's complete settings, with the preset that suits the request."""
    preset = usual_preset(method["presets"], data, forget)
    return {**default_settings(method), **(method["presets"][preset] if preset else {})}


def default_settings(method: Row) -> dict[str, Any]:
    """Return a method's settings where nobody says more."""
    return {setting["name"]: setting["default"] for setting in method["settings"]}


def _complete(method: Row, defaults: Row, preset: Row) -> dict[str, Any]:
    values = {**defaults, **preset}
    for row in method["settings"]:
        if row["type"] == "float":
            values[row["name"]] = float(values[row["name"]])
    return values


def preset_label(name: str, datasets: Mapping[str, str]) -> str:
    """Return a preset's name for people."""
    if name == DEFAULTS:
        return "The method's defaults"
    place, scenario = _parts(name)
    if place in datasets or place in KINDS:
        what = f", {SCENARIO_WORDS[scenario]}" if scenario else ""
        return f"For {datasets.get(place, place)}{what}"
    return f"As in the {name} paper" if name.isalpha() else name


def _parts(preset: str) -> tuple[str, str]:
    """Return what data a preset is for, if it is for any, and the scenario, "" for all."""
    place, _, scenario = preset.rpartition(" ")
    return (place, scenario) if scenario in SCENARIO_WORDS else (preset, "")


def field_label(row: Row) -> str:
    """Return a setting's name for people, such as "Learning rate"."""
    return str(row["name"]).replace("_", " ").capitalize()


def widget_of(row: Row) -> str:
    """Return which widget suits a setting: toggle, choice, choices, whole, fraction or text."""
    kind = row["type"]
    if kind == "tuple":
        return "choices" if row["choices"] else "text"
    if row["choices"]:
        return "choice"
    if kind == "float":
        return "fraction" if row["between"] in ([0, 1], (0, 1)) else "text"
    return {"bool": "toggle", "int": "whole"}.get(kind, "text")


def limits(row: Row) -> tuple[int | None, int | None]:
    """Return the smallest and largest whole number that a setting may have."""
    if row["between"]:
        low, high = row["between"]
        return math.ceil(low), math.floor(high)
    return (1 if row["positive"] else None), None


def to_widget(row: Row, value: Any) -> Any:
    """Return what the setting's widget shows for a value."""
    if widget_of(row) != "text":
        return list(value) if row["type"] == "tuple" else value
    if row["type"] == "tuple":
        return ", ".join(map(str, value))
    return str(value)


def from_widget(row: Row, content: Any) -> Any:
    """Return the value that a widget's content stands for.

    Raises
    ------
    ValueError
        If the content is not of the setting's type or breaks its rules; one line.
    """
    value = _READ.get(row["type"], _as_is)(row, content)
    require_allowed(field_label(row), value, row, shown=str(content))
    return value


def can_vary(row: Row) -> bool:
    """Say whether several values of a setting can be tried: lists of names cannot."""
    return bool(row["type"] != "tuple")


def offered(row: Row) -> list[Any]:
    """Return the values among which a person ticks several; none where they are written."""
    return [False, True] if row["type"] == "bool" else list(row["choices"])


def suggested(row: Row, value: Any) -> Any:
    """Return what the field for several values starts with: all, or some around the usual one."""
    if offered(row):
        return offered(row)
    if widget_of(row) == "fraction":
        return "0, 0.25, 0.5, 0.75, 1"
    around = [value / 2, value, value * 2]
    if row["type"] == "int":
        around = [int(number) for number in around]
    possible = [number for number in around if _is_allowed(row, number)]
    return ", ".join(f"{number:g}" for number in dict.fromkeys(possible))


def _is_allowed(row: Row, value: Any) -> bool:
    try:
        require_allowed(field_label(row), value, row)
    except InputError:
        return False
    return True


def from_several(row: Row, content: Any) -> list[Any]:
    """Return the values, each once, that the field for several stands for.

    Raises
    ------
    InputError
        If there is none, or one is not of the setting's type or breaks its rules; one line.
    """
    parts = content.split(",") if isinstance(content, str) else content
    written = [part.strip() if isinstance(part, str) else part for part in parts]
    values = [from_widget(row, part) for part in written if part != ""]
    if not values:
        raise InputError(f"{field_label(row)} must have at least one value to try, got none.")
    return list(dict.fromkeys(values))


def points(
    method: Row, settings: Mapping[str, Any], several: Mapping[str, Sequence[Any]]
) -> list[dict[str, Any]]:
    """Return the settings of each point of a grid, of each those that differ from the defaults.

    Raises
    ------
    InputError
        If the grid has too many points.
    """
    defaults = default_settings(method)
    crossed = combinations(str(method["label"]), several)
    return [changed_from(defaults, {**settings, **point}) for point in crossed]


def grid_text(several: Mapping[str, Sequence[Any]]) -> str:
    """Return how many combinations a grid has.

    Examples
    --------
    >>> grid_text({"gamma": [0, 0.5, 1], "learning_rate": [0.1, 0.01]})
    '6 combinations: 3 of gamma, 2 of learning rate'
    """
    n = math.prod(len(values) for values in several.values())
    parts = [f"{len(values)} of {name.replace('_', ' ')}" for name, values in several.items()]
    return f"{n} combination{'' if n == 1 else 's'}: {', '.join(parts)}"


def _as_is(_row: Row, content: Any) -> Any:
    return content


def _float(row: Row, content: Any) -> float:
    try:
        value = float(content)
    except (TypeError, ValueError):
        hint = "such as 0.001 or 1e-3"
        raise InputError(f"{field_label(row)} must be a number, {hint}, got {content!r}.") from None
    if not math.isfinite(value):
        raise InputError(f"{field_label(row)} must be a finite number, got {content!r}.")
    return value


def _int(row: Row, content: Any) -> int:
    try:
        return int(content)
    except (TypeError, ValueError):
        raise InputError(f"{field_label(row)} must be a whole number, got {content!r}.") from None


def _tuple(_row: Row, content: Any) -> list[str]:
    parts = content.split(",") if isinstance(content, str) else content
    return [part.strip() for part in parts if part.strip()]


_READ: dict[str, Callable[[Row, Any], Any]] = {"float": _float, "int": _int, "tuple": _tuple}


def in_order(methods: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the methods that can be chosen: the papers' own first, the tricks last."""

    def rank(method: Mapping[str, Any]) -> tuple[bool, int]:
        name = method["name"]
        return method["is_trick"], FIRST.index(name) if name in FIRST else len(FIRST)

    return sorted((m for m in methods if m["name"] != "retrain"), key=rank)


def idea(method: Row) -> str:
    """Return a method's one-line idea: the first line of its description, without its name."""
    lines = str(method["description"]).splitlines()
    first = lines[0].strip() if lines else ""
    head, colon, rest = first.partition(": ")
    text = rest if colon and len(head) < 40 else first
    return capital(text)
