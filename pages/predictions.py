"""Accuracy by class, where the answers went, and prediction matrices whose cells open."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, into_sight, selectors
from pages.components.examples import show_examples, show_pictures
from pages.components.opening import with_models
from unlearn_core.views import predictions
from unlearn_core.views.symbols import as_markdown

ANY = "any"
OPENED = "opened_cell"
PREVIEWED = 10  # pictures of a clicked cell beside its chart
MODEL, LABEL, ANSWER = "matrix_model", "true_class", "answered_class"
ANSWERS, MATRIX = "answers_grid", "matrix_grid"

selectors.under_app(__file__)
opening = with_models(
    "Predictions",
    "What do the models answer, and where did the answers on forgotten examples go? A network that "
    "never saw them spreads over the classes that look alike, as the **retrained** one does; one "
    "that sends all of them to one class has been told what to answer.",
    of_classes=True,
)
comparison, sets, runs, recipe = opening.comparison, opening.sets, opening.runs, opening.recipe
names = list(opening.dataset.class_names)
by_label = {run.label: run for run in runs}
groups = predictions.groups_of(sets)
group = str(
    selectors.segments(
        "Examples", groups, format_func=predictions.GROUP_NAMES.__getitem__, default="forget",
        key="prediction_set", wrap=True,
    )
)  # fmt: skip


def clicked(chart: str) -> list[object] | None:
    """Return what the cell stands for that was clicked on a chart."""
    points = st.session_state[chart]["selection"]["points"]
    return points[0]["customdata"] if points else None


def on_answers() -> None:
    """Open the clicked cell of the grid of models."""
    if cell := clicked(ANSWERS):
        st.session_state[MODEL] = cell[0]
        st.session_state[LABEL], st.session_state[ANSWER] = ANY, names[int(str(cell[1]))]


def on_matrix() -> None:
    """Open the clicked cell of the matrix."""
    if cell := clicked(MATRIX):
        st.session_state[LABEL], st.session_state[ANSWER] = (names[int(str(n))] for n in cell)


st.subheader("Where the answers went")
answers = predictions.answer_cells(runs, sets, group, opening.dataset.n_classes)
often = predictions.most_answered(answers)
first = st.container()  # drawn below, once it is known which cell is opened

only = predictions.only_label(opening.dataset.labels, sets, group)
with st.container():  # in its place also when empty, so that what follows stays in its own
    if only is not None and (told := predictions.wrong_answers_text(answers, only, names)):
        st.markdown(as_markdown(told, keep="*"))

st.subheader("Accuracy by class")
half = str(
    selectors.segments(
        "Half", list(predictions.HALF_NAMES), format_func=predictions.HALF_NAMES.__getitem__,
        default="test", key="class_half",
        label_visibility="collapsed",
    )
)  # fmt: skip
rows = predictions.class_rows(runs, sets, half, opening.dataset.n_classes)
shown = predictions.most_changed(rows)
forgotten = predictions.forgotten_classes(opening.dataset.labels, sets)
charts.chart(predictions.class_figure(shown, names, forgotten), key="class_accuracy")
few = " Only the classes in which the models differ most." if len(shown) < len(rows) else ""
st.caption(f"{predictions.HALF_NAMES[half]} of each class.{few} {recipe}")

st.subheader("Prediction matrix")
for choice in (LABEL, ANSWER):
    selectors.restart(comparison, choice, ANY)
left, middle, right = st.columns(3)
with left:
    model = selectors.choose_one(
        comparison, "Model", list(by_label), MODEL, selectors.first_method(runs)
    )
label = middle.selectbox("Label", [ANY, *names], key=LABEL, bind="query-params")
answer = right.selectbox("Answered class", [ANY, *names], key=ANSWER, bind="query-params")
run = by_label[model]
cells = predictions.matrix_cells(run, sets, group, opening.dataset.n_classes)
drawn = predictions.most_answered(cells)
numbers = [names.index(choice) if choice != ANY else None for choice in (label, answer)]
ids = predictions.cell_ids(run, sets, group, *numbers)
told = as_markdown(predictions.cell_text(model, group, label, answer, len(ids)), keep="*")
is_first = label == ANY and answer != ANY
with first:
    charts.chart(
        predictions.grid_figure(
            often, list(by_label), names, upright="",
            opened=(model, numbers[1]) if is_first else (None, None),
        ),
        key=ANSWERS, on_select=on_answers, selection_mode="points",
        config={"displayModeBar": False},
    )  # fmt: skip
    st.caption(
        f"How many examples {as_markdown(predictions.GROUP_NAMES[group])} each model gives which "
        "answer; the fuller the colour, the larger the share. Click a cell to see its examples."
        f"{predictions.only_some(often, answers)} {recipe}"
    )
    if is_first and ids:
        with st.container(key=OPENED):
            st.markdown(f"{told} All of them stand in the table at the end of this page.")
            show_pictures(comparison, ids, most=PREVIEWED)
    into_sight.bring(f".st-key-{OPENED}", f"{group} {model} {answer}" if is_first else "")
present = [names[number] for number in cells["row"].unique()]
charts.chart(
    predictions.grid_figure(
        drawn, present, names, upright="label", opened=(numbers[0], numbers[1])
    ),
    key=MATRIX, on_select=on_matrix, selection_mode="points", config={"displayModeBar": False},
)  # fmt: skip
st.caption(
    f"{as_markdown(model)} on examples {as_markdown(predictions.GROUP_NAMES[group])}: how many of "
    "each label get which answer; the fuller the colour, the larger the share of the label. "
    f"Click a cell to see its examples.{predictions.only_some(drawn, cells)} {recipe}"
)
st.markdown(told)
if ids:
    show_examples(comparison, runs, ids, key="cell_examples")
