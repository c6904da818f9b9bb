"""Everything stored: search, compare, verify, remove with what depends on it; and the queue."""

from __future__ import annotations

import streamlit as st

from pages.components import catalogue_reads, own_files, queue, reads, selectors
from pages.components.jobs import show_jobs
from unlearn_core.checks import InputError
from unlearn_core.runs import inventory
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views import jobs as job_views
from unlearn_core.views import runs as views

DOOMED = "runs_to_remove"
MOST_COMPARED = 6

selectors.under_app(__file__)
st.title("Runs")
store, labels = reads.store(), catalogue_reads.method_labels()
runs = {run.key: run for run in reads.stored_runs()}
shipped = {key for key in runs if store.is_shipped(key)}
st.markdown(
    "Every model that was trained or changed is a run, kept on disk and never made twice. A run "
    "that others were made from, such as the original, can only go together with them."
)
waiting = job_views.active(queue.jobs())
for column, (name, value) in zip(
    st.columns(4),
    (
        ("Finished runs", f"{len(runs):,}"),
        ("Made here", f"{len(set(runs).difference(shipped)):,}"),
        ("Disk used", views.size_text(reads.disk_bytes())),
        ("Queued or running", f"{len(waiting):,}"),
    ),
    strict=True,
):
    column.metric(name, value, border=True)


def ask_removal(keys: list[str]) -> None:
    """Remember what a reader wants to remove, until it is confirmed."""
    st.session_state[DOOMED] = keys


def show_removal(keys: list[str]) -> None:
    """Say what would go, and remove it where that is confirmed."""
    chosen = [runs[key].config for key in keys if key in runs]
    if not chosen:
        return
    also = [c for c in inventory.own_dependents(store, keys) if c.key() not in keys]
    with st.container(border=True):
        st.markdown(views.removal_text(chosen, also, labels))
        with st.container(horizontal=True):
            confirmed = st.button(
                "Remove for good", key="remove_runs", type="primary", icon=":material/delete:"
            )
            st.button("Keep them", key="keep_runs", on_click=ask_removal, args=([],))
    if confirmed:
        try:
            removed = inventory.remove(store, keys)
        except (InputError, OSError) as error:
            st.error(queue.refusal(error), icon=":material/error:")
            return
        ask_removal([])
        st.toast(f"Removed: {len(removed)} runs", icon=":material/delete:")
        st.rerun()


def show_faults(chosen: list[RunArtefact]) -> None:
    """Hash every file of these runs and name what is not as it was written."""
    with st.spinner("Reading every file…"):
        faults = [line for run in chosen for line in store.verify(run.key)]
    for line in faults:
        st.error(line, icon=":material/broken_image:")
    if not faults:
        st.success(f"Verified: {len(chosen)} runs are whole.", icon=":material/check_circle:")


def show_differences(chosen: list[RunArtefact]) -> None:
    """Show what tells a few runs apart, and lead to the comparison that all of them are in."""
    st.markdown("**What tells them apart**")
    st.dataframe(views.differences(chosen, labels), hide_index=True, key="run_differences")
    keys = {run.config.comparison_key() for run in chosen}
    if len(keys) == 1 and keys <= set(reads.all_comparisons()):
        if st.button(
            "See their comparison", key="to_comparison", icon=":material/table_chart:",
            on_click=selectors.choose, args=(keys.pop(),),
        ):  # fmt: skip
            selectors.go_to("pages/metrics.py")
    else:
        st.caption("They are of different comparisons, so their metrics have other references.")


if not runs:
    st.info("Nothing is stored yet. Start runs on the **Unlearn** page.", icon=":material/info:")
    selectors.link_to_unlearn()
    own_files.show()
    show_jobs()
    st.stop()
left, right = st.columns([3, 2], vertical_alignment="bottom")
words = left.text_input(
    "Find", key="runs_find", bind="query-params", placeholder="such as: muda class 3",
    icon=":material/search:",
)  # fmt: skip
with right:
    origins = st.pills(
        "Origin", [views.OWN, views.SHIPPED], selection_mode="multi", key="runs_origin",
        bind="query-params", wrap=True,
    )  # fmt: skip
table = views.found(views.runs_table(list(runs.values()), shipped, labels), words, origins)
st.caption(f"{len(table):,} of {len(runs):,} runs. Tick some to compare, verify or remove them.")
event = st.dataframe(
    table, key="runs", hide_index=True, selection_mode="multi-row", on_select="rerun", height=330,
    column_config={
        "Seconds": st.column_config.NumberColumn(format="%.1f"),
        "MB": st.column_config.NumberColumn(format="%.1f"),
        "Made": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    },
)  # fmt: skip
ticked = [table["Key"].tolist()[row] for row in event["selection"]["rows"] if row < len(table)]
chosen = [runs[key] for key in ticked]
own = [key for key in ticked if key not in shipped]
with st.container(horizontal=True):
    is_verified = st.button(
        f"Verify {len(ticked) or 'all shown'}", key="verify_runs", icon=":material/fact_check:"
    )
    st.button(
        f"Remove {len(own)}…", key="ask_remove", icon=":material/delete:", disabled=not own,
        on_click=ask_removal, args=(own,), help="Runs that came with the project stay.",
    )  # fmt: skip
if is_verified:
    show_faults(chosen or [runs[key] for key in table["Key"]])
show_removal(st.session_state.get(DOOMED, []))
if 2 <= len(chosen) <= MOST_COMPARED:
    show_differences(chosen)
elif len(chosen) > MOST_COMPARED:
    st.caption(f"Tick two to {MOST_COMPARED} runs to see what tells them apart.")
own_files.show()
show_jobs()
