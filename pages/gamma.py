"""RFA's gamma ablation for classes and single images, and a button that runs missing points."""

from __future__ import annotations

import streamlit as st

from pages.components import catalogue_reads, charts, data_reads, queue, reads, selectors
from pages.components.jobs import show_jobs
from pages.components.run_button import run_button
from unlearn_core.config import ForgetConfig
from unlearn_core.runs import gamma_sweep
from unlearn_core.runs.comparison import Comparison
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.gamma import (
    KIND_TITLES,
    gamma_figure,
    gamma_rows,
    sweep_title,
    values_text,
)
from unlearn_core.views.settings_form import default_settings, usual_settings
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import describe_forget

MOST_SAMPLES = 500

selectors.under_app(__file__)
st.title("Gamma ablation")


def was_swept(other: Comparison) -> bool:
    """Say whether RFA ran with several values of gamma in a comparison."""
    found = gamma_sweep.sweeps([other], other.config)
    return any(len(sweep.finished) > 1 for sweep in found)


comparison = selectors.chosen_comparison()
config = comparison.config
report = reads.comparison_report(comparison.key)
st.markdown(
    "RFA minimises **gamma** times feature alignment plus **1 − gamma** times the task loss. At 0 "
    "only the labels count, at 1 only the features. Compare where $D_{f}$ is forgotten with how "
    "far the features have moved; dotted lines are the retrained model's."
)
what = as_markdown(describe_forget(config.forget, data_reads.dataset(config.data).class_names))
if gamma_sweep.kind_of(config.forget) is None:
    st.info(
        f"This comparison forgets {what}; the ablation is about classes and single examples. "
        "Choose a comparison that forgets those in the sidebar.",
        icon=":material/info:",
    )
    selectors.offer_others(was_swept)
    st.stop()
sweeps = gamma_sweep.sweeps(reads.all_comparisons().values(), config)
names = data_reads.dataset(config.data).class_names


def ask_class() -> ForgetConfig:
    label = st.selectbox(
        "Class to forget",
        range(len(names)),
        format_func=lambda number: names[number],
        key="gamma_class",
        bind="query-params",
    )
    return ForgetConfig(kind="class", values=(label,))


def ask_samples() -> ForgetConfig:
    number = st.number_input(
        "Random examples to forget",
        min_value=1,
        max_value=MOST_SAMPLES,
        value=64,
        key="gamma_samples",
        bind="query-params",
    )
    return ForgetConfig(kind="random", values=(int(number),))


ASK = {"class": ask_class, "samples": ask_samples}
NEW = "new"


def choose_sweep(kind: str) -> gamma_sweep.Sweep | None:
    """Show the finished points of one kind, and the button that runs what is missing."""
    of_kind = {sweep.comparison.key: sweep for sweep in sweeps if sweep.kind == kind}
    st.markdown(f"**{KIND_TITLES[kind]}**")
    titles = {
        key: sweep_title(sweep, describe_forget(sweep.comparison.config.forget, names))
        for key, sweep in of_kind.items()
    }
    options, choice = [*of_kind, NEW], f"gamma_{kind}_request"
    selectors.restart(comparison, choice, options[0])
    selectors.stand_in_address(choice, options, options[0])
    key = st.selectbox(
        "Request",
        options,
        format_func=lambda key: titles.get(key, "another request"),
        key=choice,
    )
    sweep = of_kind.get(key)
    forget = sweep.comparison.config.forget if sweep else ASK[kind]()
    seeds = sweep.comparison.seeds if sweep else config_seeds
    missing = sweep.missing if sweep else list(gamma_sweep.GAMMAS)
    if not missing:
        st.caption("All points are there.")
        return sweep
    st.caption(f"Missing: gamma {values_text(missing)}.")
    entry = catalogue_reads.method_entry(gamma_sweep.METHOD)
    settings = usual_settings(entry, config.data, forget), default_settings(entry)
    is_wanted = run_button("Run the missing points", config.data, key=f"gamma_{kind}_run")
    if is_wanted and queue.submit(
        gamma_sweep.sweep_configs(config, forget, *settings, missing, seeds)
    ):
        st.rerun()
    return sweep


config_seeds = comparison.seeds[:1]
chosen = []
for column, kind in zip(st.columns(2), KIND_TITLES, strict=True):
    with column.container(border=True, height="stretch"):
        sweep = choose_sweep(kind)
        chosen += [sweep] if sweep else []

rows = gamma_rows(chosen)
if comparison.key in {sweep.comparison.key for sweep in sweeps if not sweep.runs}:
    st.info(
        f"RFA has not run on {what} of this comparison yet. Run the missing points above.",
        icon=":material/play_arrow:",
    )
if not any(len(sweep.finished) > 1 for sweep in chosen):
    selectors.offer_others(was_swept)
if not rows.empty:
    charts.chart(gamma_figure(rows), key="gamma")
    st.caption(
        "FD to original is definition 1: the mean absolute change of the layers' outputs, summed "
        "over layers; good is the retrained model's value. FD to retrained is definition 2: lower "
        f"is nearer. Both on examples of {as_markdown('D_f')}. Means over seeds, with their "
        "standard deviation where there are several. Other settings as the data set suggests. "
        f"{as_markdown(comparison_caption(report, with_request=False))}."
    )
    st.page_link(
        "pages/grid.py", label="All numbers of these runs, and other settings",
        icon=":material/stacked_line_chart:",
    )  # fmt: skip
show_jobs()
