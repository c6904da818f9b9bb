"""Choose methods, each with a form made from its settings: new methods need nothing here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import cycle
from typing import Any

import streamlit as st

from pages.components import catalogue_reads
from unlearn_core.checks import InputError
from unlearn_core.config import DataConfig, ForgetConfig, changed_from
from unlearn_core.data.presets import has_many
from unlearn_core.views import settings_form as forms
from unlearn_core.views.symbols import as_markdown

Settings = dict[str, Any]


def choose_methods(
    data: DataConfig, forget: ForgetConfig, model: str
) -> tuple[dict[str, list[Settings]], list[str]]:
    """Show a card a method; return the settings of the chosen ones, and what is wrong.

    Of each a list of settings to try, as configs hold them: those that differ from its defaults.
    What has no meaning for this kind of model cannot be chosen, and says why.
    """
    labels = {row["name"]: row["label"] for row in catalogue_reads.catalogue()["datasets"]}
    [task] = [row["task"] for row in catalogue_reads.catalogue()["models"] if row["name"] == model]
    chosen: dict[str, list[Settings]] = {}
    faults: list[str] = []
    methods = forms.in_order(catalogue_reads.catalogue()["methods"])
    with st.container(horizontal=True):
        for label, is_on in (("All methods", True), ("None", False)):
            st.button(label, key=f"switch_{is_on}", on_click=_switch, args=(methods, is_on))
    for method in methods:
        with st.container(gap=None):
            if reason := method["not_for"].get(task):
                st.markdown(f"**{method['label']}**: {as_markdown(forms.idea(method))}")
                st.caption(f"Does not apply to {task}: {reason}.")
                continue
            is_on = st.checkbox(
                f"**{method['label']}**: {as_markdown(forms.idea(method))}",
                value=True,
                key=f"use_{method['name']}",
                persist_state="session",
                help=method["description"],
            )
            if is_on:
                points, wrong = settings_form(method, data, forget, labels)
                chosen[method["name"]] = points
                faults += [f"{method['label']}: {fault}" for fault in wrong]
    return chosen, faults


def choose_only(names: Collection[str]) -> None:
    """Choose these methods and no others; call before `choose_methods`."""
    for method in catalogue_reads.catalogue()["methods"]:
        st.session_state[f"use_{method['name']}"] = method["name"] in names


def _switch(methods: list[Mapping[str, Any]], is_on: bool) -> None:
    for method in methods:
        st.session_state[f"use_{method['name']}"] = is_on


def settings_form(
    method: Mapping[str, Any], data: DataConfig, forget: ForgetConfig, datasets: Mapping[str, str]
) -> tuple[list[Settings], list[str]]:
    """Show one method's form; return the settings to try, and one line for each that is wrong.

    Widgets of another data set or scenario are other widgets: each starts from its own preset.
    """
    if not method["settings"]:
        st.caption("It has no settings.")
        return [{}], []
    presets = forms.presets(method, data, forget, datasets)
    where = f"{method['name']}.{data.name}.{forget.scenario}{'.many' if has_many(data) else ''}"
    form = st.expander(
        "Settings",
        icon=":material/tune:",
        type="compact",
        key=f"form_{where}",
        on_change="rerun",
    )  # a closed form has no fields yet: all of them together are most of what the page costs
    if form.open:
        with form, st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                "Preset",
                options=list(presets),
                format_func=lambda name: forms.preset_label(name, datasets),
                key=f"preset_{where}",
                on_change=_fill,
                args=(method, where, presets),
                persist_state="session",
                help="Complete settings to start from.",
            )
            st.button(
                "Reset",
                key=f"reset_{where}",
                on_click=_reset,
                args=(method, where, presets),
                help="Back to the preset's values, one of each.",
            )
        with form:
            _show_fields(method, where, presets)
    values, grid, faults = _read_fields(method, where, presets)
    try:
        points = [] if faults else forms.points(method, values, grid)
    except InputError as error:
        points, faults = [], [str(error)]
    preset = presets[st.session_state.get(f"preset_{where}", next(iter(presets)))]
    edited = {} if faults else changed_from(preset, {**preset, **values})
    if edited:
        changed = ", ".join(f"{name} = {value}" for name, value in edited.items())
        form.caption(f"Changed: {changed}")
    if grid and not faults:
        st.caption(f":material/grid_on: {forms.grid_text(grid)}")
    for fault in faults:
        st.error(fault, icon=":material/error:")
    return points, faults


def _show_fields(method: Mapping[str, Any], where: str, presets: Mapping[str, Settings]) -> None:
    """Show a field a setting, and under each what is wrong with its content."""
    several, start = _choose_varied(method, where), next(iter(presets.values()))
    for row, column in zip(method["settings"], cycle(st.columns(2)), strict=False):
        name = row["name"]
        with column:
            if name in several:
                _several(row, f"values_{where}.{name}", start[name])
            else:
                _widget(row, f"set_{where}.{name}", start[name])
            try:
                _content(row, where, start[name])
            except InputError as error:
                st.markdown(f":red[{error}]")


def _read_fields(
    method: Mapping[str, Any], where: str, presets: Mapping[str, Settings]
) -> tuple[Settings, dict[str, list[Any]], list[str]]:
    """Return values, those of settings with several, and what is wrong, shown or not."""
    start = next(iter(presets.values()))
    values: Settings = {}
    grid: dict[str, list[Any]] = {}
    faults: list[str] = []
    for row in method["settings"]:
        name = row["name"]
        try:
            content = _content(row, where, start[name])
        except InputError as error:
            faults.append(str(error))
            continue
        (grid if name in _varied(where) else values)[name] = content
    return values, grid, faults


def _content(row: Mapping[str, Any], where: str, value: Any) -> Any:
    """Return what a setting's field holds: a value, or a list where it is varied."""
    name = row["name"]
    if name in _varied(where):
        field = forms.suggested(row, value)
        return forms.from_several(row, st.session_state.get(f"values_{where}.{name}", field))
    field = forms.to_widget(row, value)
    return forms.from_widget(row, st.session_state.get(f"set_{where}.{name}", field))


def _varied(where: str) -> list[str]:
    """Return which settings shall have several values."""
    return list(st.session_state.get(f"vary_{where}", ()))


def _choose_varied(method: Mapping[str, Any], where: str) -> list[str]:
    """Show which settings shall have several values; return their names."""
    rows = {row["name"]: row for row in method["settings"] if forms.can_vary(row)}
    return st.multiselect(
        "Try several values of",
        list(rows),
        format_func=lambda name: forms.field_label(rows[name]),
        key=f"vary_{where}",
        persist_state="session",
        placeholder="nothing: one run",
        help="A grid: every combination of the values is a run of its own.",
    )


def _several(row: Mapping[str, Any], key: str, value: Any) -> None:
    """Show the field for several values of a setting."""
    st.session_state.setdefault(key, forms.suggested(row, value))
    label = f"Values of {forms.field_label(row).lower()}"
    if forms.offered(row):
        st.multiselect(
            label, forms.offered(row), key=key, help=row["help"], persist_state="session"
        )
    else:
        about = f"With commas. {row['help']}"
        st.text_input(label, key=key, help=about, persist_state="session")


def _reset(method: Mapping[str, Any], where: str, presets: Mapping[str, Settings]) -> None:
    """Set every field of a form to its preset's value, and try no other."""
    st.session_state[f"vary_{where}"] = []
    _fill(method, where, presets)


def _fill(method: Mapping[str, Any], where: str, presets: Mapping[str, Settings]) -> None:
    """Set every field of a form to its preset's value."""
    values = presets[st.session_state[f"preset_{where}"]]
    for row in method["settings"]:
        content = forms.to_widget(row, values[row["name"]])
        st.session_state[f"set_{where}.{row['name']}"] = content


def _widget(row: Mapping[str, Any], key: str, value: Any) -> None:
    """Show the widget that suits a setting."""
    st.session_state.setdefault(key, forms.to_widget(row, value))
    label, kept = forms.field_label(row), {"key": key, "help": row["help"]}
    kind = forms.widget_of(row)
    if kind == "toggle":
        st.toggle(label, persist_state="session", **kept)
    elif kind == "choice":
        st.selectbox(label, row["choices"], persist_state="session", **kept)
    elif kind == "choices":
        st.multiselect(label, row["choices"], persist_state="session", **kept)
    elif kind == "whole":
        low, high = forms.limits(row)
        st.number_input(label, low, high, step=1, persist_state="session", **kept)
    elif kind == "fraction":
        st.number_input(label, 0.0, 1.0, step=0.05, format="%g", persist_state="session", **kept)
    else:
        st.text_input(label, persist_state="session", **kept)
