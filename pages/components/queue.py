"""The server's one job queue, and cached reads of what it works on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import reads, run_reads
from unlearn_core.checks import InputError
from unlearn_core.config import RunConfig
from unlearn_core.data.prompts import Prompt
from unlearn_core.runs import faults, inventory
from unlearn_core.runs.again import measured_again
from unlearn_core.runs.answerer import Answerer
from unlearn_core.runs.artefact import RunArtefact, RunNotFoundError
from unlearn_core.runs.at_once import most_at_once
from unlearn_core.runs.continuations import continuations
from unlearn_core.runs.status import ACTIVE, Status
from unlearn_core.views.jobs import Timing

if TYPE_CHECKING:
    from unlearn_core.jobs import JobQueue

REFUSED = "refused_action"


@st.cache_resource(on_release=lambda queue: queue.close(), show_spinner=False)
def job_queue() -> JobQueue:
    """Return the one queue of this server; it starts nothing before the first submit."""
    from unlearn_core.jobs import JobQueue

    return JobQueue(reads.store(), at_once=most_at_once())


@st.cache_resource(on_release=lambda answerer: answerer.close(), show_spinner=False)
def answerer() -> Answerer:
    """Return the one process of this server that answers for finished models; not started yet."""
    return Answerer(reads.store())


def written(run: RunArtefact, base: RunArtefact, prompt: Prompt) -> str:
    """Return what a run's model, whose weights are here, writes after a text's question.

    Raises
    ------
    NotAnsweredError
        If the process that answers ends, or the weights are not what was written.
    """
    held = run_reads.weights_of(run) or run
    return _written(str(reads.store().root), run.key, held.created, base.key, prompt)


@st.cache_data(
    max_entries=1000, show_spinner="Letting the models write; the first waits for torch…"
)
def _written(root: str, run_key: str, created: float, base_key: str, prompt: Prompt) -> str:
    run, base = (reads.store().load(key) for key in (run_key, base_key))
    [text] = continuations(answerer(), [run], base, prompt).values()
    return text


def submit(configs: Sequence[RunConfig], *, again: bool = False, weights: bool = False) -> bool:
    """Queue these runs and what they need; what is finished or queued already is not repeated.

    `again` is for finished runs that other code has made, `weights` for those that shipped without
    their weights.  Where the runs cannot be written down,
    such as on a full disk, or the cluster is not there, none is queued: one line says why.
    """
    try:
        with st.spinner("Handing the runs to the worker…"):
            job_queue().submit(configs, again=again, weights=weights)
    except (OSError, InputError) as error:
        st.error(refusal(error), icon=":material/error:")
        return False
    return True


def measure(keys: Sequence[str]) -> bool:
    """Compute the metrics of these finished runs again, in a process of its own."""
    with st.spinner("Measuring…"):
        failed = measured_again(reads.store(), keys)
    for line in failed:
        st.error(line, icon=":material/error:")
    return not failed


def act(action: Callable[[str], None], keys: Sequence[str], label: str) -> None:
    """Cancel, retry or dismiss these jobs, as a button's callback; no refusal stops the others.

    `label` is the button's: of several jobs it is told before they are worked through.
    """
    if len(keys) > 1:
        st.toast(f"{label}: {len(keys)} jobs…", icon=":material/hourglass_top:")
    refused = []
    for key in keys:
        try:
            action(key)
        except (OSError, InputError) as error:
            refused.append(refusal(error))
    if refused:  # shown by the panel: a callback has no place
        st.session_state[REFUSED] = " ".join(dict.fromkeys(refused))


def show_refusal() -> None:
    """Show once why the last `act` could not be done."""
    why = st.session_state.pop(REFUSED, None)
    if why:
        st.error(why, icon=":material/error:")


def refusal(error: Exception) -> str:
    """Return in one line why something could not be done; raise a fault of the program."""
    known = faults.named(error, reads.store().root)
    if faults.is_fault(known):
        raise error
    return faults.line(known)


def jobs() -> list[Status]:
    """Return every run that is queued, running or left unfinished, in the queue's order."""
    return job_queue().jobs()


def comparisons_in_work() -> set[str]:
    """Return the keys of the comparisons of which a run is queued or running."""
    waiting = (job for job in reads.store().statuses() if job.state in ACTIVE)
    configs = (requested(job.key) for job in waiting)
    return {config.comparison_key() for config in configs if config}


def requested(key: str) -> RunConfig | None:
    """Return what a job was asked to make; None in the moment in which it is written."""
    try:
        return _requested(str(reads.store().root), key)
    except (RunNotFoundError, ValueError):
        return None


@st.cache_data(max_entries=512, show_spinner=False)
def _requested(root: str, key: str) -> RunConfig:
    return reads.store().requested(key)


def timings() -> list[Timing]:
    """Return every finished run's config with the seconds that it took."""
    return _timings(str(reads.store().root), reads.store().fingerprint())


@st.cache_data(max_entries=4, show_spinner=False)
def _timings(root: str, fingerprint: str) -> list[Timing]:
    return inventory.timings(reads.store())
