"""Dimensional alignment, probes, accuracies and losses on the way, and eigenvalue spectra."""

from __future__ import annotations

import streamlit as st

from pages.components import loaders, reads, selectors
from unlearn_core.runs.comparison import label
from unlearn_core.views.curves import (
    AXES,
    LOSS,
    PROBE,
    PROBE_NAMES,
    curves,
    loss_names,
    method_labels,
    reference_lines,
)
from unlearn_core.views.figures.curves import course_figure
from unlearn_core.views.figures.spectra import spectra_figure
from unlearn_core.views.overview import best, key_of
from unlearn_core.views.recipe import recipe, tracked_text
from unlearn_core.views.spectra import rank_table, sizes_text
from unlearn_core.views.symbols import as_markdown

MOST_SPECTRA = 6

st.title("Alignment")
comparison = selectors.chosen_comparison()
report = loaders.comparison_report(comparison.key)
rows = reads.course(comparison.key)
labels = method_labels(rows)
st.markdown(
    "**Dimensional alignment** DA is the share of the forget set's features that lies in the "
    "subspace of the retained features. A model that never saw the forget set has nothing of its "
    "own for it, so its DA is high; unlearning should bring DA up to the retrained model's line."
)

if not labels:
    st.info(
        "No method has run on this comparison yet. Start one on the **Unlearn** page.",
        icon=":material/play_circle:",
    )
    st.page_link("pages/unlearn.py", label="Go to Unlearn", icon=":material/arrow_forward:")
    st.stop()

left, right = st.columns([2, 1], vertical_alignment="bottom")
shown = left.multiselect("Methods", labels, default=labels, key="curve_methods")
axis = right.segmented_control(
    "Against",
    list(AXES),
    format_func=lambda name: AXES[name],
    default="step",
    required=True,
    key="curve_axis",
    bind="query-params",
)
rows = rows[rows["label"].isin(shown) | ~rows["label"].isin(labels)]
sets = reads.sets(comparison.config.data, comparison.config.forget)

by_probe, by_loss = st.tabs(["Probes", "Losses"], key="curve_kind")
with by_probe:
    probe = st.pills(
        "Quantity",
        list(PROBE_NAMES),
        format_func=lambda name: PROBE_NAMES[name],
        default="dimensional_alignment",
        required=True,
        key="probe",
        bind="query-params",
        label_visibility="collapsed",
    )
    drawn = curves(rows, f"{PROBE}{probe}")
    if drawn.empty:
        st.info(
            "This was not measured on the way: the request leaves no test examples of the "
            "forget set, or no method is chosen.",
            icon=":material/info:",
        )
    else:
        figure = course_figure(
            drawn,
            reference_lines(rows, f"{PROBE}{probe}"),
            axis=str(axis),
            title=PROBE_NAMES[str(probe)],
            percent=probe != "dimensional_alignment",
        )
        st.plotly_chart(figure, key=f"course_{probe}")
    st.caption(
        f"Penultimate features; {as_markdown(tracked_text(sets))}, the same for every run. "
        "The tables use all examples, so their numbers differ a little. "
        f"{as_markdown(recipe(report))}."
    )
with by_loss:
    losses = loss_names(rows)
    loss = st.selectbox(
        "Loss",
        losses,
        format_func=lambda name: str(name).replace("_", " "),
        key="loss",
    )
    drawn = curves(rows, f"{LOSS}{loss}")
    if drawn.empty:
        st.info("Choose at least one method above.", icon=":material/info:")
    else:
        figure = course_figure(drawn, {}, axis=str(axis), title=f"{loss} (nats)".replace("_", " "))
        st.plotly_chart(figure, key=f"course_{loss}")
    st.caption(
        "Losses of single batches, each method its own objective: compare their shape, not their "
        "height."
    )

st.subheader("Spectrum of the features")
st.markdown(
    "Each curve shows how the features' energy is spread over directions, from the strongest. "
    "Dotted lines mark the effective rank: about how many directions carry the features."
)
compared = ("Original", "Retrained", best(report) or "")
runs = {run.key: f"{label(run)}, seed {run.config.seed}" for run in comparison.runs}
chosen = st.multiselect(
    "Models",
    list(runs),
    default=list(filter(None, (key_of(comparison, name) for name in compared))),
    format_func=lambda key: runs[key],
    max_selections=MOST_SPECTRA,
    key="spectrum_runs",
)
spectra = reads.spectra(chosen) if chosen else None
if spectra is None or spectra.empty:
    st.info(
        "Choose a model with recorded features; a shipped run may come without them.",
        icon=":material/info:",
    )
    st.stop()
st.plotly_chart(spectra_figure(spectra), key="spectra")
st.dataframe(rank_table(spectra), hide_index=True, key="ranks", width="content")
st.caption(
    f"Eigenvalues of $F^\\top F$, uncentred, over their sum; penultimate features "
    f"of {as_markdown(sizes_text(spectra))} training examples. {as_markdown(recipe(report))}."
)
