"""The features of a class before and after a model learns it, as in MUDA's figure 1."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, data_reads, map_reads, queue, reads, run_reads, selectors
from pages.components.jobs import show_jobs
from pages.components.run_button import run_button
from unlearn_core.runs.artefact import PROBE_PREFIX
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.incremental import NEW, OLD, can_be_learned, old_and_new
from unlearn_core.runs.plan import incremental_configs
from unlearn_core.views.captions import comparison_caption, tracked_caption
from unlearn_core.views.history import (
    PROBE_NAMES,
    history_figure,
    method_rows,
    reference_lines,
)
from unlearn_core.views.incremental import metric_table, nearest_text, steps_text
from unlearn_core.views.manifold.points import why_no_maps
from unlearn_core.views.manifold.small_maps import (
    small_maps_caption,
    small_maps_figure,
)
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import describe_forget

ALIGNMENT = f"{PROBE_PREFIX}dimensional_alignment"

selectors.under_app(__file__)
st.title("Incremental view")


def has_learned(other: Comparison) -> bool:
    """Say whether some model of a comparison learned the class after the others."""
    return any(set(old_and_new(other, seed)) == {OLD, NEW} for seed in other.seeds)


comparison = selectors.chosen_comparison()
config = comparison.config
names = data_reads.dataset(config.data).class_names
what = as_markdown(describe_forget(config.forget, names))
st.markdown(
    "Unlearning is the reverse of learning one thing more. The **old** model is the retrained one; "
    "the **new** model is the same, trained on with all examples. What the old model has never "
    "seen has no place of its own; once learned, it lies apart. A good unlearning method leads "
    "back, from right to left."
)
if not can_be_learned(config.forget):
    st.info(
        f"This comparison forgets {what}, and only a class or a subclass can be learned as new. "
        "Choose such a comparison in the sidebar, or make one on the **Unlearn** page.",
        icon=":material/info:",
    )
    selectors.offer_others(has_learned)
    selectors.link_to_unlearn()
    st.stop()

seed = comparison.seeds[0]
if len(comparison.seeds) > 1:
    seed = st.selectbox(
        "Seed", comparison.seeds, key="incremental_seed", bind="query-params", width=120
    )
models = old_and_new(comparison, seed)
if set(models) != {OLD, NEW}:
    st.info(
        f"No model has learned {what} after the others yet. The run takes as long as training "
        "the original.",
        icon=":material/play_arrow:",
    )
    is_wanted = run_button("Learn it", config.data, key="incremental_run", kind="primary")
    if is_wanted and queue.submit(incremental_configs(config, [seed])):
        st.rerun()
    selectors.offer_others(has_learned)
    show_jobs()
    st.stop()
old, new = models[OLD], models[NEW]
report = reads.comparison_report(comparison.key)
caption = as_markdown(comparison_caption(report))


def show_maps() -> None:
    maps = map_reads.old_and_new_maps(comparison, seed)
    if maps.empty:
        st.info(why_no_maps(comparison), icon=":material/info:")
        return
    figure = small_maps_figure(maps, word="new")
    charts.chart(figure, key="incremental_maps", config={"displayModeBar": False})
    st.caption(
        "Each point is a training example, placed by its penultimate features (UMAP). Diamonds "
        f"are {what}. {small_maps_caption(comparison, [old.key, new.key], len(maps))} {caption}."
    )


def show_nearest() -> None:
    shares = run_reads.nearest_classes(old.key)
    if shares:
        st.markdown(
            f"**Before it is learned**, {what} lies nearest to these classes: "
            f"{as_markdown(nearest_text(shares))}."
        )
        st.caption(
            "Share of the examples of $D_{f}$ by the class of $D_{r}$ whose mean feature has the "
            "largest cosine with theirs, in the old model's penultimate features."
        )


def show_history() -> None:
    rows = run_reads.learning_history(comparison, seed)
    sets = data_reads.sets(config.data, config.forget)
    st.subheader("Alignment while it is learned")
    figure = history_figure(
        method_rows(rows, ALIGNMENT),
        reference_lines(rows, ALIGNMENT),
        axis="step",
        title=PROBE_NAMES["dimensional_alignment"],
        during="learning",
    )
    charts.chart(figure, key="incremental_history")
    st.caption(
        "Retrained is the old model, where the curve starts; original is a model that learned all "
        f"classes at once. {as_markdown(tracked_caption(sets))}. {caption}, {steps_text(new)}."
    )


def show_steps() -> None:
    st.subheader("Step by step")
    figure = map_reads.learned_steps(new.key)
    if figure is None:
        st.info("No map of the steps was kept of this run.", icon=":material/info:")
        return
    charts.chart(figure, key="incremental_steps", width="stretch")
    st.caption(
        "The tracked examples only. The first map is the old model's, each other starts from the "
        "one before; diamonds are the new examples."
    )


def show_table() -> None:
    st.subheader("Before and after, in numbers")
    labels = list(dict.fromkeys(run.label for run in comparison.runs if run.key != old.key))
    selectors.restart(comparison, "incremental_also", [])
    also = st.multiselect(
        "Compare with", labels, key="incremental_also", bind="query-params", wrap=True
    )
    charts.table(metric_table(comparison, also))
    st.caption(f"All examples, not only the tracked ones. {caption}.")


show_maps()
show_nearest()
show_history()
show_steps()
show_table()
