"""What a launch will make and cost, the button, and the way to the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.components import catalogue_reads, queue, reads, selectors
from unlearn_core.config import RunConfig
from unlearn_core.runs.plan import all_needed, variant_configs
from unlearn_core.views import jobs as job_views

RESULTS = {
    "pages/overview.py": "See the verdicts",
    "pages/manifolds.py": "See the manifolds",
    "pages/metrics.py": "See the metrics",
}
OF_GRIDS = {"pages/grid.py": "See what the settings do"}


def show_plan(
    start: RunConfig,
    methods: Mapping[str, Sequence[Mapping[str, Any]]],
    seeds: Sequence[int],
    faults: Sequence[str],
) -> None:
    """Show which runs exist and how long the others take, and the button that starts them.

    `methods` maps each method to the settings to try.
    """
    labels = catalogue_reads.method_labels()
    configs = variant_configs(start, {} if faults else methods, seeds)
    needed = all_needed(configs)
    finished = reads.finished(config.key() for config in needed)
    waiting = job_views.active(queue.jobs())
    table = job_views.plan_table(
        needed, finished, waiting, queue.timings(), labels, catalogue_reads.method_defaults()
    )
    left = job_views.left_to_make(table)
    if faults:
        st.error("Correct the settings on the left first.", icon=":material/error:")
    elif not methods:
        st.caption("No method is chosen: only the original and the retrained model are made.")
    is_ready = not faults and left > 0
    if st.button(
        "Launch",
        key="launch",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not is_ready,
        width="stretch",
    ) and queue.submit(configs):
        st.rerun()
    st.caption(job_views.plan_summary(needed, finished, queue.timings()))
    with st.expander("The runs", icon=":material/list:"):
        columns = ["Run", *job_views.settings_column(table), "Seed", "State", "Time"]
        st.dataframe(table[columns], key="plan", hide_index=True, width="stretch", height="content")
    comparison_key = start.comparison_key()
    if comparison_key in reads.all_comparisons():
        is_grid = bool(job_views.settings_column(table))
        show_results(
            comparison_key, is_whole=not faults and len(finished) == len(needed), is_grid=is_grid
        )


def show_results(comparison_key: str, *, is_whole: bool, is_grid: bool) -> None:
    """Lead to the pages that show a comparison, and make it the sidebar's choice there."""
    if is_whole:
        st.success("All of these runs are finished.", icon=":material/check_circle:")
    else:  # as high, so that the buttons stay where they are when the last one ends
        st.info("Some of these runs are finished.", icon=":material/clock_loader_40:")
    with st.container(horizontal=True):
        for page, label in (RESULTS | OF_GRIDS if is_grid else RESULTS).items():
            if st.button(
                label, key=f"to_{page}", on_click=selectors.choose, args=(comparison_key,)
            ):
                selectors.go_to(page)
