"""Bring it back: how few forgotten images, shown again, bring the others back."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, data_reads, map_reads, queue, reads, run_reads, selectors
from pages.components.jobs import show_jobs
from pages.components.run_button import run_button
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.plan import relearning_configs
from unlearn_core.views import bring_back
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.examples import with_outputs, without_classes
from unlearn_core.views.glossary import PLAIN
from unlearn_core.views.manifold.steps import step_figure
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import describe_forget

selectors.under_app(__file__)
st.title("Bring it back")


def was_taught(other: Comparison) -> bool:
    """Say whether some model of a comparison was taught again."""
    return any(other.relearning(run) is not None for run in other.runs)


comparison = selectors.chosen_comparison()
config = comparison.config
report = reads.comparison_report(comparison.key)
what = describe_forget(config.forget, data_reads.dataset(config.data).class_names)
st.markdown(
    "Has a model forgotten, or does it only not say? Show it a few of the forgotten examples "
    "again, train it for a moment, and ask for the **others**. A model that has forgotten learns "
    "as slowly as the **retrained** one; one that pretends knows them all at once."
)
if reason := without_classes(with_outputs(comparison.runs)):
    st.info(f"{reason} So nothing can be brought back by name.", icon=":material/info:")
    selectors.offer_others(was_taught)
    st.stop()
runs = selectors.choose_runs(comparison)
rows = run_reads.relearning_curves(comparison, [run.key for run in runs])
untaught = [run for run in runs if comparison.relearning(run) is None]
if untaught:
    names = ", ".join(run.label for run in untaught)
    st.info(
        f"Not taught again yet: {as_markdown(names)}. It takes seconds a model; what ships without "
        "weights is made first.",
        icon=":material/play_arrow:",
    )
    is_wanted = run_button("Teach them again", comparison.config.data, key="relearn_run")
    if is_wanted and queue.submit(relearning_configs([run.config for run in untaught])):
        st.rerun()
    show_jobs()
if rows.empty:
    selectors.offer_others(was_taught)
    st.stop()
numbers = bring_back.numbers_shown(rows)
shown = int(
    selectors.segments(
        "Examples shown again, of each class", numbers,
        default=bring_back.usual_number(rows), key="relearn_shown",
    )
)  # fmt: skip
st.markdown(as_markdown(bring_back.answer_text(rows, shown, what), keep="*"))
notes = bring_back.unsteady_text(rows, shown), bring_back.matched_text(report, runs)
for told in filter(None, notes):
    st.markdown(as_markdown(told, keep="*"))
recipe = as_markdown(f"Seed {runs[0].config.seed}. {comparison_caption(report)}.")
by_step, by_number = st.columns(2, gap="medium")
with by_step:
    st.subheader("Step by step")
    charts.chart(bring_back.step_figure(rows, shown), key="relearn_steps")
with by_number:
    st.subheader("By the number of examples")
    charts.chart(bring_back.examples_figure(rows), key="relearn_numbers")
st.caption(
    "Accuracy on the forgotten examples that were not shown, after all weights were trained on the "
    "shown ones and some that stay; the classifier is set anew in every model, so that an edit of "
    f"it hides nothing. Right, and in the table: after the last step. {bring_back.FRESH_LABEL}: a "
    f"network that never learned anything. {recipe}"
)
st.subheader("The map refilling")
drawn = {run.label: found for run in runs if (found := run_reads.refilling(comparison, run))}
if drawn:
    label = selectors.choose_one(
        comparison, "Model", list(drawn), "refilling_model", next(iter(drawn))
    )
    steps, curves = drawn[label]
    ids = steps["example_id"].drop_duplicates().tolist()
    examples = map_reads.labels_and_sets(config, ids)
    classes = data_reads.dataset(config.data).class_names
    figure = step_figure(
        steps, examples, curves, classes, during="each class", unit="Examples shown"
    )
    charts.chart(figure, key="refilling")
    st.caption(
        f"Penultimate features of {len(ids)} followed examples after so many examples of "
        "each class were shown again, 0 before any; diamonds are those to forget. Each map starts "
        "from the one before and is turned onto it. Curves: accuracy on the forgotten examples "
        f"that were not shown, and on test examples of what stays. {recipe}"
    )
else:
    st.info(
        "No map was kept while these models were taught again; what ships has curves alone. A "
        "model that is taught here, in a comparison of your own, has one.",
        icon=":material/map:",
    )
st.subheader("In numbers")
charts.table(bring_back.summary_table(comparison, runs))
st.caption(
    as_markdown(
        f"Relearned: {PLAIN['relearn_k']} Relearned sooner: {PLAIN['relearn_gap']} "
        f"Prototypes(D_f): {PLAIN['prototype_forget']} Retrained models differ much among "
        f"themselves in relearning, so that it decides no verdict. {recipe}",
        keep="$",
    )
)
