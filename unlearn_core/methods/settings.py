"""Settings of methods as JSON: what runs keep of them, and what forms and lists show."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from unlearn_core.config import changed_from
from unlearn_core.settings import Settings


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
