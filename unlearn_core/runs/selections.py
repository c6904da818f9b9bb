"""Selections of examples that a person named: they outlive pages, tabs and the server.

`cache/selections/<comparison>.json` maps each name to example ids.  They belong to the store, so
that a teacher's selections are there for everybody who opens the dashboard.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.runs.store import Store

MOST_SELECTIONS, LONGEST_NAME = 100, 60


def saved(store: Store, comparison: str) -> dict[str, list[int]]:
    """Return the ids of each named selection of a comparison, in the order they were made.

    Raises
    ------
    KnownFailureError
        If the file is not what `save` writes; the message names it.
    """
    path = _path(store, comparison)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): [int(i) for i in ids] for name, ids in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise KnownFailureError(f"{path} holds no saved selections: {error}. Remove it.") from error


def save(store: Store, comparison: str, name: str, ids: Sequence[int]) -> str:
    """Keep a selection under a name, in place of an earlier one of that name; return the name.

    Raises
    ------
    InputError
        If the name is empty or too long, there are no ids, or there are too many selections.
    """
    called = " ".join(name.split())
    if not 0 < len(called) <= LONGEST_NAME:
        raise InputError(
            f"A selection's name must have 1 to {LONGEST_NAME} letters, got {len(called)}."
        )
    if not ids:
        raise InputError(f"The selection {called!r} must have at least one example, got none.")
    with store.lock("selections"):
        known = saved(store, comparison)
        if called not in known and len(known) >= MOST_SELECTIONS:
            raise InputError(
                f"A comparison can have {MOST_SELECTIONS} saved selections, got one more. "
                "Remove some first."
            )
        _write(_path(store, comparison), {**known, called: [int(i) for i in ids]})
    return called


def remove(store: Store, comparison: str, name: str) -> None:
    """Remove a named selection; nothing happens where there is none."""
    with store.lock("selections"):
        known = saved(store, comparison)
        if name in known:
            _write(_path(store, comparison), {k: v for k, v in known.items() if k != name})


def _path(store: Store, comparison: str) -> Path:
    return store.root / "selections" / f"{comparison}.json"


def _write(path: Path, content: dict[str, list[int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    temporary.replace(path)
