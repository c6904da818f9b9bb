"""Unlearn: choose data, what to forget and methods; launch, and watch it happen."""

import streamlit as st

from pages.components import (
    data_choice,
    forget_request,
    jobs,
    kept_form,
    launch,
    own_method,
    reads,
    selectors,
    settings_form,
)
from unlearn_core.config import ForgetConfig
from unlearn_core.views.lesson import FEW_METHODS
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import data_label

selectors.under_app(__file__)
st.title("Unlearn", anchor=False)
st.markdown(
    "Choose what the model shall forget and press **Launch**. Every method starts from the same "
    "original model and is compared with a model *retrained* without the forgotten examples."
)
kept_form.restore()
is_sent = forget_request.receive_ids() or forget_request.receive_backdoor()
if reads.all_comparisons():
    shown = selectors.chosen_comparison().config
    is_here = data_choice.is_here(shown)
    if not is_here:
        st.info(
            f"The comparison in the sidebar is of **{as_markdown(data_label(shown.data))}**, whose "
            "files are not on this machine, or are others now. This form is about the data that is "
            "chosen in it.",
            icon=":material/folder_off:",
        )
    if is_sent or (kept_form.is_new() and data_choice.is_untouched() and is_here):
        data_choice.receive(shown)
        if not is_sent:
            forget_request.receive(shown)
    if forget_request.receive_another(shown if is_here else None):
        settings_form.choose_only(FEW_METHODS)
choices, runs = st.columns([5, 4], gap="large")
chosen = None
methods: dict[str, list[dict[str, object]]] = {}
faults: list[str] = []
with choices:
    st.subheader("1 · Data and model", anchor=False)
    data = data_choice.choose_data()
    st.subheader("2 · What to forget", anchor=False)
    if data is None:
        st.caption("Choose data that is on this machine first.")
    else:
        chosen = forget_request.choose_forget(data[0])
    if chosen is not None:
        forget_request.show_sets(*chosen)
    st.subheader("3 · Methods", anchor=False)
    st.caption("The retrained model is always made too: it is what the others are measured by.")
    if data is not None:
        forget = chosen[0].forget if chosen else ForgetConfig()
        methods, faults = settings_form.choose_methods(data[0].data, forget, data[0].model.name)
        own_method.offer()
kept_form.keep()
with runs, st.container(key="launch_side"):  # look.css: it stays while methods are chosen
    st.subheader("4 · Launch", anchor=False)
    if data is None or chosen is None:
        st.info("Nothing to launch yet: see the message on the left.", icon=":material/info:")
    else:
        launch.show_plan(chosen[0], methods, data[1], faults)
    jobs.show_jobs()
