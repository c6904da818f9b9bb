"""Declare settings once, with default, bounds, choices and a hint, and check values by that.

Configs, the settings of methods and the pages' forms are all held to a declaration by
`require_allowed`, and what a file or a person gives to its type by `require_type`.  Pages know a
method's settings as JSON only (`methods.settings.describe`), so the rules are a plain mapping.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

from unlearn_core.checks import LARGEST_COUNT, LARGEST_WHOLE, InputError


def setting(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    positive: bool = False,
    between: tuple[float, float] | None = None,
) -> Any:
    """Declare one field of a `Settings` class, with what a form needs to offer it.

    Parameters
    ----------
    default : bool, int, float, str, tuple of str or None
    help : str
        One sentence for the person who changes it.
    choices : tuple of str
        The only values that are allowed.
    positive : bool
        Whether it must be above 0.
    between : (low, high), optional
        Smallest and largest value.
    """
    rules = {"help": help, "choices": choices, "positive": positive, "between": between}
    return field(default=default, metadata=rules)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of all configs and settings: an instance is of the declared types and in bounds.

    Each value is held in one form, whatever form it came in, so that equal configs have equal keys.
    """

    def __post_init__(self) -> None:
        types = types_of(type(self))
        for f in fields(self):
            where, value = f"{type(self).__name__}.{f.name}", getattr(self, f.name)
            value = as_declared(where, value, types[f.name])
            require_allowed(where, value, f.metadata)
            object.__setattr__(self, f.name, value)  # the only way in a frozen class


def types_of(cls: type[Any]) -> dict[str, Any]:
    """Return the type of each field of a dataclass, by name."""
    return _types_of(cast(Hashable, cls))  # mypy takes classes with a hash of instances for none


@cache
def _types_of(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


def as_declared(where: str, value: Any, wanted: Any) -> Any:
    """Return JSON's whole number as the float, and its list as the tuple, that is declared.

    Raises
    ------
    InputError
        If it is of another type, or too large for a float.
    """
    require_type(where, value, wanted)
    kind = _kind_of(wanted)[0]
    if kind is tuple and isinstance(value, list):
        return tuple(value)
    if kind is not float or value is None:
        return value
    try:
        return float(value)
    except OverflowError:  # a whole number has no bound
        raise InputError(f"{where} must be a finite number, got a larger number.") from None


def _kind_of(wanted: Any) -> tuple[Any, Any, bool]:
    """Return the class, the type without `None`, and whether None is allowed."""
    optional = NoneType in get_args(wanted)
    plain = next(part for part in get_args(wanted) if part is not NoneType) if optional else wanted
    return get_origin(plain) or plain, plain, optional


def require_type(where: str, value: Any, wanted: Any) -> None:
    """Raise `InputError` unless `value` is of the type that a field is annotated with.

    A whole number is welcome where a float belongs and a list where a tuple does, as JSON has
    them; true and false are no numbers.
    """
    kind, plain, optional = _kind_of(wanted)
    if optional and value is None:
        return
    accepted = {float: (int, float), tuple: (list, tuple)}.get(kind, kind)
    is_bool = isinstance(value, bool) and kind in (int, float)
    if not isinstance(value, accepted) or is_bool:
        name = str(wanted) if optional else kind.__name__
        raise InputError(f"{where} must be of type {name}, got {_shown(value)}.")
    if plain == tuple[str, ...] and not all(isinstance(part, str) for part in value):
        raise InputError(f"{where} must hold names only, got {list(value)!r}.")


def require_allowed(
    where: str, value: Any, rules: Mapping[str, Any], *, shown: str | None = None
) -> None:
    """Raise `InputError` unless `value` keeps to the rules that `setting` declares.

    Parameters
    ----------
    where : str
        What the message calls the setting.
    value : object
        None, where the type allows it, is always allowed.
    rules : mapping
        `choices`, `positive` and `between`; what is missing or empty is no rule.
    shown : str, optional
        The value as the person wrote it.
    """
    if value is None:
        return
    came = _shown(value) if shown is None else shown
    if rules.get("positive") and isinstance(value, int) and value > LARGEST_COUNT:
        raise InputError(f"{where} must be at most {LARGEST_COUNT}, got a larger number.")
    if rules.get("positive") and not 0 < value < math.inf:
        raise InputError(f"{where} must be above 0, got {came}.")
    low, high = rules.get("between") or (-math.inf, math.inf)
    if rules.get("between") and not low <= value <= high:
        raise InputError(f"{where} must be between {low:g} and {high:g}, got {came}.")
    choices = rules.get("choices")
    if choices and not {*([value] if isinstance(value, str) else value)} <= {*choices}:
        raise InputError(f"{where} must be one of {', '.join(choices)}, got {came}.")


def _shown(value: Any) -> str:
    """Return a value for a message; a whole number may have thousands of digits."""
    is_vast = isinstance(value, int) and abs(value) > LARGEST_WHOLE
    return "a larger number" if is_vast else repr(value)
