"""Settings of methods: declared once, they validate themselves and become forms."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from unlearn_core.checks import require_between, require_choice, require_positive
from unlearn_core.config import changed_from


def setting(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    positive: bool = False,
    between: tuple[float, float] | None = None,
) -> Any:
    """Declare one field of a settings class, with what a form needs to offer it.

    Parameters
    ----------
    default : bool, int, float, str or tuple of str
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
    """Base of all settings classes: checks every field by its declared rules."""

    def __post_init__(self) -> None:
        for f in fields(self):
            if f.metadata["positive"]:
                require_positive(self, f.name)
            if f.metadata["between"]:
                require_between(self, *f.metadata["between"], f.name)
            if f.metadata["choices"]:
                require_choice(self, f.name, f.metadata["choices"])


def plain(settings: Settings) -> dict[str, Any]:
    """Return all settings as JSON types, tuples as lists."""
    values = asdict(settings)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that differ from their class's defaults: what a run's config holds."""
    return changed_from(plain(type(settings)()), plain(settings))


def describe(settings_class: type[Settings]) -> list[dict[str, Any]]:
    """Return one row per field, as JSON types: name, type, default and its rules."""
    defaults = settings_class()
    rows = []
    for f in fields(settings_class):
        default = getattr(defaults, f.name)
        kind = type(default).__name__
        plain = list(default) if kind == "tuple" else default
        rules = {k: list(v) if isinstance(v, tuple) else v for k, v in f.metadata.items()}
        rows.append({"name": f.name, "type": kind, "default": plain, **rules})
    return rows
