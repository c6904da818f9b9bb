"""Dimensional alignment, accuracies and losses step by step, and eigenvalue spectra."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, data_reads, reads, run_reads, selectors
from pages.components.spectra import show_spectra
from unlearn_core.runs.artefact import LOSS_PREFIX, PROBE_PREFIX
from unlearn_core.views.captions import comparison_caption, tracked_caption
from unlearn_core.views.history import (
    ALL_SEEDS,
    AXES,
    CURVES,
    PROBE_NAMES,
    history_figure,
    is_share,
    loss_names,
    method_labels,
    method_rows,
    probe_option,
    probes_of,
    reference_lines,
)
from unlearn_core.views.symbols import as_markdown

selectors.under_app(__file__)
st.title("Alignment")
comparison = selectors.chosen_comparison()
report = reads.comparison_report(comparison.key)
rows = run_reads.histories(comparison)
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
    selectors.link_to_unlearn()
    st.stop()

left, right = st.columns([2, 1], vertical_alignment="bottom")
selectors.restart(comparison, "curve_methods", labels[:CURVES])
chosen = left.multiselect(
    "Methods", labels, default=labels[:CURVES], key="curve_methods", bind="query-params", wrap=True
)
with right:
    axis = selectors.segments(
        "Against", list(AXES), format_func=AXES.__getitem__, default="step", key="curve_axis",
        wrap=True,
    )  # fmt: skip
rows = rows[rows["label"].isin(chosen) | ~rows["label"].isin(labels)]
beside = st.container(horizontal=True, vertical_alignment="bottom", gap="large")
if len(comparison.seeds) > 1:
    seeds = {str(seed): seed for seed in comparison.seeds}
    selectors.restart(comparison, "curve_seed", next(iter(seeds)))
    with beside:
        seed = selectors.segments(
            "Seed", [*seeds, ALL_SEEDS], default=next(iter(seeds)), key="curve_seed"
        )
    rows = rows[rows["seed"] == seeds[seed]] if seed in seeds else rows
sets = data_reads.sets(comparison.config.data, comparison.config.forget)


def show_probes() -> None:
    usual = "dimensional_alignment"
    probe = st.pills(
        "Quantity",
        probes_of(rows),
        format_func=probe_option,
        default=usual,
        required=True,
        key="probe",
        bind="query-params",
        label_visibility="collapsed",
    )
    probe = probe or usual  # a link may leave it empty
    curves = method_rows(rows, f"{PROBE_PREFIX}{probe}")
    if curves.empty:
        st.info(
            "This was not measured during unlearning: the request leaves no test examples of the "
            "forget set, or no method is chosen.",
            icon=":material/info:",
        )
    else:
        figure = history_figure(
            curves,
            reference_lines(rows, f"{PROBE_PREFIX}{probe}"),
            axis=str(axis),
            title=PROBE_NAMES[str(probe)],
            percent=is_share(str(probe)),
        )
        charts.chart(figure, key=f"history_{probe}")
    st.caption(
        f"Penultimate features; {as_markdown(tracked_caption(sets))}, the same for every run. "
        "The tables use all examples, so their numbers differ a little. "
        f"{as_markdown(comparison_caption(report))}."
    )


def show_losses() -> None:
    losses = {name.replace("_", " "): name for name in loss_names(rows)}
    if not losses:
        st.info("None of these methods noted a loss.", icon=":material/info:")
        return
    loss = losses[
        selectors.choose_one(comparison, "Loss", list(losses), "loss", next(iter(losses)))
    ]
    curves = method_rows(rows, f"{LOSS_PREFIX}{loss}")
    if curves.empty:
        st.info("Choose at least one method above.", icon=":material/info:")
    else:
        figure = history_figure(
            curves, {}, axis=str(axis), title=f"{loss} (nats)".replace("_", " ")
        )
        charts.chart(figure, key=f"history_{loss}")
    st.caption(
        "Losses of single batches, each method its own objective: compare their shape, not their "
        "height."
    )


KINDS = {"Probes": show_probes, "Losses": show_losses}
with beside:
    kind = selectors.segments("During unlearning", list(KINDS), default="Probes", key="curve_kind")
KINDS[str(kind)]()

show_spectra(comparison, report)
