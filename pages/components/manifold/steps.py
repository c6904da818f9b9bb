"""The map at each step of a run, with the probes beside it."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, reads, selectors
from pages.components.notices import without_damaged_runs
from unlearn_core.config import RunConfig
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.views.manifold.steps import step_figure


@st.fragment
@without_damaged_runs
def show_unlearning_steps(comparison: Comparison, runs: list[RunArtefact]) -> None:
    """Let the reader choose a method, and show its map at each step."""
    st.subheader("During unlearning")
    methods = [run for run in runs if run.config.method not in REFERENCES]
    retrained = [run for run in runs if run.config.method == "retrain"]
    labels = {run.key: run.label for run in (*methods, *retrained)}
    if not labels:
        st.info("Choose a method above to see its steps.")
        return
    selectors.restart(comparison, "steps_run", next(iter(labels)))
    key = st.selectbox("Method", list(labels), format_func=labels.__getitem__, key="steps_run")
    n_examples = step_chart(comparison.config, key, name="steps_map")
    if not n_examples:
        st.info(f"No map of the steps was kept for {labels[key]}.")
        return
    st.caption(
        f"Penultimate features of {n_examples} tracked examples, a fixed sample of every set. Each "
        "step's map starts from the one before and is turned onto it; the axes are the same at "
        "every step. Diamonds are the examples to forget. Probes use the tracked examples only."
    )


def step_chart(config: RunConfig, run_key: str, *, name: str, during: str = "unlearning") -> int:
    """Draw a run's map at each step; return how many examples it shows, 0 where none was kept."""
    steps = reads.map_steps(run_key)
    if steps is None:
        return 0
    ids = steps["example_id"].drop_duplicates().tolist()
    examples, history = reads.labels_and_sets(config, ids), reads.run_history(run_key)
    classes = reads.dataset(config.data).class_names
    figure = step_figure(steps, examples, history, classes, during=during)
    charts.chart(figure, key=name, width="stretch")
    return len(ids)
