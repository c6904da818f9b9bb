"""The maps at each step of several methods, side by side."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from pages.components import charts, data_reads, map_reads, run_reads, selectors
from pages.components.notices import without_damaged_runs
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.views.manifold.courses import PROBES, Course, courses_payload
from unlearn_core.views.manifold.drawing import STEPS, script, style
from unlearn_core.views.symbols import as_markdown

MOST, USUAL = 6, 3  # methods side by side


@cache
def _steps() -> Any:
    return st.components.v2.component(
        "unlearn_steps",
        html='<div class="map-steps"></div>',
        css=style(),
        js=script(STEPS),
        isolate_styles=False,
    )


@st.fragment
@without_damaged_runs
def show_unlearning_steps(comparison: Comparison, runs: list[RunArtefact]) -> None:
    """Let the reader choose methods, and play their steps side by side."""
    st.subheader("During unlearning")
    methods = {run.label: run for run in runs if run.config.method not in REFERENCES}
    with_steps = [label for label, run in methods.items() if run.steps_file is not None]
    if not with_steps:
        st.info(
            "No map of the steps was kept for these models: choose other methods above."
            if methods
            else "Choose a method above to see its steps."
        )
        return
    left, right = st.columns([3, 1])
    with left:
        usual = with_steps[:USUAL]
        selectors.restart(comparison, "steps", usual)
        if not set(st.session_state.get("steps", usual)) <= set(with_steps):
            st.session_state["steps"] = usual
        chosen = st.multiselect(
            "Methods at work", with_steps, default=usual, key="steps", bind="query-params",
            max_selections=MOST,
        )  # fmt: skip
    with right:
        probe = st.selectbox(
            "Curve", list(PROBES), format_func=PROBES.__getitem__, key="steps_curve",
            bind="query-params",
        )  # fmt: skip
    if not chosen:
        st.info("Choose at least one method.")
        return
    courses = [course for label in chosen if (course := _course(methods[label])) is not None]
    reference = comparison.reference("retrain", runs[0].config.seed)
    retrained = None if reference is None else run_reads.run_history(reference.key)
    n_classes = len(data_reads.dataset(comparison.config.data).class_names)
    payload = courses_payload(courses, n_classes, str(probe), retrained)
    _steps()(key="steps_map", data=charts.on_theme(payload))
    n_examples = len(courses[0].examples)
    st.caption(
        as_markdown(
            f"Penultimate features of {n_examples} tracked examples, a fixed sample of every set; "
            "diamonds are those to forget. Each step's map starts from the one before and is "
            "turned onto it. Every method goes through its own steps in the same time, however "
            f"many these are. The dashed line is the retrained model's {PROBES[str(probe)]} on the "
            "tracked examples."
        )
    )


def _course(run: RunArtefact) -> Course | None:
    steps = map_reads.map_steps(run.key)
    if steps is None:
        return None
    ids = steps["example_id"].drop_duplicates().tolist()
    return Course(
        label=run.label,
        method=run.config.method,
        steps=steps,
        examples=map_reads.labels_and_sets(run.config, ids),
        history=run_reads.run_history(run.key),
    )
