"""What `list` prints: registries and runs as plain JSON types."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.runs.artefact import CorruptRunError
from unlearn_core.runs.store import Store, default_root


def _registry(name: str) -> Callable[[], Any]:
    def entries() -> Any:
        from unlearn_core.engine import registries

        return getattr(registries, name)()

    return entries


def _list_runs() -> list[dict[str, Any]]:

    store = Store(default_root(), demo=True)
    runs = []
    for key in store.list():
        try:
            runs.append(store.load(key))
        except CorruptRunError as error:
            print(f"left out: {error}", file=sys.stderr)
    return [{"name": run.key, "label": run.label, "config": run.config.to_dict()} for run in runs]


def _list_comparisons() -> list[dict[str, Any]]:
    from unlearn_core.runs.comparison import survey
    from unlearn_core.views.wording import comparison_titles

    found = survey(Store(default_root(), demo=True))
    for run in found.damaged:
        print(f"left out: {run.reason}", file=sys.stderr)
    titles = comparison_titles(found.comparisons)
    return [
        {"name": one.key, "label": titles[one.key], "runs": [run.key for run in one.runs]}
        for one in found.comparisons
    ]


NEEDS = {"all": "yes", "part": "a part", "labels": "labels only", "none": "no"}
BEGIN, END = "<!-- list methods -->", "<!-- end of list -->"


def methods_markdown() -> str:
    """Return the table of methods as the README shows it, the reference first and tricks last."""
    from unlearn_core.methods import METHODS

    rows = sorted(METHODS.values(), key=lambda m: (m.is_trick, m.name != "retrain"))
    lines = ["| name | idea | needs the retained data |", "|---|---|---|"]
    lines += [f"| `{m.name}` | {m.idea} | {NEEDS[m.retain]} |" for m in rows]
    return "\n".join(lines)


def with_table(text: str, table: str) -> str:
    """Return a document with the table in place of what stands between its two marks.

    Raises
    ------
    InputError
        If the document does not have both marks.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"The file must hold the lines {BEGIN} and {END}, got none of one.")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


LISTS: dict[str, Callable[[], Any]] = {
    **{name: _registry(name) for name in ("methods", "metrics", "datasets", "models")},
    "comparisons": _list_comparisons,
    "runs": _list_runs,
    "all": _registry("listed"),
}
