"""What pages on single images begin with: data, and the chosen models whose outputs are kept."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.components import data_reads, reads, selectors
from unlearn_core.data import Dataset
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.examples import with_outputs, without_classes
from unlearn_core.views.symbols import as_markdown


@dataclass(frozen=True, kw_only=True)
class Opening:
    """The chosen comparison with its data, and the chosen runs; `recipe` ends every caption."""

    comparison: Comparison
    dataset: Dataset
    sets: Sets
    runs: list[RunArtefact]
    recipe: str


def with_models(title: str, question: str, *, most: int = 9, of_classes: bool = False) -> Opening:
    """Show the title, what the page asks and the choice of at most `most` models.

    The page ends here where none is chosen or the outputs of none were kept, or where it asks for
    the classes that models answer and these answer with none.
    """
    st.title(title)
    comparison = selectors.chosen_comparison()
    config = comparison.config
    report = reads.comparison_report(comparison.key)
    dataset, sets = data_reads.dataset(config.data), data_reads.sets(config.data, config.forget)
    st.markdown(question)
    runs = with_outputs(selectors.choose_runs(comparison, most=most))
    if not runs:
        st.info("The outputs of these models were not kept. Choose others.", icon=":material/info:")
        st.stop()
    if of_classes and (reason := without_classes(runs)):
        st.info(reason, icon=":material/info:")
        st.stop()
    recipe = as_markdown(f"Seed {runs[0].config.seed}. {comparison_caption(report)}.")
    return Opening(comparison=comparison, dataset=dataset, sets=sets, runs=runs, recipe=recipe)
