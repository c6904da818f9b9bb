"""Words for runs that are left out, that other code has made, or that changed next to nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.change import change_of
from unlearn_core.runs.comparison import Comparison, DamagedRun, is_trick
from unlearn_core.views.jobs import run_name

MOST_NAMED = 5


def damaged_text(damaged: Sequence[DamagedRun], labels: Mapping[str, str]) -> str:
    """Return in Markdown which runs are left out and why, a line each."""
    lines = [f"**{_name(run, labels)}** is left out: {run.reason}" for run in damaged[:MOST_NAMED]]
    if len(damaged) > MOST_NAMED:
        rest = len(damaged) - MOST_NAMED
        lines.append(f"{rest} more; `python -m unlearn_core verify` names all.")
    return "  \n".join(lines)


def other_code_text(runs: Sequence[RunArtefact], labels: Mapping[str, str]) -> str:
    """Return which runs other code than this program's has made."""
    names = dict.fromkeys(run_name(run.config, labels) for run in runs)
    return (
        f"Made by other code than this program's: {', '.join(names)}. Their numbers may differ "
        "from what it would give now."
    )


def missing_examples_text(missing: str) -> str:
    """Return that the examples, "pictures" or "texts", are not here, and what stands for them."""
    instead = "striped tiles stand" if missing == "pictures" else "one line stands"
    return f"The {missing} did not come with the project: {instead} for them."


def kept_part_text(comparison: Comparison) -> str:
    """Return that the outputs for most examples are not here; nothing if all are."""
    kept = max((run.manifest.get("kept_examples", 0) for run in comparison.runs), default=0)
    told = f"Pages draw and count {kept:,} random examples, Metrics and verdicts all of them."
    return told if kept else ""


def unmeasured_text(runs: Sequence[RunArtefact], labels: Mapping[str, str]) -> str:
    """Return which runs lack a metric that was added after they were made."""
    names = dict.fromkeys(run_name(run.config, labels) for run in runs)
    return (
        f"Made before a metric was added: {', '.join(names)}. It is computed from what was "
        "recorded; nothing is trained again."
    )


def hardly_changed_text(comparison: Comparison) -> str:
    """Return which methods hardly changed the original, and by how much; nothing if none did.

    Tricks are meant to change next to nothing.
    """
    runs = [run for run in comparison.runs if not is_trick(run.config.method)]
    found = [(comparison.label(run), change_of(run)) for run in runs]
    named = {label: each for label, each in found if each is not None and each.is_hardly_any}
    if not named:
        return ""
    told = ", ".join(
        f"{label} (features moved by {each.features:.2%}, answers by {each.answers:.2%})"
        for label, each in named.items()
    )
    return (
        f"Hardly changed from the original on $D_f$: {told}. Their settings may suit another data "
        "set; more steps or a larger step size do more."
    )


def _name(run: DamagedRun, labels: Mapping[str, str]) -> str:
    if run.config is None:
        return f"Run {run.key}"
    return f"{run_name(run.config, labels)}, seed {run.config.seed}"
