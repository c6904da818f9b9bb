"""The features of a class before and after a model learns it, as in MUDA's figure 1."""

from __future__ import annotations

import streamlit as st

from pages.components import incremental_reads, loaders, map_loaders, queue, reads, selectors
from pages.components.jobs import show_jobs
from unlearn_core.runs.plan import incremental_configs
from unlearn_core.views import incremental as view
from unlearn_core.views.captions import recipe, tracked_text
from unlearn_core.views.history import PROBE, PROBE_NAMES, course_figure, curves, reference_lines
from unlearn_core.views.manifold.small_maps import small_maps_figure
from unlearn_core.views.manifold.steps import step_figure
from unlearn_core.views.overview import map_recipe, why_no_maps
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import describe_forget

ALIGNMENT = f"{PROBE}dimensional_alignment"
BLACK = "#000000"

selectors.under_app(__file__)
st.title("Incremental view")
comparison = selectors.chosen_comparison()
config = comparison.config
names = loaders.dataset(config.data).class_names
what = as_markdown(describe_forget(config.forget, names))
st.markdown(
    "Unlearning is the reverse of learning one thing more. The **old** model is the retrained one; "
    "the **new** model is the same, trained on with all images. What the old model has never seen "
    "has no place of its own; once learned, it lies apart. A good unlearning method leads back, "
    "from right to left."
)
if not view.can_be_learned(config.forget):
    st.info(
        f"This comparison forgets {what}, and only a class or a subclass can be learned as new. "
        "Choose such a comparison in the sidebar, or make one on the **Unlearn** page.",
        icon=":material/info:",
    )
    st.page_link("pages/unlearn.py", label="Go to Unlearn", icon=":material/arrow_forward:")
    st.stop()

seed = comparison.seeds[0]
if len(comparison.seeds) > 1:
    seed = st.selectbox(
        "Seed", comparison.seeds, key="incremental_seed", bind="query-params", width=120
    )
models = view.pair(comparison, seed)
if set(models) != set(view.MODELS):
    st.info(
        f"No model has learned {what} after the others yet. The run takes as long as training "
        "the original.",
        icon=":material/play_arrow:",
    )
    is_wanted = st.button(
        "Learn it", type="primary", icon=":material/play_arrow:", key="incremental_run"
    )
    if is_wanted and queue.submit(incremental_configs(config, [seed])):
        st.rerun()
    show_jobs()
    st.stop()
old, new = models[view.OLD], models[view.NEW]
report = loaders.comparison_report(comparison.key)
made = as_markdown(recipe(report))


def show_maps() -> None:
    maps = incremental_reads.maps(comparison.key, seed)
    if maps.empty:
        st.info(why_no_maps(comparison), icon=":material/info:")
        return
    figure = small_maps_figure(maps, word="new", colour=BLACK)
    st.plotly_chart(figure, key="incremental_maps", config={"displayModeBar": False})
    st.caption(
        "Each point is a training image, placed by its penultimate features (UMAP). Black crosses "
        f"are {what}. {map_recipe(comparison, [old.key, new.key], len(maps))} {made}."
    )


def show_nearest() -> None:
    shares = incremental_reads.nearest_classes(old.key)
    if shares:
        st.markdown(
            f"**Before it is learned**, {what} lies nearest to these classes: "
            f"{as_markdown(view.nearest_text(shares))}."
        )
        st.caption(
            "Share of the images of $D_{f}$ by the class of $D_{r}$ whose mean feature has the "
            "largest cosine with theirs, in the old model's penultimate features."
        )


def show_course() -> None:
    rows = incremental_reads.course(comparison.key, seed)
    sets = reads.sets(config.data, config.forget)
    st.subheader("Alignment while it is learned")
    figure = course_figure(
        curves(rows, ALIGNMENT),
        reference_lines(rows, ALIGNMENT),
        axis="step",
        title=PROBE_NAMES["dimensional_alignment"],
        during="learning",
    )
    st.plotly_chart(figure, key="incremental_course")
    st.caption(
        "Retrained is the old model, where the curve starts; original is a model that learned all "
        f"classes at once. {as_markdown(tracked_text(sets))}. {made}, {view.steps_text(new)}."
    )


def show_steps() -> None:
    fingerprint = loaders.store().fingerprint()
    steps = map_loaders.steps(new.key, fingerprint)
    if steps is None:
        return
    looks = map_loaders.looks(comparison, steps["example_id"].drop_duplicates().tolist())
    history = loaders.history(new.key, fingerprint)
    st.subheader("Step by step")
    figure = step_figure(steps, looks, history, names, during="learning")
    st.plotly_chart(figure, key="incremental_steps", width="stretch")
    st.caption(
        "The tracked images only. The first map is the old model's, each other starts from the one "
        "before; diamonds are the new images."
    )


def show_table() -> None:
    st.subheader("Before and after, in numbers")
    labels = list(dict.fromkeys(run.label for run in comparison.runs if run.key != old.key))
    selectors.restart(comparison, "incremental_also", [])
    also = st.multiselect(
        "Compare with", labels, key="incremental_also", bind="query-params", wrap=True
    )
    st.dataframe(view.table(comparison, also), key="incremental_table", hide_index=True)
    st.caption(f"All examples, not only the tracked ones. {made}.")


show_maps()
show_nearest()
show_course()
show_steps()
show_table()
