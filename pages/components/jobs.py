"""`show_jobs()`: the queue as a live panel, for every page that launches runs.

It polls each second while something is queued or running, and else looks now and then whether
another tab or server has changed something.  What it shows is on disk, the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components import catalogue_reads, charts, data_reads, queue, reads
from unlearn_core.config import RunConfig
from unlearn_core.runs.status import ACTIVE, ENDED, Status
from unlearn_core.views import jobs as job_views
from unlearn_core.views.captions import probes_caption
from unlearn_core.views.live import live_charts, live_curves
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import run_title

WATCHED = "watched_jobs"  # the active jobs when this session last looked
SEEN = "jobs_seen"  # each job at the first look in each of its stages
LOOK_SECONDS = 3.0  # between looks where nothing is queued or running
NOTHING = "Nothing is running. Runs that you launch appear here, with their progress and curves."


def show_jobs() -> None:
    """Show all jobs, and keep showing them while one is queued or running."""
    st.subheader("Jobs", anchor=False)
    jobs = queue.jobs()
    if job_views.active(jobs):
        _watching()
    else:
        _noticed(jobs)
        _panel(jobs)
        _looking(_states(jobs))


@st.fragment(run_every=1.0)
def _watching() -> None:
    jobs = queue.jobs()
    if _noticed(jobs):
        st.rerun()  # once: the rest of the page shall see the new run
    _panel(jobs)


@st.fragment(run_every=LOOK_SECONDS)
def _looking(shown: list[tuple[str, str]]) -> None:
    if _states(queue.jobs()) != shown:
        st.rerun()


def _states(jobs: list[Status]) -> list[tuple[str, str]]:
    return [(job.key, job.state) for job in jobs]


def _noticed(jobs: list[Status]) -> bool:
    """Tell about jobs that ended since this session last looked; say whether there were any."""
    running = job_views.active(jobs)
    ended = set(st.session_state.get(WATCHED, ())).difference(running)
    st.session_state[WATCHED] = sorted(running)
    for key in sorted(ended):
        if reads.store().exists(key):
            name = job_views.run_name(
                reads.store().load(key).config, catalogue_reads.method_labels()
            )
            st.toast(f"Finished: {name}", icon=":material/check_circle:")
    return bool(ended)


def _panel(jobs: list[Status]) -> None:
    queue.show_refusal()
    if not jobs:
        st.caption(NOTHING)
        return
    _buttons_for_all(jobs)
    positions, title = job_views.positions(jobs), ""
    configs = {job.key: queue.requested(job.key) for job in jobs}
    known = [config for config in configs.values() if config]
    names = {data: data_reads.class_names(data) for data in {config.data for config in known}}
    apart = job_views.told_apart(known, catalogue_reads.method_defaults())
    for job in job_views.in_order(jobs):
        config = configs[job.key]
        if config and (of_run := run_title(config, names[config.data])) != title:
            title = of_run
            st.caption(as_markdown(title))
        with st.container(border=True):
            _job(job, config, positions.get(job.key), apart.get(job.key, ""))
            if waits := job_views.waiting_text(job, jobs):
                st.caption(waits)


def _job(job: Status, config: RunConfig | None, position: int | None, settings: str) -> None:
    labels = catalogue_reads.method_labels()
    name = job_views.run_name(config, labels) if config else labels.get(job.method, job.method)
    seed = config.seed if config else job.seed  # a status that cannot be read does not tell
    state = f"{job.state}, place {position}" if position else job.state
    badge = f":{job_views.STATE_COLOURS.get(job.state, 'gray')}-badge[{state}]"
    with st.container(horizontal=True, vertical_alignment="center"):
        of_grid = f" ({as_markdown(settings)})" if settings else ""
        st.markdown(f"**{name}**{of_grid}, seed {seed} {badge}", width="stretch")
        if job.state in ACTIVE:
            _cancel(job.key)
    if job.state == "running":
        text = job_views.progress_text(job, _first_seen(job))
        st.progress(job_views.progress_fraction(job), text=text)
        _curves(job)
    elif job.state in ENDED:
        _after_the_end(job)
    elif job.message:
        st.caption(job_views.reason(job))


def _first_seen(job: Status) -> Status:
    """Return the job as this session first saw it in its stage."""
    seen: dict[tuple[str, str], Status] = st.session_state.setdefault(SEEN, {})
    return seen.setdefault((job.key, job.stage), job)


def _cancel(key: str) -> None:
    if reads.store().is_cancel_requested(key):
        st.caption("stopping…", width="content")
        return
    _button("Cancel", f"cancel_{key}", queue.job_queue().cancel, [key])


def _after_the_end(job: Status) -> None:
    jobs, key = queue.job_queue(), job.key
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.message:
            st.caption(job_views.reason(job), width="stretch")
        _button("Retry", f"retry_{key}", jobs.retry, [key])
        _button("Dismiss", f"dismiss_{key}", jobs.dismiss, [key])
        with st.popover("Log", type="tertiary", width="content", key=f"log_{key}"):
            st.code(reads.store().log(key) or "The log is empty.", language=None)


def _buttons_for_all(jobs: list[Status]) -> None:
    work = queue.job_queue()
    waiting = [job.key for job in jobs if job.state in ACTIVE]
    ended = [job.key for job in jobs if job.state in ENDED]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(job_views.headline(jobs).capitalize() + ".", width="stretch")
        if len(waiting) > 1:
            # the last first, or the next would begin
            _button("Stop all", "cancel_all", work.cancel, waiting[::-1])
        if len(ended) > 1:
            _button("Retry all", "retry_all", work.retry, ended)
            _button("Dismiss all", "dismiss_all", work.dismiss, ended)


def _button(label: str, name: str, action: Callable[[str], None], keys: list[str]) -> None:
    st.button(label, key=name, type="tertiary", on_click=queue.act, args=(action, keys, label))


def _curves(job: Status) -> None:
    curves = live_curves(reads.store().live(job.key), job.method)
    if curves.empty:
        return
    st.caption(job_views.losses_text(job))
    for panel, (table, chart) in live_charts(curves, job.total).items():
        # a plotly chart with other data would be another element, mounted anew each second
        st.vega_lite_chart(
            table, charts.on_theme(chart), key=f"live_{panel}_{job.key}", width="stretch"
        )
    st.caption(as_markdown(probes_caption()))
